package daemon

import (
	"crypto/sha256"
	"maps"
	"os"
)

// fingerprint tells whether files changed: their paths, with a sum of the content of each.
type fingerprint map[string][sha256.Size]byte

// read adds a file. A file that cannot be read differs from every content that it can have. A pipe or a device is
// not read, because that would block or take what others want to read.
func (f fingerprint) read(path string) {
	f[path] = sumOf(path)
}

// sumOf follows symbolic links, which is how Kubernetes swaps what it mounts.
func sumOf(path string) [sha256.Size]byte {
	if !isRegular(path) {
		return [sha256.Size]byte{}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(raw)
}

// isRegular reports whether there is a regular file, perhaps at the end of symbolic links.
func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// changed reports whether the content of a file differs from what the last reload found, successful or not.
func (d *Daemon) changed() bool {
	d.mu.Lock()
	known := maps.Clone(d.files)
	d.mu.Unlock()
	for path, sum := range known {
		if sumOf(path) != sum {
			return true
		}
	}
	return false
}
