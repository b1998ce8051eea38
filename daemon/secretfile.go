package daemon

import (
	"context"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// rereadInterval is the minimum time between two reads of the secret file after Atlas rejected the credentials.
const rereadInterval = time.Minute

// secretFile is the file with the current secret. When Atlas rejects the credentials, the client calls refresh, so that
// a rotated secret needs no reload. Its calls do not overlap.
type secretFile struct {
	atlas  config.Atlas
	reader *config.Reader
	path   string
	getenv func(string) string
	logger log.Logger

	last   time.Time // when refresh last read it
	secret atlasapi.Secret
	err    error
}

func (d *Daemon) newSecretFile(a config.Atlas, path string, secret atlasapi.Secret) *secretFile {
	return &secretFile{atlas: a, reader: d.reader, path: path, getenv: d.getenv, logger: d.logger, secret: secret}
}

// refresh returns the secret in the file. It reads the file once in rereadInterval at most, and only a regular file: a
// named pipe may block, or ask a person each time. The end of the context does not end the reading, because later calls
// use its result.
func (f *secretFile) refresh(ctx context.Context) (atlasapi.Secret, error) {
	if !f.last.IsZero() && time.Since(f.last) < rereadInterval {
		return f.secret, f.err
	}
	f.last = time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ReadTimeout)
	defer cancel()
	if info, err := f.reader.Stat(ctx, f.path); err == nil && !info.Mode().IsRegular() {
		return f.secret, nil
	}
	read, err := f.atlas.Credentials(ctx, f.getenv)
	before := f.err
	f.err = err
	if err != nil && !isSameError(before, err) {
		_ = level.Warn(f.logger).Log("msg", "Atlas rejected the credentials, and the secret file cannot be read again", "err", err)
	}
	if err == nil && read.Secret != f.secret {
		f.secret = read.Secret
		_ = level.Info(f.logger).Log("msg", "Atlas rejected the credentials: using the new content of the secret file", "file", f.path)
	}
	return f.secret, f.err
}
