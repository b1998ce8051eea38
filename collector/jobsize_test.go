package collector

import (
	"testing"
	"unsafe"
)

// TestJobSize holds how much memory a kept job takes: an organization lists millions.
func TestJobSize(t *testing.T) {
	t.Parallel()
	for name, size := range map[string][2]uintptr{
		"export":       {unsafe.Sizeof(job[exportExtra]{}), 28},
		"restore":      {unsafe.Sizeof(job[restoreExtra]{}), 28},
		"flex restore": {unsafe.Sizeof(job[struct{}]{}), 24},
		"run":          {unsafe.Sizeof(job[runExtra]{}), 56},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, most := size[0], size[1]; got > most {
				t.Errorf("a job takes %d bytes, want at most %d", got, most)
			}
		})
	}
}
