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
	// defaultTimeout is long enough for a password manager that asks its user before it writes into a named pipe.
	defaultTimeout = 10 * time.Second
	// maxFileSize is more than any configuration needs: a device such as /dev/zero has no end.
	maxFileSize = 16 << 20
)

// Reader reads configuration files and the secret files that they name. A read that takes too long is abandoned, but
// not repeated before it ends, so that a file that blocks costs one goroutine however often it is read. The zero Reader
// is ready to use; whoever reads a configuration again uses the same Reader.
type Reader struct {
	// Timeout bounds the reading of one file, since a named pipe without a writer and a network file system that does
	// not answer block for ever; 0 is 10 s.
	Timeout time.Duration

	mu      sync.Mutex
	pending map[string]*pendingRead // by path
}

// fileReader is a Reader. A Config that holds an interface remains comparable by reflect.DeepEqual.
type fileReader interface {
	read(ctx context.Context, path string) ([]byte, error)
}

type pendingRead struct {
	done    chan struct{} // closed when content and err are set
	content []byte
	err     error
}

// LoadFile reads, defaults and validates a configuration file with a Reader of its own.
func LoadFile(ctx context.Context, path string, declared []Collector) (Config, error) {
	return new(Reader).LoadFile(ctx, path, declared)
}

// LoadFile reads, defaults and validates a configuration file. A relative path of a secret file counts from the folder
// of the configuration file. Credentials of the configuration reads the secret file with the same Reader.
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

// begin returns the pending read of a file, a new one if there is none.
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

// Files returns the files that make up the configuration: its own and the secret file, as far as there are any. Whoever
// watches the configuration for changes watches their content.
func (c *Config) Files() []string {
	var files []string
	for _, path := range []string{c.path, c.secretFile()} {
		if path != "" && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	return files
}
