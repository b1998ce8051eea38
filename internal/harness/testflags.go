package harness

import (
	"flag"
	"os"
	"testing"
)

// SkipOrFail skips the test because a program is not installed. The reason is a sentence that says what to install. With
// CI=true in the environment and without -short, it fails the test instead.
func SkipOrFail(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" && !testing.Short() {
		t.Fatalf("skipping is not allowed with CI=true: %s", reason)
	}
	t.Skip(reason)
}

// NotShort skips the test with -short, which needs no other programs. The reason says what the test needs: "it runs helm".
func NotShort(t testing.TB, reason string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("skipped with -short: %s", reason)
	}
}

// RunWaiting is for the TestMain of a package whose parallel tests mostly wait. It runs 12 of them at a time, however few
// processors there are, unless -parallel is set.
func RunWaiting(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err)
		}
	}
	m.Run()
}
