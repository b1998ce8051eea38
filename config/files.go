package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// defaultTimeout leaves time for a password manager that asks its user before it writes into a named pipe.
	defaultTimeout = 10 * time.Second
	// maxFileSize is more than any configuration needs. It is a limit for devices such as /dev/zero, which have no end.
	maxFileSize = 16 << 20
)

// Reader reads configuration files and the secret files that they name. A read that takes too long is abandoned, but
// not repeated before it ends, so that a file that blocks costs one goroutine however often it is read. The zero Reader
// is ready to use. Use the same Reader for every reload.
type Reader struct {
	// Timeout bounds the reading of one file; 0 means 10 s. A named pipe without a writer, or a network file system
	// that does not answer, would block for ever.
	Timeout time.Duration

	mu      sync.Mutex
	pending map[string]*pendingRead // by path
}

// fileReader is implemented by Reader. It is an interface so that a Config remains comparable by reflect.DeepEqual.
type fileReader interface {
	read(ctx context.Context, path string) ([]byte, error)
}

type pendingRead struct {
	done    chan struct{} // closed when content and err are set
	content []byte
	err     error
}

// LoadFile reads, defaults and validates a configuration file with a new Reader.
func LoadFile(ctx context.Context, path string, declared []Collector) (Config, error) {
	return new(Reader).LoadFile(ctx, path, declared)
}

// LoadFile reads, defaults and validates a configuration file. A relative path of a secret file is relative to the
// folder of the configuration file. The Credentials method of the configuration reads the secret file with the same
// Reader.
func (r *Reader) LoadFile(ctx context.Context, path string, declared []Collector) (Config, error) {
	raw, err := r.read(ctx, path)
	if err != nil {
		return Config{}, fmt.Errorf("cannot read the configuration: %w", err)
	}
	c, err := Parse(raw, declared)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c.path, c.Atlas.files = path, r
	if secret := c.Atlas.secretFile(); secret != nil && *secret != "" && !filepath.IsAbs(*secret) {
		*secret = filepath.Join(filepath.Dir(path), *secret)
	}
	return c, nil
}

// read returns the content of a file.
func (r *Reader) read(ctx context.Context, path string) ([]byte, error) {
	limit := cmp.Or(r.Timeout, defaultTimeout)
	timeout := fmt.Errorf("%s: nothing could be read within %s: is it a named pipe without a writer, or on a file system that does not answer?", path, limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, timeout)
	defer cancel()
	read := r.begin(path)
	select {
	case <-read.done:
		return read.content, read.err
	case <-ctx.Done():
		if cause := context.Cause(ctx); errors.Is(cause, timeout) {
			return nil, cause
		}
		return nil, fmt.Errorf("%s: the reading was interrupted: %w", path, context.Cause(ctx))
	}
}

// begin returns the pending read of a file, or starts one.
func (r *Reader) begin(path string) *pendingRead {
	r.mu.Lock()
	defer r.mu.Unlock()
	if read := r.pending[path]; read != nil {
		return read
	}
	if r.pending == nil {
		r.pending = map[string]*pendingRead{}
	}
	read := &pendingRead{done: make(chan struct{})}
	r.pending[path] = read
	go func() {
		read.content, read.err = readFile(path)
		r.mu.Lock()
		delete(r.pending, path)
		r.mu.Unlock()
		close(read.done)
	}()
	return read
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("%s is longer than %d MiB", path, maxFileSize>>20)
	}
	return content, err
}

// Files returns the paths of the configuration file and the secret file, if there are any. To notice changes of the
// configuration, watch their content.
func (c *Config) Files() []string {
	var files []string
	for _, path := range []string{c.path, c.secretFile()} {
		if path != "" && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	return files
}
