package atlasapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// recordings lists the recorded answers of the real Atlas: ATLAS_RECORDINGS names their folder, or they lie in
// a folder beside the repository.
func recordings(t *testing.T) []string {
	t.Helper()
	folder := os.Getenv("ATLAS_RECORDINGS")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "recordings")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.http"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("there are no recordings in %s: name their folder in ATLAS_RECORDINGS", folder)
	}
	return files
}

// recording is an answer as it came over the wire.
type recording struct {
	status string // as "200 OK"
	header []string
	body   []byte
}

func readRecording(t *testing.T, file string) recording {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	if !ok {
		t.Fatalf("%s has no body", file)
	}
	lines := strings.Split(string(head), "\n")
	_, status, _ := strings.Cut(lines[0], " ")
	r := recording{status: status, body: body}
	for _, line := range lines[1:] {
		if name, _, _ := strings.Cut(line, ":"); !strings.EqualFold(name, "Content-Length") && !strings.EqualFold(name, "Content-Encoding") {
			r.header = append(r.header, line)
		}
	}
	return r
}

// wrapped puts a recorded thing on a page, since the client reads lists.
func (r recording) wrapped() recording {
	r.body = fmt.Appendf(nil, `{"links":[],"results":[%s]}`, r.body)
	return r
}

// replay answers every connection's first request with the recording, byte by byte, and tokens with one.
func (r recording) replay(t *testing.T) *atlasapi.Client {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serve(connection)
		}
	}()
	client := atlasapi.New(atlasapi.Options{
		BaseURL: parseURL(t, "http://"+listener.Addr().String()), Credentials: atlasapi.NewServiceAccount(clientID, clientSecret),
	})
	t.Cleanup(client.Close)
	return client
}

func (r recording) serve(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	request, err := http.ReadRequest(bufio.NewReader(connection))
	if err != nil {
		return
	}
	status, header, body := r.status, r.header, r.body
	if strings.HasSuffix(request.URL.Path, "/token") {
		status, header = "200 OK", []string{"Content-Type: application/json"}
		body = []byte(`{"access_token":"a-token-for-recordings","token_type":"Bearer","expires_in":3600}`)
	}
	_, _ = fmt.Fprintf(connection, "HTTP/1.1 %s\r\n%s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		status, strings.Join(header, "\r\n"), len(body), body)
}

// plain is an object as the standard library reads it.
type plain map[string]any

func (p plain) text(name string) string {
	s, _ := p[name].(string)
	return s
}

func (p plain) truth(name string) bool {
	b, _ := p[name].(bool)
	return b
}

func (p plain) object(name string) plain {
	o, _ := p[name].(map[string]any)
	return o
}

func (p plain) time(t *testing.T, name string) time.Time {
	t.Helper()
	if p.text(name) == "" {
		return time.Time{}
	}
	return at(t, p.text(name))
}

// results are the items of a recorded page, or the one item that is recorded.
func (r recording) results(t *testing.T) []plain {
	t.Helper()
	var page struct{ Results []plain }
	if err := json.Unmarshal(r.body, &page); err != nil {
		t.Fatal(err)
	}
	if page.Results != nil {
		return page.Results
	}
	var one plain
	if err := json.Unmarshal(r.body, &one); err != nil {
		t.Fatal(err)
	}
	return []plain{one}
}

const recordedGroup = "b0123456789abcdef012345b"

// TestRecordings reads recorded answers of the real Atlas and compares what the client makes of them with what the
// standard library does.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, file := range recordings(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".http")
		r := readRecording(t, file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switch {
			case strings.HasPrefix(name, "error"):
				recordedError(t, r)
			case strings.HasPrefix(name, "clusters-list"):
				recordedClusters(t, r)
			case strings.HasPrefix(name, "exports-list"):
				recordedExports(t, r, r)
			case strings.HasPrefix(name, "export-"):
				recordedExports(t, r, r.wrapped())
			case strings.HasPrefix(name, "restores-list"):
				recordedRestores(t, r, r)
			case strings.HasPrefix(name, "restore-"):
				recordedRestores(t, r, r.wrapped())
			case strings.HasPrefix(name, "schedule"):
				recordedSchedule(t, r)
			default:
				t.Logf("the client has no call for %s", file)
			}
		})
	}
}

