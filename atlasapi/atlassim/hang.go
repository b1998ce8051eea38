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
	// HangSilent accepts the request and sends nothing.
	HangSilent
	// HangHeaders sends the status and the headers of a good answer, but no body.
	HangHeaders
	// HangHalfway sends the real answer, but only the first half of its body.
	HangHalfway
	// HangTrickling sends the real answer, with its body byte by byte.
	HangTrickling
)

// keep blocks until the client gives up or the server is closed.
func (h Hang) keep(w http.ResponseWriter, r *http.Request) {
	// Before the request's body is read, the server does not notice that the client disconnects.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	if h == HangHeaders {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // the client may have disconnected
	}
	<-r.Context().Done()
}

// halve makes the writer stop in the middle of the next body.
func (w *responseRecorder) halve(r *http.Request) {
	w.slow = func(body []byte) (int, error) {
		n, err := w.ResponseWriter.Write(body[:len(body)/2])
		w.Flush()
		if err == nil {
			<-r.Context().Done()
			err = r.Context().Err()
		}
		return n, err
	}
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
