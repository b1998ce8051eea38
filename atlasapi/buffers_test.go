package atlasapi

import "testing"

// TestLargeBuffersAreNotKept has one answer of a size that is not Atlas's cost its memory once, and not for good.
func TestLargeBuffersAreNotKept(t *testing.T) {
	c := New(Options{})
	for range 3 {
		large := &answer{}
		large.Grow(maxKept + 1)
		c.release(large)
		if got := c.answers.Get().(*answer).Cap(); got > maxKept {
			t.Fatalf("a buffer of %d bytes is kept", got)
		}
	}
}
