package config

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// byteOrderMark is U+FEFF, which some editors write at the beginning of a file.
const byteOrderMark = "\uFEFF"

// document returns the root of the only YAML document of a file, nil if the file has nothing but comments.
func document(raw []byte) (*yaml.Node, error) {
	text, err := decode(raw)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(text, err)
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return first.Content[0], nil
	case err != nil:
		return nil, syntaxError(text, err)
	}
	return nil, Errors{{Line: second.Line, Err: errors.New("a second YAML document begins here: keep one")}}
}

// decode returns the text of a file in UTF-8 or, if it begins with a byte order mark, in UTF-16. What YAML does not
// allow is an error, because the library names no line for it.
func decode(raw []byte) (string, error) {
	switch {
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		return checkText(decodeUTF16(raw[2:], binary.LittleEndian), true)
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		return checkText(decodeUTF16(raw[2:], binary.BigEndian), true)
	}
	return checkText(strings.TrimPrefix(string(raw), byteOrderMark), false)
}

func checkText(text string, wasUTF16 bool) (string, error) {
	for i, r := range text {
		var err error
		switch {
		case r == utf8.RuneError && wasUTF16:
			err = errors.New("not UTF-16, though it begins like it: save the file as UTF-8")
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(r)):
			err = errors.New("not UTF-8: save the file as UTF-8")
		case r == 0:
			err = errors.New("a NUL character: save the file as UTF-8")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7F && r < 0xA0 && r != 0x85, r == 0xFFFE, r == 0xFFFF:
			err = fmt.Errorf("the control character %U is not allowed: remove it", r)
		default:
			continue
		}
		return "", Errors{{Line: lineAt(text, i), Err: err}}
	}
	return text, nil
}

func decodeUTF16(raw []byte, order binary.ByteOrder) string {
	var units []uint16
	for ; len(raw) > 1; raw = raw[2:] {
		units = append(units, order.Uint16(raw))
	}
	if len(raw) == 1 {
		units = append(units, utf8.RuneError) // half a character
	}
	return string(utf16.Decode(units))
}

// lines yields the lines of a text with their ends, which are those of YAML 1.1.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			end := lineEnd.FindStringIndex(text)
			if end == nil {
				yield(text)
				return
			}
			if !yield(text[:end[1]]) {
				return
			}
			text = text[end[1]:]
		}
	}
}

var lineEnd = regexp.MustCompile("\r\n|\r|\n|\u0085|\u2028|\u2029")

// lineAt returns the number of the line in which an offset is.
func lineAt(text string, offset int) int {
	return 1 + len(lineEnd.FindAllStringIndex(text[:offset], -1))
}

var (
	libraryPlace = regexp.MustCompile(`^yaml: (?:line \d+: )?`)
	// quoted matches the parts of a YAML parser's message that may quote the file, and so a secret.
	quoted = regexp.MustCompile("`[^`]*`|'[^']{2,}'")
)

// syntaxError returns the library's error with the line of the problem. The library names the line in which the
// enclosing structure begins, one line before it, or none.
func syntaxError(text string, err error) Errors {
	problem := HideValues(libraryPlace.ReplaceAllString(err.Error(), ""))
	line, content := problemLine(text)
	switch indent := content[:len(content)-len(strings.TrimLeft(content, " \t"))]; {
	case strings.Contains(indent, "\t"):
		problem += ": indent with spaces, not with tabs"
	case strings.HasSuffix(problem, "expected key"), strings.Contains(problem, "'-' indicator"),
		strings.Contains(problem, "not allowed in this context"):
		problem += ": check the indentation"
	}
	return Errors{{Line: line, Err: errors.New("not YAML: " + problem)}}
}

// HideValues returns a YAML parser's message without its quotes from the file.
func HideValues(message string) string {
	return quoted.ReplaceAllStringFunc(message, func(match string) string {
		if match == "' or '" { // between two characters in quotes
			return match
		}
		return "…"
	})
}

// searchBytes is how much text problemLine reads at most: it is long for a configuration file, and quick.
const searchBytes = 4 << 20

// problemLine returns the line at which a text stops being YAML: the line after the longest valid beginning. A
// beginning that ends inside brackets counts if it is valid once the brackets are closed.
func problemLine(text string) (int, string) {
	reader := &byteReader{text: text}
	_ = allDocuments(reader)
	all := []string{}
	for line := range lines(text[:reader.read]) {
		all = append(all, line)
	}
	brackets := closings(4)
	if reader.ended {
		brackets = closings(0) // a bracket is missing: the line where it was opened matters
	}
	end, budget := reader.read, searchBytes
	for i, line := range slices.Backward(all) {
		end -= len(line)
		for _, closing := range brackets {
			if budget -= end; budget < 0 {
				return len(all), all[len(all)-1]
			}
			if allDocuments(strings.NewReader(text[:end]+closing)) == nil {
				return i + 1, line
			}
		}
	}
	return 1, text
}

// closings returns every sequence of at most this many closing brackets, the empty one first.
func closings(most int) []string {
	all := []string{""}
	for i := 0; len(all[i]) < most; i++ {
		all = append(all, all[i]+"}", all[i]+"]")
	}
	return all
}

func allDocuments(r io.Reader) error {
	decoder := yaml.NewDecoder(r)
	for {
		if err := decoder.Decode(new(yaml.Node)); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// byteReader reads one byte at a time, so that the number of bytes read says how far the parser came.
type byteReader struct {
	text  string
	read  int
	ended bool // whether the parser reached the end
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.read == len(r.text) {
		r.ended = true
		return 0, io.EOF
	}
	r.read++
	return copy(p, r.text[r.read-1:r.read]), nil
}
