package atlasapi

import (
	"bytes"
	"testing"
)

// TestLargeBuffersAreNotKept has one answer of a size that is not Atlas's cost its memory once, and not for good.
func TestLargeBuffersAreNotKept(t *testing.T) {
	c := New(Options{})
	for range 3 {
		c.release(bytes.NewBuffer(make([]byte, 0, maxKept+1)))
		if got := c.buffers.Get().(*bytes.Buffer).Cap(); got > maxKept {
			t.Fatalf("a buffer of %d bytes is kept", got)
		}
	}
}
