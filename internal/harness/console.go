package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
)

// console lets a program start the servers that are meant for tests. It is a testing.TB, as far as these need one: a fatal
// error ends the function that runs in it, and whatever that started.
type console struct {
	testing.TB // satisfies the interface; its methods are not called

	ctx  context.Context //nolint:containedctx // as of a test: what lives as long as its function
	name string
	log  io.Writer

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

// RunInConsole runs do in a goroutine of its own, with what this package needs of a test, so that a program may start its
// servers. It cleans up behind it, and returns why it failed. What do logs goes to log.
func RunInConsole(ctx context.Context, name string, log io.Writer, do func(testing.TB)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &console{ctx: ctx, name: name, log: log}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer c.clean()
		defer cancel()
		do(c)
	}()
	<-done
	if c.Failed() {
		return fmt.Errorf("%s: %s", name, c.failures[0])
	}
	return nil
}

// clean runs the cleanups, the last one first; each may fail without keeping the others from running.
func (c *console) clean() {
	for len(c.cleanups) > 0 {
		last := c.cleanups[len(c.cleanups)-1]
		c.cleanups = c.cleanups[:len(c.cleanups)-1]
		done := make(chan struct{})
		go func() {
			defer close(done)
			last()
		}()
		<-done
	}
}

func (c *console) Helper()                  {}
func (c *console) Name() string             { return c.name }
func (c *console) Context() context.Context { return c.ctx }

func (c *console) Cleanup(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cleanups = append(c.cleanups, do)
}

func (c *console) TempDir() string {
	dir, err := os.MkdirTemp("", "console-")
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (c *console) Failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.failures) > 0
}

func (c *console) Error(args ...any)                 { c.fail(fmt.Sprint(args...)) }
func (c *console) Errorf(format string, args ...any) { c.fail(fmt.Sprintf(format, args...)) }

func (c *console) Fatal(args ...any) {
	c.fail(fmt.Sprint(args...))
	runtime.Goexit()
}

func (c *console) Fatalf(format string, args ...any) {
	c.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (c *console) Log(args ...any) {
	_, _ = fmt.Fprintf(c.log, "%s: %s\n", c.name, fmt.Sprint(args...))
}

func (c *console) Logf(format string, args ...any) { c.Log(fmt.Sprintf(format, args...)) }

func (c *console) fail(message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, message)
}
