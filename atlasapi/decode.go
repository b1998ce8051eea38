package atlasapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// Optional is a member that Atlas may leave out or send as null, which is not the same as its zero value.
type Optional[T any] struct {
	Value T
	Set   bool
}

var (
	errDate     = errors.New("not an RFC 3339 date")
	errInteger  = errors.New("not a whole number, or one too large")
	errTrailing = errors.New("more data behind the JSON value")
)

// decodeDocument reads a whole body as one JSON value.
func decodeDocument[T any](body []byte, read func(*jx.Decoder, *T) error, into *T) error {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(body)
	if err := read(d, into); err != nil {
		return withoutDepth(err)
	}
	if !errors.Is(d.Skip(), io.EOF) {
		return errTrailing
	}
	return nil
}

// withoutDepth returns the innermost cause of an error in deeply nested values. The JSON library wraps the error once
// for each level, up to ten thousand, and printing it would take quadratic time.
func withoutDepth(err error) error {
	cause, levels := err, 0
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(next) {
		cause = next
		levels++
	}
	if levels > 50 {
		return cause
	}
	return err
}

// object reads a JSON object. It calls member for each name, which reads or skips the value. An error names the path to
// the member. It never quotes the body, which may contain download URLs.
func object(d *jx.Decoder, member func(d *jx.Decoder, name []byte) error) error {
	if got := d.Next(); got != jx.Object {
		return mismatch("an object", got)
	}
	members, err := d.ObjIter()
	if err != nil {
		return err
	}
	for members.Next() {
		if err := member(d, members.Key()); err != nil {
			return fmt.Errorf("%s: %w", memberName(members.Key()), err)
		}
	}
	return members.Err()
}

// only reads one member of a JSON object by read, and skips the others.
func only(d *jx.Decoder, member string, read func() error) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) != member {
			return d.Skip()
		}
		return read()
	})
}

// memberName returns a member's name for an error message. A name in another form than Atlas's may be anything, so it
// is not shown.
func memberName(name []byte) string {
	if len(name) > 40 || bytes.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' }) {
		return "a member"
	}
	return string(name)
}

// nullable skips null, and reads anything else by read.
func nullable(d *jx.Decoder, read func() error) error {
	if d.Next() == jx.Null {
		return d.Null()
	}
	return read()
}

// each reads a JSON array, each element by read.
func each(d *jx.Decoder, read func() error) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.Array {
			return mismatch("an array", got)
		}
		elements, err := d.ArrIter()
		if err != nil {
			return err
		}
		for i := 0; elements.Next(); i++ {
			if err := read(); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return elements.Err()
	})
}

// array reads a JSON array into a slice, and reuses the slice's capacity.
func array[T any](d *jx.Decoder, into *[]T, read func(*jx.Decoder, *T) error) error {
	if d.Next() == jx.Array {
		*into = (*into)[:0]
	}
	return each(d, func() error {
		var empty T
		*into = append(*into, empty)
		return read(d, &(*into)[len(*into)-1])
	})
}

func optional[T any](d *jx.Decoder, into *Optional[T], read func(*jx.Decoder, *T) error) error {
	return nullable(d, func() error {
		*into = Optional[T]{Set: true}
		return read(d, &into.Value)
	})
}

func str(d *jx.Decoder, into *string) error { return enum(d, into) }

// enum reads a string that usually is one of a few known ones, which then costs no allocation. It accepts any other
// string, too.
func enum(d *jx.Decoder, into *string, usual ...string) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.String {
			return mismatch("a string", got)
		}
		raw, err := d.StrBytes()
		for _, w := range usual {
			if string(raw) == w {
				*into = w
				return err
			}
		}
		if utf8.Valid(raw) {
			*into = string(raw)
		} else {
			*into = strings.ToValidUTF8(string(raw), "\uFFFD") // names become labels, which must be UTF-8
		}
		return err
	})
}

func boolean(d *jx.Decoder, into *bool) (err error) {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.Bool {
			return mismatch("true or false", got)
		}
		*into, err = d.Bool()
		return err
	})
}

// integer reads a whole number that fits. The JSON library's own methods let some larger numbers wrap around.
func integer[T int | int32 | int64](d *jx.Decoder, into *T) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.Number {
			return mismatch("a number", got)
		}
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		v, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil || int64(T(v)) != v {
			return errInteger // without the cause, which quotes the number
		}
		*into = T(v)
		return nil
	})
}

func date(d *jx.Decoder, into *time.Time) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.String {
			return mismatch("a date", got)
		}
		raw, err := d.StrBytes()
		if err != nil {
			return err
		}
		if into.UnmarshalText(raw) != nil && !leapSecond(raw, into) {
			return errDate
		}
		return nil
	})
}

// leapSecond parses a date within a leap second as the next second, because Go's time has no leap seconds.
func leapSecond(raw []byte, into *time.Time) bool {
	const from, to = len("2016-12-31T23:59:"), len("2016-12-31T23:59:60")
	if len(raw) <= to || string(raw[from:to]) != "60" {
		return false
	}
	before := slices.Concat(raw[:from], []byte("59"), raw[to:])
	if into.UnmarshalText(before) != nil {
		return false
	}
	*into = into.Add(time.Second)
	return true
}

// objectID reads an id; null, like a missing one, leaves it zero.
func objectID(d *jx.Decoder, into *ObjectID) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.String {
			return mismatch("an id", got)
		}
		raw, err := d.StrBytes()
		if err != nil {
			return err
		}
		*into, err = ParseObjectID(raw)
		return err
	})
}

// reference reads the id of another object. It ignores a value that is not an id, because an answer without it is still
// useful.
func reference(d *jx.Decoder, into *ObjectID) error {
	return nullable(d, func() error {
		if got := d.Next(); got != jx.String {
			return mismatch("an id", got)
		}
		raw, err := d.StrBytes()
		*into, _ = ParseObjectID(raw)
		return err
	})
}

func mismatch(want string, got jx.Type) error {
	if got == jx.Invalid {
		return errors.New("not JSON")
	}
	return fmt.Errorf("%s expected, got %s", want, got)
}
