package atlasapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/metrics"
	"strings"
	"testing"
)

const (
	fuzzedGroup = "32b6e34b3d91647abb20e7b8"
	// canary represents a download address, which gives access to data: no error may contain it. It does not look like
	// the name of a member, which an error may contain.
	canary = "https://canary.invalid/0123456789?sig=a-b"

	fuzzedKey = "11111111-2222-VeryPrivate"
)

// wire answers a client's requests in memory, or returns nil when a request has ended without an answer. The client's own
// transport sends them: everything except the sockets is as in the program.
type wire func(*http.Request) *http.Response

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := w(req)
	if resp == nil {
		return nil, req.Context().Err()
	}
	resp.Request, resp.Proto, resp.ProtoMajor, resp.ProtoMinor = req, "HTTP/1.1", 1, 1
	resp.Status = http.StatusText(resp.StatusCode)
	return resp, nil
}

// clientOn returns a client whose requests are answered by w.
func clientOn(tb testing.TB, o Options, w wire) *Client {
	tb.Helper()
	o.BaseURL = &url.URL{Scheme: "http", Host: "atlas.invalid"}
	if o.Credentials == nil {
		o.Credentials = NewAPIKey("abcdefgh", fuzzedKey)
	}
	c := New(o)
	c.transport.RegisterProtocol("http", w)
	tb.Cleanup(c.Close)
	return c
}

// answering returns an answer.
func answering(status int, header http.Header, body []byte) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1}
}

// bodies is a wire that answers with the given body, and counts the requests.
type bodies struct {
	body  []byte
	asked int
}

func (b *bodies) answer(*http.Request) *http.Response {
	b.asked++
	return answering(http.StatusOK, nil, b.body)
}

// poison is a body of the same length as another. No part of it may show in values that were decoded before.
func poison(length int) []byte {
	return fmt.Appendf(nil, `{"results":[],"autoExportEnabled":true,"name":%q}`, strings.Repeat("Z", length))
}

// fuzz checks the varied bodies of a target.
func fuzz(f *testing.F, checks ...func(*testing.T, *fuzzedWire, []byte)) {
	f.Helper()
	w := newFuzzedWire(f)
	f.Fuzz(func(t *testing.T, body []byte, place, piece uint16) {
		for _, check := range checks {
			check(t, w, vary(body, place, piece))
		}
	})
}

// seedWith adds these seeds to a target: the recorded shapes in testdata, whole bodies, and pages of items.
func seedWith(f *testing.F, files, items []string, page string) {
	f.Helper()
	for _, file := range files {
		body, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, uint16(0), uint16(0))
	}
	for _, item := range items {
		f.Add(fmt.Appendf(nil, page, item), uint16(0), uint16(0))
	}
	for _, body := range oddDocuments() {
		f.Add([]byte(strings.ReplaceAll(body, "CANARY", canary)), uint16(0), uint16(0))
	}
}

// oddDocuments are what Atlas would never send, or hardly ever.
func oddDocuments() []string {
	const item = `{"id":"6a7953692c88faeba59d5e01","_id":"6a7953692c88faeba59d5e01","name":"n"}`
	return []string{
		"", "null", "[]", "{}", `"CANARY"`, "[null]", "\xef\xbb\xbf{}", "[" + item + "]", item, "[" + item + "," + item + "]",
		`{"results":null}`, `{"results":[]}`, `{"results":{}}`, `{"results":"CANARY"}`, `{"results":[null]}`, `{"results":[[]]}`,
		`{"results":[` + item + `]}`, `{"results":[` + item + `,]}`, `{"results":[` + item + `],}`, `{"results":[` + item + `]}{}`,
		`{"results":[` + item + `],"links":[{"rel":"self","href":"CANARY"},{"rel":"next","href":"CANARY"}]}`,
		`{"results":[],"links":[{"rel":"next"}]}`, `{"links":[{"rel":"next"}],"links":null,"results":[]}`,
		`{"results":[` + item + `],"results":null}`, `{"results":null,"results":[` + item + `]}`,
		`{"results":[` + item + `],"links":[{"rel":"next"},5]}`, `{"Results":[` + item + `]}`,
		`{"\u0072esults":[{"\u0069d":"6a7953692c88faeba59d5e\u0030\u0031","_\u0069d":"6a7953692c88faeba59d5e01","n\u0061me":"\ud83d\ude00 \ud83d \udead\ud83d"}]}`,
		`{"results":[{"id":"6A7953692C88FAEBA59D5E01","_id":"6A7953692C88FAEBA59D5E01","name":"n"}]}`,
		`{"results":[{"id":"000000000000000000000000","_id":"000000000000000000000000","name":"n"}]}`,
		`{"results":[{"id":"CANARY","_id":"CANARY","name":"CANARY"}]}`, `{"results":[{"id":null,"_id":null,"name":null}]}`,
		"{\"results\":[{\"id\":\"6a7953692c88faeba59d5e01\",\"_id\":\"6a7953692c88faeba59d5e01\",\"name\":\"a\xff\xfeb\xed\xa0\x80\"}]}",
		`{"results":[{"id":"6a7953692c88faeba59d5e01","id":null,"_id":"6a7953692c88faeba59d5e01","_id":null,"name":"n","name":"m"}]}`,
		`{"results":[],"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, strings.Repeat(`{"a":`, 64),
		`{"x":[1e400,-0,0.5E-7,01]}`, `{"x":tru}`, `{"CANARY":nope}`, `{"x":"\u12CANARY"}`, "{\"x\":\"CANARY\x01\"}", `{"x":"CANARY`,
		`{"autoExportEnabled":true}`, `{"autoExportEnabled":null}`, `{"autoExportEnabled":"CANARY"}`,
		` {"autoExportEnabled" : false , "export" : {"frequencyType":"daily","exportBucketId":"CANARY"} } `,
	}
}

// errorShape matches everything that the error of a malformed answer may say: the place, and one of a few faults. It may
// contain nothing else of the body, except for a single byte.
func errorShape() *regexp.Regexp {
	const (
		place = `(?:[A-Za-z_]{0,40}|\[\d+\]|a member)`
		// The error of the JSON library, and its place.
		within = `(?:field name|"," expected|":" expected|"," or "}" expected|"," or "]" expected|'"' expected|'"' or "}" expected|` +
			`value or "]" expected|read field name|str|array|object|inc|escape|bad escape|read u4|digit after leading zero|` +
			`unexpected floating point character)`
		jsonFault = `(?:unexpected byte \d+ '[^']{1,10}' at \d+|unexpected byte 39 '\\'' at \d+|unexpected EOF|EOF|depth: maximum|integer overflow)`
		fault     = `(?:not JSON|(?:a string|an object|an array|a number|an id|a date|an address|true or false) expected, got \w+|` +
			`not an RFC 3339 date|more data behind the JSON value|not an id of 24 lower-case hexadecimal digits|no results|` +
			`an item without an id|an item without a name|an empty page with a link to a next page|` +
			`an answer without paging, but with a link to a next page|no autoExportEnabled|` +
			`not a whole number, or one too large)`
	)
	return regexp.MustCompile(`^unusable answer: (?:` + place + `: )*(?:` + fault + `|(?:` + within + `: )*` + jsonFault + `)$`)
}

// allocated returns the number of bytes allocated so far, exact for large pieces and nearly so for small ones.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
