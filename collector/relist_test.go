package collector

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestShorterRelistIntervalHoldsAtOnce reads a list, as if before a reload that shortens relist_interval, and goes on with
// the new one: what Atlas dropped is noticed within that.
func TestShorterRelistIntervalHoldsAtOnce(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	m := &modelList{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), compare: listOrders()["newest first"]}
	m.fill(random, 200, true)
	l := m.reader(t)
	var h trimmedHistory
	read := func() int {
		t.Helper()
		if err := h.refresh(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		return len(h.all())
	}
	if n := read(); n != 200 {
		t.Fatalf("read %d jobs, want 200", n)
	}
	m.drop(50)
	if n := read(); n != 200 {
		t.Fatalf("%d jobs after a quiet refresh, want 200 still: the test does not test anything", n)
	}
	l.relistInterval = time.Minute
	read()
	l.now = l.now.Add(time.Minute)
	if n := read(); n != 150 {
		t.Errorf("%d jobs a minute after the interval became that, want 150", n)
	}
}
