// Package terminal is what commands need to know of the terminal that they print to.
package terminal

import (
	"io"
	"os"
	"strings"
	"unicode"
)

// Of returns w where it is a terminal (or another character device), else nil.
func Of(w io.Writer) io.Writer {
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return w
		}
	}
	return nil
}

// Printable replaces what would move the cursor or change the terminal: a text that came from elsewhere, such as a
// pipeline's name, could else forge what a person reads.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
