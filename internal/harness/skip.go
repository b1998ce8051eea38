package harness

import (
	"os"
	"testing"
)

// SkipOrFail skips the test where a program that it needs is not installed, and with -short. The reason is a sentence that
// tells the person who runs the test what to install. With CI=true in the environment it fails the test instead.
func SkipOrFail(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" && !testing.Short() {
		t.Fatalf("nothing may skip with CI=true: %s", reason)
	}
	t.Skip(reason)
}

// NotShort skips the test when go test runs with -short, which promises to need no other programs. The reason says what
// the test needs: "it runs helm".
func NotShort(t testing.TB, reason string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("skipped with -short: %s", reason)
	}
}
