package web_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
)

// exchange sends a text and returns the answers to it, until the server closes the connection or, if it does not, until the
// answer to a last request of our own, which is not returned.
func (e *exporter) exchange(t *testing.T, text string) (answers []answer, closed bool) {
	t.Helper()
	const last = "GET /last HTTP/1.1\r\nHost: x\r\n\r\n"
	conn := e.dial(t, text+last)
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(text, " ")
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			return answers, true
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusNotFound {
			return answers, false
		}
		answers = append(answers, answer{response.StatusCode, response.Header, string(body)})
		method = http.MethodGet
	}
}

// TestRawRequests checks how requests are answered that no well-behaved client sends. What follows a request with a body is
// never read as a request, so that nobody can smuggle one past a proxy that counts otherwise.
func TestRawRequests(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	const (
		get    = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n"
		post   = "POST /-/reload HTTP/1.1\r\nHost: x\r\n"
		smug   = "GET /-/healthy HTTP/1.1\r\nHost: smuggled\r\n\r\n"
		stays  = false
		closes = true
	)
	for _, test := range []struct {
		name, text string
		want       []int
		closed     bool
	}{
		{"plain", get + "\r\n", []int{200}, stays},
		{"pipelined", get + "\r\n" + post + "\r\n" + get + "\r\n", []int{200, 200, 200}, stays},
		{"an empty line before", "\r\n" + get + "\r\n", []int{400}, closes},

		{"both lengths", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smug, []int{200}, closes},
		{"one length twice", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab" + smug, []int{200}, closes},
		{"two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc" + smug, []int{400}, closes},
		{"a list of lengths", post + "Content-Length: 2, 2\r\n\r\nab", []int{400}, closes},
		{"a length with a sign", post + "Content-Length: +2\r\n\r\nab", []int{400}, closes},
		{"a negative length", post + "Content-Length: -2\r\n\r\nab", []int{400}, closes},
		{"a hexadecimal length", post + "Content-Length: 0x2\r\n\r\nab", []int{400}, closes},
		{"a length too large to count", post + "Content-Length: 99999999999999999999\r\n\r\nab", []int{400}, closes},
		{"chunks", post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" + smug, []int{200}, closes},
		{"a chunk size that is none", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n" + smug, []int{200}, closes},
		{"a chunk size too large to count", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n" + smug, []int{200}, closes},
		{"an unknown coding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smug, []int{501}, closes},
		{"two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smug, []int{501}, closes},
		{"a coding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smug, []int{501}, closes},
		{"a coding behind a control character", post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smug, []int{400}, closes},
		{"a coding behind a space", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smug, []int{400}, closes},
		{"a body of a GET", get + "Content-Length: 2\r\n\r\nab" + smug, []int{400}, closes},
		{"an expectation", get + "Expect: 200-maybe\r\n\r\n", []int{417}, closes},

		// Valid in old HTTP, and harmless unless a proxy parses it differently: the first is one field, the second one request.
		{"a folded field", post + "X: a\r\n Content-Length: 2\r\n\r\n", []int{200}, stays},
		{"bare line feeds", "GET /-/healthy HTTP/1.1\nHost: x\n\n", []int{200}, stays},
		{"a folded first field", "GET /-/healthy HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n", []int{400}, closes},
		{"a bare carriage return", get + "X: a\rContent-Length: 2\r\n\r\n", []int{400}, closes},
		{"a zero byte", get + "X: a\x00b\r\n\r\n", []int{400}, closes},
		{"a space in a name", get + "X Y: a\r\n\r\n", []int{400}, closes},
		{"no colon", get + "nonsense\r\n\r\n", []int{400}, closes},

		{"no Host", "GET /-/healthy HTTP/1.1\r\n\r\n", []int{400}, closes},
		{"two Hosts", "GET /-/healthy HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", []int{400}, closes},
		{"a Host with a space", "GET /-/healthy HTTP/1.1\r\nHost: x y\r\n\r\n", []int{400}, closes},
		{"a Host with a quote", "GET /sd HTTP/1.1\r\nHost: \"\r\n\r\n", []int{400}, closes},

		{"HTTP/0.9", "GET /-/healthy\r\n\r\n", []int{400}, closes},
		{"HTTP/1.0", "GET /-/healthy HTTP/1.0\r\n\r\n", []int{200}, closes},
		{"HTTP/1.0 that stays", "GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", []int{200}, stays},
		{"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400}, closes},
		{"HTTP/3.0", "GET /-/healthy HTTP/3.0\r\nHost: x\r\n\r\n", []int{505}, closes},

		{"a long field", get + "X: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", []int{431}, closes},
		{"many fields", get + strings.Repeat("X: a\r\n", 20<<10) + "\r\n", []int{431}, closes},
		{"a long address", "GET /-/healthy?" + strings.Repeat("a", 80<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{431}, closes},
		{"a long method", strings.Repeat("A", 80<<10) + " / HTTP/1.1\r\nHost: x\r\n\r\n", []int{431}, closes},
		{"a method with a zero byte", "G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, closes},
		{"a path that is no path", "GET -/healthy HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, closes},
		{"a path with a bad escape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, closes},
		{"the whole server", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}, stays},
		{"not a proxy", "GET http://elsewhere.example/-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}, stays},
		{"not a tunnel", "CONNECT /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", []int{405}, stays},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers, closed := e.exchange(t, test.text)
			var got []int
			for _, a := range answers {
				got = append(got, a.status)
			}
			if !slices.Equal(got, test.want) || closed != test.closed {
				t.Errorf("answered %v, closed %v, want %v, %v", got, closed, test.want, test.closed)
			}
		})
	}
}

// TestMethods checks which methods each path accepts, and that a refused one is answered with the accepted ones.
func TestMethods(t *testing.T) {
	org, first, _ := small()
	e := start(t, org, nil)
	e.ready(t)
	reading := []string{http.MethodGet, http.MethodHead}
	methods := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodTrace, "PROPFIND", "get",
	}
	for path, allowed := range map[string][]string{
		"/": reading, "/metrics": reading, "/probe?target=" + first.ID: reading, "/sd": reading,
		"/-/healthy": reading, "/-/ready": reading, "/-/reload": {http.MethodPost, http.MethodPut},
	} {
		for _, method := range methods {
			t.Run(method+" "+path, func(t *testing.T) {
				got, err := e.do(t.Context(), method, path)
				switch {
				case err != nil:
					t.Error(err)
				case slices.Contains(allowed, method) && (got.status != http.StatusOK || (got.body == "") != (method == http.MethodHead)):
					t.Errorf("answers %d with %d bytes", got.status, len(got.body))
				case !slices.Contains(allowed, method) && (got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != strings.Join(allowed, ", ")):
					t.Errorf("answers %d, Allow: %s", got.status, got.header.Get("Allow"))
				}
			})
		}
	}
}

// TestPaths checks that other paths lead to no file, and to no other site.
func TestPaths(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	e.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for path, want := range map[string]string{
		"/nowhere": "", "/metrics/": "", "/metrics%00": "", "/METRICS": "", "/..%2f..%2fetc/passwd": "", "/%5cevil.example": "", "/favicon.ico": "",
		"/-/": "", "/-/quit": "", "/debug/pprof/": "", "/%ff": "", "/" + strings.Repeat("a", 10_000): "",
		"//metrics": "/metrics", "/./metrics": "/metrics", "/../../metrics": "/metrics", "//evil.example/..": "/", "//evil.example": "/evil.example",
	} {
		t.Run(fmt.Sprintf("%.60s", path), func(t *testing.T) {
			got := e.get(t, path)
			switch {
			case want != "" && (got.status != http.StatusTemporaryRedirect || got.header.Get("Location") != want):
				t.Errorf("answers %d, Location: %s, want %s", got.status, got.header.Get("Location"), want)
			case want == "" && (got.status != http.StatusNotFound || got.body != "the exporter does not serve this path; it serves / /probe /sd /-/healthy /-/ready /-/reload /metrics\n"):
				t.Errorf("answers %d %s", got.status, got.body)
			}
		})
	}
}

// TestNonsense checks that a meaningless parameter is refused with a short, plain sentence.
func TestNonsense(t *testing.T) {
	org, first, second := small()
	e := start(t, org, nil)
	e.ready(t)
	unknown := ": no collector of that name is enabled; there are " + strings.Join(collector.All().Configurable().Names(), ", ") + ", exporter\n"
	const (
		badQuery = "the query cannot be read: "
		target   = "target: one project id of 24 digits of 0-9 and a-f is expected, as in /probe?target=32b6e34b3d91647abb20e7b8\n"
	)
	long := strings.Repeat("a", 20_000)
	for _, test := range []struct{ path, want string }{
		{"/metrics?collect[]=", `collect[]=""` + unknown},
		{"/metrics?collect[]", `collect[]=""` + unknown},
		{"/metrics?collect[]=BACKUP_EXPORTS", `collect[]="BACKUP_EXPORTS"` + unknown},
		{"/metrics?collect[]=backup_exports,exporter", `collect[]="backup_exports,exporter"` + unknown},
		{"/metrics?collect[]=exporter&collect[]=%20exporter", `collect[]=" exporter"` + unknown},
		{"/metrics?collect[]=" + long, `collect[]="` + long[:60] + `"` + unknown},
		{"/metrics?collect[]=%ff%00%0d%0aX:%20y%1b[31m", `collect[]="\xff\x00\r\nX: y\x1b[31m"` + unknown},
		{"/metrics?collect[]=%e2%80%ae%22<script>", `collect[]="\u202e\"<script>"` + unknown},
		{"/metrics?collect[]=exporter;x", badQuery + `"invalid semicolon separator in query"` + "\n"},
		{"/metrics?collect[]=%zz", badQuery + `"invalid URL escape \"%zz\""` + "\n"},
		{"/metrics?collect[]=%z" + long, badQuery + `"invalid URL escape \"%za\""` + "\n"},
		{"/metrics?" + strings.Repeat("a&", 10_001), badQuery + `"number of URL query parameters exceeded limit"` + "\n"},

		{"/probe", target},
		{"/probe?target=" + strings.ToUpper(first.ID), target},
		{"/probe?target=%20" + first.ID, target},
		{"/probe?target=" + first.ID + "%00", target},
		{"/probe?target=" + first.ID + "&target=" + second.ID, target},
		{"/probe?target=" + first.ID + "&target=" + first.ID, target},
		{"/probe?target=../../../../etc/passwd", target},
		{"/probe?target=http://127.0.0.1:9972/metrics", target},
		{"/probe?target=%ff%fe", target},
		{"/probe?target=" + long, target},
		{"/probe?target=" + first.ID + ";", badQuery + `"invalid semicolon separator in query"` + "\n"},
	} {
		t.Run(fmt.Sprintf("%.60s", test.path), func(t *testing.T) {
			got := e.get(t, test.path)
			if got.status != http.StatusBadRequest || got.body != test.want {
				t.Errorf("answers %d %.300s\nwant 400 %s", got.status, got.body, test.want)
			}
			if got.header.Get("Content-Type") != "text/plain; charset=utf-8" || got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("the answer may be read as another type: %v", got.header)
			}
			if !utf8.ValidString(got.body) || strings.ContainsFunc(strings.TrimSuffix(got.body, "\n"), unicode.IsControl) {
				t.Errorf("the answer contains control characters: %q", got.body)
			}
		})
	}
	// Repeated as often as it fits: it is still one selection.
	got := e.get(t, "/metrics?collect[]=exporter"+strings.Repeat("&collect[]=exporter", 3000))
	if got.status != http.StatusOK || strings.Count(got.body, "\nmongodbatlas_up ") != 1 {
		t.Errorf("a collector named 3001 times answers %d", got.status)
	}
}

// TestServiceDiscoveryEchoesAddresses checks that a Host becomes the address of the targets unchanged, but only if it is a
// valid one.
func TestServiceDiscoveryEchoesAddresses(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, nil)
	e.ready(t)
	for host, good := range map[string]bool{
		"exporter": true, "exporter:9972": true, "10.0.0.1:9972": true, "[::1]:9972": true, "[fe80::1]": true, "a_b.example.:80": true,
		"": false, ":9972": false, "a:b": false, "a:1:2": false, "::1": false, "::::": false, "%zz": false, "[::1": false, strings.Repeat("a", 260): false,
	} {
		t.Run(fmt.Sprintf("%.30q", host), func(t *testing.T) {
			answers, _ := e.exchange(t, "GET /sd HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			if len(answers) != 1 || (answers[0].status == http.StatusOK) != good {
				t.Fatalf("answered %v", answers)
			}
			if !good {
				return
			}
			var groups []struct {
				Targets []string
				Labels  map[string]string
			}
			if err := json.Unmarshal([]byte(answers[0].body), &groups); err != nil || len(groups) != 2 || groups[0].Targets[0] != host {
				t.Errorf("got %s, %v", answers[0].body, err)
			}
		})
	}
	// The address in the request line, which a proxy's client sends, is the Host (RFC 9112, section 3.2.2).
	if answers, _ := e.exchange(t, "GET http://a.example/sd HTTP/1.1\r\nHost: b.example\r\n\r\n"); len(answers) != 1 || !strings.Contains(answers[0].body, `"a.example"`) || strings.Contains(answers[0].body, "b.example") {
		t.Errorf("got %v", answers)
	}
	if answers, _ := e.exchange(t, "GET /sd HTTP/1.0\r\n\r\n"); len(answers) != 1 || answers[0].status != http.StatusBadRequest || !strings.HasPrefix(answers[0].body, "Host: ") {
		t.Errorf("without a Host: got %v", answers)
	}
}

// TestEveryAnswerIsPlain checks the header fields that keep browsers and caches from treating an answer as anything else.
func TestEveryAnswerIsPlain(t *testing.T) {
	org, first, _ := small()
	e := start(t, org, nil)
	for _, discovered := range []bool{false, true} {
		if discovered {
			e.ready(t)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, path := range []string{
				"/", "/metrics", "/metrics?collect[]=x", "/probe", "/probe?target=" + first.ID, "/probe?target=0123456789abcdef01234567",
				"/sd", "/-/healthy", "/-/ready", "/-/reload", "/nowhere", "//metrics",
			} {
				t.Run(fmt.Sprintf("%s %s, discovered: %t", method, path, discovered), func(t *testing.T) {
					got, err := e.do(t.Context(), method, path)
					if err != nil {
						t.Fatal(err)
					}
					if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") == "" {
						t.Errorf("answers %d with %v", got.status, got.header)
					}
					if isPage := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); isPage != (got.header.Get("Content-Security-Policy") != "") {
						t.Errorf("answers %d with %v", got.status, got.header)
					}
				})
			}
		}
	}
}

// TestEncodings checks that a scrape is the same text in each encoding that a client may ask for.
func TestEncodings(t *testing.T) {
	org, first, _ := small()
	e := start(t, org, nil)
	e.read(t)
	path := "/probe?target=" + first.ID
	plain := e.get(t, path, "Accept-Encoding", "identity")
	packed := e.get(t, path, "Accept-Encoding", "gzip")
	none := e.get(t, path, "Accept-Encoding", "br, nonsense;q=x")
	unpacked, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	// The metrics of the scrape itself differ from scrape to scrape.
	durations := regexp.MustCompile(`(?m)^mongodbatlas_scrape_collector_duration_seconds.*$|^mongodbatlas_target_last_refresh.*$`)
	want := durations.ReplaceAllString(plain.body, "")
	for _, got := range []string{none.body, string(text)} {
		if durations.ReplaceAllString(got, "") != want || !strings.Contains(got, "\nmongodbatlas_backup_export_jobs{") {
			t.Errorf("got %s\nwant %s", got, plain.body)
		}
	}
	for encoding, got := range map[string]answer{"": plain, "gzip": packed} {
		if got.header.Get("Content-Encoding") != encoding || got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) {
			t.Errorf("%d bytes come with %v", len(got.body), got.header)
		}
	}
}
