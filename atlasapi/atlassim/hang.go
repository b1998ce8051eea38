package atlassim

import (
	"io"
	"net/http"
	"time"
)

// Hang is a way of not answering.
type Hang int

// The ways of not answering.
const (
	// NoHang answers.
	NoHang Hang = iota
	// HangSilent takes the request and says nothing.
	HangSilent
	// HangHeaders sends the status and the headers of a good answer, and no body.
	HangHeaders
	// HangTrickling sends the real answer, its body byte by byte.
	HangTrickling
)

// keep holds a request until its client gives up or the server is closed.
func (h Hang) keep(w http.ResponseWriter, r *http.Request) {
	// The server notices that a client has gone only once the request's body was read.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	if h == HangHeaders {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // the client may have gone
	}
	<-r.Context().Done()
}

// trickle makes the writer send everything from now on byte by byte.
func (w *responseRecorder) trickle(r *http.Request, every time.Duration) {
	if every == 0 {
		every = time.Second
	}
	w.slow = func(body []byte) (int, error) {
		for i := range body {
			if err := sleep(r.Context(), every); err != nil {
				return i, err
			}
			if _, err := w.ResponseWriter.Write(body[i : i+1]); err != nil {
				return i, err
			}
			w.Flush()
		}
		return len(body), nil
	}
}
