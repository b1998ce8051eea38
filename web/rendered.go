package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
)

// rendered is an answer that is kept until it is sent, compressed: many clients may be slow to read theirs. It is the
// http.ResponseWriter of a handler that waits for no client then.
type rendered struct {
	header  http.Header
	status  int
	length  int // as it is sent
	content bytes.Buffer
	packer  *gzip.Writer // while a handler writes that does not compress, because the client does not take it
	packed  bool         // here, and not by the handler
}

// Header is the header of the answer.
func (a *rendered) Header() http.Header { return a.header }

// WriteHeader keeps the status.
func (a *rendered) WriteHeader(status int) { a.status = status }

// Write keeps a part of the answer.
func (a *rendered) Write(part []byte) (int, error) {
	if a.length == 0 && a.packer == nil && a.header.Get("Content-Encoding") == "" {
		a.packer, _ = gzip.NewWriterLevel(&a.content, gzip.BestSpeed) // fails for no level that there is
	}
	a.length += len(part)
	if a.packer != nil {
		return a.packer.Write(part)
	}
	return a.content.Write(part)
}

// end is called when all is written.
func (a *rendered) end() {
	if a.packer != nil {
		_ = a.packer.Close() // writes to memory
		a.packer, a.packed = nil, true
	}
}

// send sends the answer, and returns why it was not sent to its end.
func (a *rendered) send(w http.ResponseWriter) error {
	w.Header().Set("Content-Length", strconv.Itoa(a.length))
	w.WriteHeader(a.status)
	if !a.packed {
		_, err := a.content.WriteTo(w)
		return err
	}
	text, err := gzip.NewReader(&a.content)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, text) //nolint:gosec // no bomb: it was compressed here
	return err
}
