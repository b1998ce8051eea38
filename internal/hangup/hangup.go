// Package hangup catches SIGHUP before the program's main function runs.
//
// By default SIGHUP ends a process. Go needs several milliseconds to initialize a program with many packages, and a
// service manager or a configuration reloader may send SIGHUP in that time. This package has almost no imports, so Go
// initializes it among the first.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
)

// caught is set while Go initializes the package, and never again.
var caught = catch() //nolint:gochecknoglobals // main would be too late: see above

func catch() <-chan os.Signal {
	c := make(chan os.Signal, 1) // several signals in a row count as one
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// Signals returns the channel that receives SIGHUP, including one from before main.
func Signals() <-chan os.Signal { return caught }

// Release restores the default, so that SIGHUP ends the process, unless the process was started with SIGHUP ignored.
func Release() { signal.Reset(syscall.SIGHUP) }
