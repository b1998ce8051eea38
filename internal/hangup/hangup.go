// Package hangup catches SIGHUP before the program's main function runs.
//
// Until somebody catches it, SIGHUP ends the process, and a program with many packages takes several milliseconds to
// initialize them: time enough for a service manager or a configuration reloader that signals right after the start. This
// package imports next to nothing, so that Go initializes it among the first.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
)

// caught is set while Go initializes the package, and never again.
var caught = catch() //nolint:gochecknoglobals // main would be too late: see above

func catch() <-chan os.Signal {
	c := make(chan os.Signal, 1) // several at a time are one
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// Signals returns the channel of the SIGHUPs that the process gets and got.
func Signals() <-chan os.Signal { return caught }

// Release has SIGHUP end the process again, unless the process was started with SIGHUP ignored.
func Release() { signal.Reset(syscall.SIGHUP) }
