package daemon

import (
	"crypto/sha256"
	"maps"
	"os"
)

// fingerprint is used to detect changes of files. It maps the path of each file to a checksum of its content.
type fingerprint map[string][sha256.Size]byte

// read adds a file. A file that cannot be read differs from any content. It does not read pipes and devices: that would
// block, or take data that somebody else wants to read.
func (f fingerprint) read(path string) {
	f[path] = sumOf(path)
}

// sumOf returns the checksum of a file. It follows symbolic links, because Kubernetes replaces mounted files by
// changing a link.
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

// isRegular reports whether a path leads to a regular file, if necessary through symbolic links.
func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// changed reports whether the content of a file differs from what the last reload found, whether that reload succeeded
// or not.
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
