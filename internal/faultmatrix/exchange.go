package faultmatrix

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const jsonType = "application/json"

// exchange is one request that a fault strikes.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	endpoint endpoint
	random   *rand.Rand
	// truth answers as Atlas would.
	truth http.Handler
	// elsewhere is the URL of a server that is none of the exporter's business.
	elsewhere string
	// secrets is the secret of the credentials.
	secrets string
	// flooded counts the bytes of bodies that have no end.
	flooded *atomic.Int64
}

// genuine is Atlas's true answer.
func (x *exchange) genuine() (status int, header http.Header, body []byte) {
	recorder := httptest.NewRecorder()
	x.truth.ServeHTTP(recorder, x.r)
	return recorder.Code, recorder.Header(), recorder.Body.Bytes()
}

// send answers a whole body. Whether the exporter is still there does not matter.
func (x *exchange) send(status int, contentType string, body []byte) {
	header := x.w.Header()
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body)
}

// begin sends the head of Atlas's true answer and the first half of its body.
func (x *exchange) begin() {
	status, header, body := x.genuine()
	x.w.Header().Set("Content-Type", header.Get("Content-Type"))
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body[:len(body)/2])
	_ = http.NewResponseController(x.w).Flush()
}

// resetMidBody ends the connection, or the stream of HTTP/2, by a reset.
func resetMidBody(x *exchange) {
	x.begin()
	if connection, _, err := http.NewResponseController(x.w).Hijack(); err == nil {
		reset(connection)
		return
	}
	panic(http.ErrAbortHandler) // resets the stream
}

// reset closes a connection in a way that the other side takes for a failure.
func reset(connection net.Conn) {
	if tcp, ok := connection.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// cutShort ends the answer, in an orderly way, before its body has ended.
func cutShort(x *exchange) { x.begin() }

// hold never answers.
func hold(x *exchange) {
	_, _ = io.Copy(io.Discard, x.r.Body)
	<-x.r.Context().Done()
}

// holdBody answers the headers of the truth, and no body.
func holdBody(x *exchange) {
	status, header, body := x.genuine()
	x.w.Header().Set("Content-Type", header.Get("Content-Type"))
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_ = http.NewResponseController(x.w).Flush() // the exporter may have given up
	<-x.r.Context().Done()
}

// trickle answers the truth, one byte a second: the connection is never silent for long.
func trickle(x *exchange) {
	status, header, body := x.genuine()
	x.w.Header().Set("Content-Type", header.Get("Content-Type"))
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	for i := range body {
		_, _ = x.w.Write(body[i : i+1])
		_ = http.NewResponseController(x.w).Flush()
		if harness.Pause(x.r.Context(), time.Second) != nil {
			return
		}
	}
}

// holdMidBody answers half of the truth, and then no more.
func holdMidBody(x *exchange) {
	x.begin()
	<-x.r.Context().Done()
}
