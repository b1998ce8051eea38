package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
)

// bufferedAnswer is an http.ResponseWriter that keeps an answer in memory, so that a handler never waits for a slow client.
// It keeps the answer compressed, because many clients may be slow.
type bufferedAnswer struct {
	header  http.Header
	status  int
	length  int // of the answer as sent
	content bytes.Buffer
	packer  *gzip.Writer // compresses the output of a handler that did not, because the client does not accept gzip
	packed  bool         // compressed here, not by the handler
}

// Header returns the header of the answer.
func (a *bufferedAnswer) Header() http.Header { return a.header }

// WriteHeader keeps the status.
func (a *bufferedAnswer) WriteHeader(status int) { a.status = status }

// Write keeps a part of the answer.
func (a *bufferedAnswer) Write(part []byte) (int, error) {
	if a.length == 0 && a.packer == nil && a.header.Get("Content-Encoding") == "" {
		a.packer, _ = gzip.NewWriterLevel(&a.content, gzip.BestSpeed) // cannot fail for a valid level
	}
	a.length += len(part)
	if a.packer != nil {
		return a.packer.Write(part)
	}
	return a.content.Write(part)
}

// end is called after the last write.
func (a *bufferedAnswer) end() {
	if a.packer != nil {
		_ = a.packer.Close() // writes to memory
		a.packer, a.packed = nil, true
	}
}

// send sends the answer. It returns an error if the client did not read it to its end.
func (a *bufferedAnswer) send(w http.ResponseWriter) error {
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
