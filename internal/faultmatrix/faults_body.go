package faultmatrix

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// bodyFaults are answers whose body is not what it says, or not what was asked for, as a whole.
func bodyFaults() []fault {
	refusedBody := everywhere(down(badResponse))
	return []fault{
		{name: "empty body", answer: func(x *exchange) { x.send(http.StatusOK, jsonType, nil) }, expect: refusedBody},
		{name: "truncated JSON", answer: altered(func(b []byte) []byte { return b[:len(b)/2] }), expect: refusedBody},
		{name: "body ends early", answer: cutShort, expect: everywhere(retriedThenDown(badResponse))},
		{
			// The library that asks for tokens goes by the content type in a way of its own.
			name: "wrong content type: text/html", answer: retyped("text/html; charset=utf-8"),
			expect: but(down(badResponse), map[endpoint]outcome{token: upOr(badResponse)}),
		},
		{name: "wrong content type: text/plain", answer: retyped("text/plain"), expect: everywhere(upOr(badResponse))},
		{name: "JSON null", answer: func(x *exchange) { x.send(http.StatusOK, jsonType, []byte("null")) }, expect: refusedBody},
		{name: "no results", answer: func(x *exchange) { x.send(http.StatusOK, jsonType, []byte(`{"links":[],"totalCount":0}`)) }, expect: refusedBody},
		{
			name: "results null", answer: func(x *exchange) { x.send(http.StatusOK, jsonType, []byte(`{"results":null}`)) }, expect: refusedBody,
		},
		{name: "1 GB body", answer: flood, expect: refusedBody},
		{name: "gzip bomb", answer: bomb(), expect: refusedBody},
		{name: "deeply nested JSON", answer: inserted(`"nested":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), expect: everywhere(upOr(badResponse))},
		{name: "invalid UTF-8", answer: inserted("\"note\":\"\xff\xfe\xc3\x28\""), expect: everywhere(upOr(badResponse))},
		{name: "duplicate members", answer: doubled, expect: everywhere(upOr(badResponse))},
	}
}

// altered spoils the bytes of the true answer.
func altered(spoil func([]byte) []byte) func(*exchange) {
	return func(x *exchange) {
		status, header, body := x.genuine()
		x.send(status, header.Get("Content-Type"), spoil(body))
	}
}

// inserted puts a member at the beginning of the first object of the true answer.
func inserted(member string) func(*exchange) {
	return altered(func(body []byte) []byte { return bytes.Replace(body, []byte("{"), []byte("{"+member+","), 1) })
}

func retyped(contentType string) func(*exchange) {
	return func(x *exchange) {
		status, _, body := x.genuine()
		x.send(status, contentType, body)
	}
}

const gigabyte = 1 << 30

// flood sends a gigabyte of a JSON string, and counts what goes out.
func flood(x *exchange) {
	x.w.Header().Set("Content-Type", jsonType)
	_, _ = x.w.Write([]byte(`{"results":[],"padding":"`))
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for sent := 0; sent < gigabyte; sent += len(chunk) {
		n, err := x.w.Write(chunk)
		x.flooded.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// bomb sends a gigabyte of spaces, which gzip makes a megabyte of.
func bomb() func(*exchange) {
	const member = 64 << 20
	packed := sync.OnceValue(func() []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // a level that there is
		spaces := bytes.Repeat([]byte(" "), 1<<20)
		for range member / len(spaces) {
			_, _ = w.Write(spaces) // into memory
		}
		_ = w.Close()
		return b.Bytes()
	})
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", jsonType)
		x.w.Header().Set("Content-Encoding", "gzip")
		for range gigabyte / member { // gzip allows members one behind the other
			n, err := x.w.Write(packed())
			x.flooded.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
}
