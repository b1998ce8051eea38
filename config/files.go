package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// ReadTimeout is the maximum time that a Reader waits for one file. It leaves time for a password manager that asks its
// user before it writes into a named pipe.
const ReadTimeout = 10 * time.Second

// maxFileSize is more than any configuration needs. It is a limit for devices such as /dev/zero, which have no end.
const maxFileSize = 16 << 20

// Reader reads configuration files and the secret files that they name. A named pipe without a writer, or a network file
// system that does not answer, blocks a system call for ever, and nothing can interrupt it. A Reader therefore stops
// waiting when the context ends, after ReadTimeout at the latest, and the next call for the same file waits for the same
// system call, so that a file that blocks costs no goroutine for each attempt. The zero Reader is ready to use. Use the
// same Reader for every reload.
type Reader struct {
	reads calls[[]byte]
	stats calls[fs.FileInfo]
}

// fileReader is implemented by Reader. It is an interface because vet refuses reflect.DeepEqual of a type that contains
// errors, as a Config with a Reader would.
type fileReader interface {
	Read(ctx context.Context, path string) ([]byte, error)
	Stat(ctx context.Context, path string) (fs.FileInfo, error)
}

// LoadFile reads, defaults and validates a configuration file with a new Reader.
func LoadFile(ctx context.Context, path string, declared []Collector) (Config, error) {
	return new(Reader).LoadFile(ctx, path, declared)
}

// LoadFile reads, defaults and validates a configuration file. A relative path of a secret file is relative to the
// folder of the configuration file. The Credentials method of the configuration reads the secret file with the same
// Reader.
func (r *Reader) LoadFile(ctx context.Context, path string, declared []Collector) (Config, error) {
	raw, err := r.Read(ctx, path)
	if err != nil {
		return Config{}, fmt.Errorf("cannot read the configuration: %w", err)
	}
	c, err := Parse(raw, declared)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c.path, c.blank, c.Atlas.files = path, len(bytes.TrimSpace(raw)) == 0, r
	if secret := c.Atlas.secretFile(); secret != nil && *secret != "" && !filepath.IsAbs(*secret) {
		*secret = filepath.Join(filepath.Dir(path), *secret)
	}
	return c, nil
}

// Read returns the content of a file.
func (r *Reader) Read(ctx context.Context, path string) ([]byte, error) {
	file, err := r.Stat(ctx, path)
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: failure.Err} // what a caller wants
	}
	if err != nil {
		return nil, err
	}
	return r.reads.do(ctx, path, file, readFile)
}

// Stat describes a file. It follows symbolic links.
func (r *Reader) Stat(ctx context.Context, path string) (fs.FileInfo, error) {
	return r.stats.do(ctx, path, nil, os.Stat)
}

// calls are the calls of one function that have not returned yet, by path.
type calls[T any] struct {
	mu      sync.Mutex
	pending map[string]*call[T]
}

type call[T any] struct {
	file   fs.FileInfo   // what the path led to at the start, nil if that is unknown
	done   chan struct{} // closed when result and err are set
	result T
	err    error
}

// do returns the result of the function. It stops waiting when the context ends, after ReadTimeout at the latest.
func (c *calls[T]) do(ctx context.Context, path string, file fs.FileInfo, f func(string) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	pending := c.begin(path, file, f)
	select {
	case <-pending.done:
		return pending.result, pending.err
	case <-ctx.Done():
		var none T
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return none, fmt.Errorf("%s: could not be read within %s: "+
				"if it is a named pipe, try again and write to it meanwhile, else check its file system", path, ReadTimeout)
		}
		return none, fmt.Errorf("%s: the reading was interrupted: %w", path, context.Cause(ctx))
	}
}

// begin returns the pending call for a file, or starts one. A file that replaced the one that blocks is another file.
func (c *calls[T]) begin(path string, file fs.FileInfo, f func(string) (T, error)) *call[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending := c.pending[path]
	if pending != nil && (pending.file == nil || file == nil || os.SameFile(pending.file, file)) {
		return pending
	}
	if c.pending == nil {
		c.pending = map[string]*call[T]{}
	}
	started := &call[T]{file: file, done: make(chan struct{})}
	c.pending[path] = started
	go func() {
		started.result, started.err = f(path)
		c.mu.Lock()
		if c.pending[path] == started {
			delete(c.pending, path)
		}
		c.mu.Unlock()
		close(started.done)
	}()
	return started
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

// IsBlank reports whether the configuration comes from a file without content, such as one that is being written.
func (c *Config) IsBlank() bool { return c.blank }

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
