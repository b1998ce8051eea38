package atlasapi_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// longProject returns a project in a body of this many bytes.
func longProject(bytes int) string {
	const head, tail = `{"id":"` + jobID + `","name":"long","padding":"`, `"}`
	return head + strings.Repeat("x", bytes-len(head)-len(tail)) + tail
}

func TestLargeBody(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	for _, test := range []struct {
		size    int
		chunked bool
		good    bool
	}{{limit - 1, false, true}, {limit, true, true}, {limit + 1, false, false}, {limit + 1<<20, false, false}, {limit + 1<<20, true, false}} {
		t.Run(fmt.Sprintf("%d bytes, chunked: %t", test.size, test.chunked), func(t *testing.T) {
			w := newWorld(t, retrying(3))
			body := longProject(test.size)
			w.serves(func(out http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(out, body[:1])
				if test.chunked {
					_ = http.NewResponseController(out).Flush()
				}
				_, _ = io.WriteString(out, body[1:])
			})
			err := w.readProject(t.Context())
			if test.good {
				if err != nil {
					t.Errorf("%d bytes: %v", test.size, err)
				}
				return
			}
			failure := failedAs(t, err, atlassim.OpGetProject, atlasapi.KindBadResponse)
			if !strings.Contains(failure.Error(), "16 MiB") {
				t.Errorf("%q does not contain the limit", failure)
			}
			w.wantRequests(t, atlassim.OpGetProject, 1)
		})
	}
}

// TestEndlessBody checks that the client closes the connection of an endless answer soon after it exceeds the limit.
func TestEndlessBody(t *testing.T) {
	t.Parallel()
	const limit = 64 << 20 // 16 MiB, and what the kernel holds
	w := newWorld(t)
	sent := make(chan int, 1)
	w.serves(func(out http.ResponseWriter, _ *http.Request) {
		all, chunk := 0, strings.Repeat("x", 64<<10)
		n, err := io.WriteString(out, `{"padding":"`)
		for ; err == nil && all <= limit; n, err = io.WriteString(out, chunk) {
			all += n
		}
		sent <- all
	})
	wantFailure(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindBadResponse)
	if got := <-sent; got > limit {
		t.Errorf("more than %d bytes were sent before the client closed the connection", limit)
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer, err := gzip.NewWriterLevel(&buffer, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func TestGzip(t *testing.T) {
	t.Parallel()
	good := gzipped(t, fixture(t, "project.json"))
	flipped := bytes.Clone(good)
	for i := 12; i < len(flipped)-8; i++ {
		flipped[i] ^= 0x55
	}
	sum := bytes.Clone(good)
	sum[len(sum)-6] ^= 0xff
	bomb := gzipped(t, longProject(18<<20))
	for _, test := range []struct {
		name     string
		body     []byte
		good     bool
		requests int
	}{
		{"good", good, true, 1},
		{"bomb", bomb, false, 1},
		{"cut", good[:len(good)-20], false, 2},
		{"not gzip", []byte("{}" + marker + strings.Repeat(" ", 100)), false, 1},
		{"wrong checksum", sum, false, 1},
		{"corrupt", flipped, false, 1},
		{"empty", nil, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, retrying(1))
			accepted := ""
			w.serves(func(out http.ResponseWriter, r *http.Request) {
				accepted = r.Header.Get("Accept-Encoding")
				out.Header().Set("Content-Encoding", "gzip")
				_, _ = out.Write(test.body)
			})
			err := w.readProject(t.Context())
			if accepted != "gzip" {
				t.Errorf("Accept-Encoding is %q", accepted)
			}
			if test.good != (err == nil) {
				t.Errorf("%v", err)
			}
			if err != nil {
				wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindBadResponse)
			}
			w.wantRequests(t, atlassim.OpGetProject, test.requests)
		})
	}
}

func TestWebPage(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"text/html", "text/html;charset=utf-8", "Text/HTML; charset=UTF-8"} {
		for _, status := range []int{200, 404, 400} {
			t.Run(fmt.Sprintf("%s with %d", contentType, status), func(t *testing.T) {
				w := newWorld(t, retrying(3))
				w.serves(func(out http.ResponseWriter, _ *http.Request) {
					out.Header().Set("Content-Type", contentType)
					out.WriteHeader(status)
					_, _ = io.WriteString(out, "<!DOCTYPE html><title>Maintenance "+marker+"</title>")
				})
				kind := map[int]atlasapi.Kind{200: atlasapi.KindBadResponse, 404: atlasapi.KindNotFound, 400: atlasapi.KindBadResponse}[status]
				failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, kind)
				if status == http.StatusOK && !strings.Contains(failure.Error(), "web page") {
					t.Errorf("%q does not say that it is a web page", failure)
				}
				w.wantRequests(t, atlassim.OpGetProject, 1)
			})
		}
	}
}

// TestErrorBodies checks that an error shows Atlas's own message from a body with an error status, and nothing else of it.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body, header string
		want               string
	}{
		{"Atlas's own", `{"detail":"No group.","error":404,"errorCode":"GROUP_NOT_FOUND","parameters":["x"],"reason":"Not Found"}`, "", "HTTP status 404 GROUP_NOT_FOUND: No group."},
		{"null code", `{"detail":"No group.","error":404,"errorCode":null,"reason":"Not Found"}`, "", "HTTP status 404: No group."},
		{"null code and header", `{"detail":"No group.","errorCode":null}`, "GROUP_NOT_FOUND", "HTTP status 404 GROUP_NOT_FOUND: No group."},
		{"no code", `{"detail":"No group."}`, "", "HTTP status 404: No group."},
		{"header alone", "", "GROUP_NOT_FOUND", "HTTP status 404 GROUP_NOT_FOUND"},
		{"nothing", "", "", "HTTP status 404"},
		{"odd code", `{"errorCode":"https://` + marker + `"}`, "", "HTTP status 404"},
		{"odd header", "", "https://" + marker, "HTTP status 404"},
		{"code of the wrong type", `{"errorCode":404,"detail":"` + marker + `"}`, "", "HTTP status 404"},
		{"no JSON", marker, "", "HTTP status 404"},
		{"cut short", `{"detail":"` + marker + `","errorCode":"A"`, "", "HTTP status 404"},
		{"too long", `{"detail":"` + marker + strings.Repeat("x", 1<<20) + `"}`, "", "HTTP status 404"},
		{"an array", `["` + marker + `"]`, "", "HTTP status 404"},
		{
			"fields", `{"detail":"Bad.","badRequestDetail":{"fields":[{"field":"pageNum","description":"must be above 0"},{"field":"x","description":"unknown"}]}}`,
			"", "HTTP status 404: Bad.; pageNum: must be above 0; x: unknown",
		},
		{"no fields", `{"detail":"Bad.","badRequestDetail":null}`, "", "HTTP status 404: Bad."},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.serves(func(out http.ResponseWriter, _ *http.Request) {
				out.Header().Set("Content-Type", "application/json")
				if test.header != "" {
					out.Header().Set("X-Error-Code", test.header)
				}
				out.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(out, test.body)
			})
			failure := failedAs(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindNotFound)
			if want := "get_project: " + test.want; failure.Error() != want {
				t.Errorf("%q, want %q", failure, want)
			}
		})
	}
}

// TestOtherSuccess checks answers with another status of 2xx and an empty body.
func TestOtherSuccess(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 202, 204, 205, 206} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := newWorld(t)
			w.serves(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(status) })
			wantFailure(t, w.readProject(t.Context()), atlassim.OpGetProject, atlasapi.KindBadResponse)
		})
	}
}
