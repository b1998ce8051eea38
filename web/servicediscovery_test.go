package web

import (
	"strings"
	"testing"
)

// TestLongestAddress checks how long the host of a request may be.
func TestLongestAddress(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]bool{0: false, 1: true, 259: true, 260: false} {
		if got := isAddress(strings.Repeat("a", length)); got != want {
			t.Errorf("%d characters: %t", length, got)
		}
	}
}
