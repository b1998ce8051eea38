package faultmatrix

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
)

const (
	jsonType = "application/json"
	webPage  = "a web page" // passed as the error code, requests an HTML body
)

// exchange is one request that a fault strikes.
type exchange struct {
	http.ResponseWriter
	r        *http.Request
	endpoint endpoint
	stack    *stack
}

// spared marks a request that no fault strikes.
type spared struct{}

// truth returns the true answer of Atlas.
func (x *exchange) truth() *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	x.stack.atlas.ServeHTTP(recorder, x.r.WithContext(context.WithValue(x.r.Context(), spared{}, true)))
	return recorder
}

// send sends a whole body. It ignores errors, because the exporter may have closed the connection.
func (x *exchange) send(status int, contentType string, body []byte) {
	x.Header().Set("Content-Type", contentType)
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	_, _ = x.Write(body)
}

// half sends the headers of the true answer and the first half of its body, and then ends the body.
func (x *exchange) half() {
	truth := x.truth()
	x.Header().Set("Content-Type", truth.Header().Get("Content-Type"))
	x.Header().Set("Content-Length", strconv.Itoa(truth.Body.Len()))
	x.WriteHeader(truth.Code)
	_, _ = x.Write(truth.Body.Bytes()[:truth.Body.Len()/2])
	_ = http.NewResponseController(x.ResponseWriter).Flush()
}

// resetMidBody resets the connection, or the stream of HTTP/2.
func resetMidBody(x *exchange) {
	x.half()
	connection, _, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // resets the stream
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// redirect redirects the request to a host that is not Atlas.
func redirect(x *exchange) {
	x.Header().Set("Location", x.stack.elsewhere.URL+x.r.URL.RequestURI())
	x.send(http.StatusFound, jsonType, []byte("{}"))
}

// status sends an error in the format of Atlas or of OAuth. The error repeats the credentials of the request and the secret,
// which must not show anywhere.
func status(code int, errorCode string, header ...string) func(*exchange) {
	return func(x *exchange) {
		for pair := range slices.Chunk(header, 2) {
			x.Header().Set(pair[0], pair[1])
		}
		echo := "you sent " + x.r.Header.Get("Authorization") + ", as " + x.stack.secret
		body := map[string]any{"error": code, "detail": echo, "reason": http.StatusText(code), "parameters": []string{echo}}
		switch {
		case x.endpoint.title() == token && code == http.StatusUnauthorized && errorCode == "":
			body = map[string]any{"error": "invalid_client", "error_description": echo}
		case x.endpoint.title() == token:
			body = map[string]any{"error": errorCode, "error_description": echo}
		case errorCode != "":
			body["errorCode"] = errorCode
		}
		raw, _ := json.Marshal(body) // cannot fail: plain strings
		if errorCode == webPage {
			x.send(code, "text/html", []byte("<html><body>"+echo+"</body></html>"))
			return
		}
		x.send(code, jsonType, raw)
	}
}

// bomb sends a gigabyte of spaces, which gzip compresses to a megabyte.
func bomb() func(*exchange) {
	const member, gigabyte = 64 << 20, 1 << 30
	packed := sync.OnceValue(func() []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // a valid level
		_, _ = w.Write(bytes.Repeat([]byte(" "), member))
		_ = w.Close()
		return b.Bytes()
	})
	return func(x *exchange) {
		x.Header().Set("Content-Type", jsonType)
		x.Header().Set("Content-Encoding", "gzip")
		_, _ = x.Write(bytes.Repeat(packed(), gigabyte/member)) // gzip allows several members in a row
	}
}
