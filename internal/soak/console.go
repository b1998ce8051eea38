package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
)

// console lets a program start the servers that are meant for tests. It is a testing.TB, as far as these need one: a fatal
// error ends the function that runs in it, and whatever that started.
type console struct {
	testing.TB // satisfies the interface; its methods are not called

	ctx      context.Context //nolint:containedctx // as of a test: what lives as long as its function
	log      io.Writer
	failure  string
	cleanups []func()
}

// inConsole runs do in a goroutine of its own, cleans up behind it, and returns why it failed. do must call the console
// from its own goroutine alone.
func inConsole(ctx context.Context, log io.Writer, do func(testing.TB)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &console{ctx: ctx, log: log}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer c.clean()
		defer cancel()
		do(c)
	}()
	<-done
	if c.failure != "" {
		return fmt.Errorf("soak: %s", c.failure)
	}
	return nil
}

// clean runs the cleanups, the last one first.
func (c *console) clean() {
	for len(c.cleanups) > 0 {
		last := c.cleanups[len(c.cleanups)-1]
		c.cleanups = c.cleanups[:len(c.cleanups)-1]
		last()
	}
}

func (c *console) Helper()                  {}
func (c *console) Name() string             { return "soak" }
func (c *console) Context() context.Context { return c.ctx }
func (c *console) Cleanup(do func())        { c.cleanups = append(c.cleanups, do) }
func (c *console) Failed() bool             { return c.failure != "" }

func (c *console) TempDir() string {
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (c *console) Error(args ...any)                 { c.fail(fmt.Sprint(args...)) }
func (c *console) Errorf(format string, args ...any) { c.fail(fmt.Sprintf(format, args...)) }
func (c *console) Log(args ...any)                   { _, _ = fmt.Fprintln(c.log, args...) }
func (c *console) Logf(format string, args ...any)   { c.Log(fmt.Sprintf(format, args...)) }

func (c *console) Fatal(args ...any) {
	c.fail(fmt.Sprint(args...))
	runtime.Goexit()
}

func (c *console) Fatalf(format string, args ...any) {
	c.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// fail keeps the first failure.
func (c *console) fail(message string) {
	if c.failure == "" {
		c.failure = message
	}
}
