package daemon

import (
	"context"
	"crypto/sha256"
	"maps"
)

// fingerprint is used to detect changes of files. It maps the path of each file to the checksum of its content.
type fingerprint map[string][sha256.Size]byte

// sum returns the checksum of a file. It follows symbolic links, because Kubernetes replaces mounted files by changing a
// link. A file that cannot be read differs from any content. It does not read pipes and devices: that would block, or
// take data that somebody else wants to read.
func (d *Daemon) sum(ctx context.Context, path string) [sha256.Size]byte {
	info, err := d.reader.Stat(ctx, path)
	if err != nil || !info.Mode().IsRegular() {
		return [sha256.Size]byte{}
	}
	raw, err := d.reader.Read(ctx, path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(raw)
}

// changed reports whether the content of a file differs from what the last reload found, whether that reload succeeded
// or not.
func (d *Daemon) changed(ctx context.Context) bool {
	d.mu.Lock()
	known := maps.Clone(d.files)
	d.mu.Unlock()
	for path, sum := range known {
		if d.sum(ctx, path) != sum {
			return true
		}
	}
	return false
}
