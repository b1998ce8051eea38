// Package terminal has functions for commands that print to a terminal.
package terminal

import (
	"io"
	"os"
	"strings"
	"unicode"
)

// Of returns w if it is a terminal or another character device, else nil.
func Of(w io.Writer) io.Writer {
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return w
		}
	}
	return nil
}

// Printable replaces the characters that would move the cursor or change the terminal. Otherwise a string from outside,
// such as a pipeline's name, could forge the output.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
