package faultmatrix

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
)

const jsonType = "application/json"

// exchange is one request that a fault strikes.
type exchange struct {
	http.ResponseWriter
	*exporter
	r     *http.Request
	token bool // it requests a token
}

// spared marks a request that no fault strikes.
type spared struct{}

// truth returns the true answer of Atlas.
func (x *exchange) truth() *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	x.atlas.ServeHTTP(recorder, x.r.WithContext(context.WithValue(x.r.Context(), spared{}, true)))
	return recorder
}

// echo returns a text with the credentials of the request and the secret, which must not show anywhere.
func (x *exchange) echo() string {
	return "you sent " + x.r.Header.Get("Authorization") + ", as " + x.secret
}

// send sends a whole body. It ignores errors, because the exporter may have closed the connection.
func (x *exchange) send(status int, contentType string, body []byte) {
	x.Header().Set("Content-Type", contentType)
	x.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.WriteHeader(status)
	_, _ = x.Write(body)
}

// half sends the headers of the true answer and the first half of its body, and then ends the body.
func half(x *exchange) {
	truth := x.truth()
	x.Header().Set("Content-Type", truth.Header().Get("Content-Type"))
	x.Header().Set("Content-Length", strconv.Itoa(truth.Body.Len()))
	x.WriteHeader(truth.Code)
	_, _ = x.Write(truth.Body.Bytes()[:truth.Body.Len()/2])
	_ = http.NewResponseController(x.ResponseWriter).Flush()
}

// resetMidBody resets the connection, or the stream of HTTP/2.
func resetMidBody(x *exchange) {
	half(x)
	connection, _, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // resets the stream
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// redirect redirects the request to a host that is not Atlas. A client that followed it would not get a redirect.
func redirect(x *exchange) {
	x.Header().Set("Location", x.elsewhere.URL+x.r.URL.RequestURI())
	x.send(http.StatusFound, jsonType, []byte("{}"))
}

// status sends an error in the format of Atlas or of OAuth.
func status(code int, errorCode string) func(*exchange) {
	return func(x *exchange) {
		body := map[string]any{"error": code, "detail": x.echo(), "reason": http.StatusText(code), "parameters": []string{x.echo()}}
		if errorCode != "" {
			body["errorCode"] = errorCode
		}
		if x.token {
			body = map[string]any{"error": errorCode, "error_description": x.echo()}
		}
		raw, _ := json.Marshal(body) // cannot fail: plain strings
		x.send(code, jsonType, raw)
	}
}

// page sends a web page.
func page(code int) func(*exchange) {
	return func(x *exchange) {
		x.send(code, "text/html; charset=utf-8", []byte("<html><body>"+x.echo()+"</body></html>"))
	}
}

// altered sends the true answer with a changed body.
func altered(spoil func([]byte) []byte) func(*exchange) {
	return func(x *exchange) {
		truth := x.truth()
		x.send(truth.Code, truth.Header().Get("Content-Type"), spoil(truth.Body.Bytes()))
	}
}

// respelt replaces every match of a pattern in the true answer.
func respelt(pattern, with string) func(*exchange) {
	compiled := regexp.MustCompile(pattern)
	return altered(func(body []byte) []byte { return compiled.ReplaceAll(body, []byte(with)) })
}
