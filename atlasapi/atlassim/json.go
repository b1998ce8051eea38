package atlassim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// The lists of jobs are encoded by hand. A benchmark reads millions of jobs, and must not measure the simulated server.
// Everything else uses encoding/json.

// member starts a member of the object at the end of b.
func member(b []byte, name string) []byte {
	if last := b[len(b)-1]; last != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return append(b, encode(s)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendTexts appends an array of strings.
func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func textMember(b []byte, name, value string) []byte {
	return appendText(member(b, name), value)
}

// timeMember writes a time as Atlas does, in whole seconds of UTC. It leaves out a zero time.
func timeMember(b []byte, name string, value time.Time) []byte {
	if value.IsZero() {
		return b
	}
	b = append(member(b, name), '"')
	b = value.UTC().AppendFormat(b, timeFormat)
	return append(b, '"')
}

func boolMember(b []byte, name string, value bool) []byte {
	return strconv.AppendBool(member(b, name), value)
}

func intMember(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(member(b, name), value, 10)
}

// valueMember writes a value of any type.
func valueMember(b []byte, name string, value any) []byte {
	return append(member(b, name), encode(value)...)
}

// encode returns value as JSON, without escaping the ampersands in links. It encodes only types of this package, which
// cannot fail.
func encode(value any) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("atlassim: cannot encode: " + err.Error())
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n"))
}

const timeFormat = "2006-01-02T15:04:05Z"

// timestamp returns t as Atlas writes it, "" if it is zero.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
