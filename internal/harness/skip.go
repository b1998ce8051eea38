package harness

import (
	"os"
	"testing"
)

// SkipOrFail skips the test where something that it needs is not installed. The reason is a sentence for the person who
// runs it, and says what to install. With CI=true in the environment it fails the test instead: there, nothing may be left
// untested without a word.
func SkipOrFail(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("nothing may skip with CI=true: %s", reason)
	}
	t.Skip(reason)
}