func recordedClusters(t *testing.T, r recording) {
	t.Helper()
	got, err := collect(r.replay(t).Clusters(recordedGroup).All(t.Context()))
	var want []atlasapi.Cluster
	for _, p := range r.results(t) {
		c := atlasapi.Cluster{
			ID: objectID(t, p.text("id")), Name: p.text("name"), StateName: p.text("stateName"),
			Paused: set(p.truth("paused")), BackupEnabled: set(p.truth("backupEnabled")), CreateDate: p.time(t, "createDate"),
		}
		for _, spec := range p["replicationSpecs"].([]any) {
			for _, region := range spec.(map[string]any)["regionConfigs"].([]any) {
				c.Providers = append(c.Providers, region.(map[string]any)["providerName"].(string))
			}
		}
		want = append(want, c)
	}
	wantDecoded(t, got, want, err)
}

func recordedExports(t *testing.T, r, served recording) {
	t.Helper()
	got, err := collect(served.replay(t).ExportJobs(recordedGroup, clusterName).All(t.Context()))
	var want []atlasapi.ExportJob
	for _, p := range r.results(t) {
		status := p.object("exportStatus")
		want = append(want, atlasapi.ExportJob{
			ID: objectID(t, p.text("id")), State: p.text("state"), CreatedAt: p.time(t, "createdAt"), FinishedAt: p.time(t, "finishedAt"),
			ExportStatus: set(atlasapi.ExportStatus{
				ExportedCollections: set(int32(status["exportedCollections"].(float64))),
				TotalCollections:    set(int32(status["totalCollections"].(float64))),
			}),
		})
	}
	wantDecoded(t, got, want, err)
	for _, job := range got {
		if !job.ID.Time().Equal(job.CreatedAt) {
			t.Errorf("the id of %s is of %s, and it was created at %s", job.ID, job.ID.Time(), job.CreatedAt)
		}
	}
}

func recordedRestores(t *testing.T, r, served recording) {
	t.Helper()
	got, err := collect(served.replay(t).RestoreJobs(recordedGroup, clusterName).All(t.Context()))
	var want []atlasapi.RestoreJob
	for _, p := range r.results(t) {
		want = append(want, atlasapi.RestoreJob{
			ID: objectID(t, p.text("id")), DeliveryType: p.text("deliveryType"),
			Cancelled: p.truth("cancelled"), Failed: p.truth("failed"), Expired: p.truth("expired"),
			FinishedAt: p.time(t, "finishedAt"), ExpiresAt: p.time(t, "expiresAt"),
		})
	}
	wantDecoded(t, got, want, err)
}

func recordedSchedule(t *testing.T, r recording) {
	t.Helper()
	got, err := r.replay(t).Schedule(t.Context(), recordedGroup, clusterName)
	p := r.results(t)[0]
	want := atlasapi.Schedule{AutoExportEnabled: set(p.truth("autoExportEnabled")), ExportFrequency: p.object("export").text("frequencyType")}
	wantDecoded(t, got, want, err)
}

func recordedError(t *testing.T, r recording) {
	t.Helper()
	_, err := r.replay(t).Project(t.Context(), recordedGroup)
	p := r.results(t)[0]
	kinds := map[string]atlasapi.Kind{
		"CLUSTER_NOT_FOUND": atlasapi.KindNotFound, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API": atlasapi.KindFlex,
		"": atlasapi.KindUnauthorized, "UNEXPECTED_ERROR": atlasapi.KindUnauthorized,
	}
	kind, ok := kinds[p.text("errorCode")]
	if !ok {
		t.Fatalf("of which kind is %s?", p.text("errorCode"))
	}
	failure := failedAs(t, err, "get_project", kind)
	if failure.Code != p.text("errorCode") || failure.Detail != p.text("detail") || float64(failure.Status) != p["error"] {
		t.Errorf("%+v\nwant %v", failure, p)
	}
}
