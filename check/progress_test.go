package check

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgressLine checks the text of the progress line, and that it changes no more often than redrawInterval, for people to
// read.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := progress{out: &out}
		p.begin("nothing", 0)
		p.begin("clusters", 12)
		for range 10 {
			p.step()
		}
		time.Sleep(redrawInterval)
		p.step() // just long enough
		time.Sleep(redrawInterval - 1)
		p.step()
		p.begin("runs", 1)
		p.end()
		want := []string{
			"", "checking clusters: 0 of 12", "checking clusters: 11 of 12", "checking runs: 0 of 1      ",
			strings.Repeat(" ", len("checking runs: 0 of 1")), "",
		}
		if got := strings.Split(out.String(), "\r"); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}
