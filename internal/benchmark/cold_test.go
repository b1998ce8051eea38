package benchmark

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// serveVariable is the environment variable that makes the test binary serve Atlas instead of running benchmarks.
const serveVariable = "BENCHMARK_SERVES_ATLAS"

// serveAtlas runs in a separate process, so that its CPU time does not count as that of a client. It prints its URL, and
// serves until the end of its standard input.
func serveAtlas() {
	server := atlassim.NewServer(tenPages(atlassim.NewestFirst), atlasOptions(80*time.Millisecond, true))
	if err := server.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(server.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func startAtlasProcess(b *testing.B) (base string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=true")
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // ends with this process
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Wait() }) // the benchmark's context has killed it
	if _, err := fmt.Fscanln(out, &base); err != nil {
		b.Fatal(err)
	}
	return base
}

// BenchmarkColdRead compares the first read of everything with two clients that fetch the same pages. One discards the
// bytes; the other decodes them with encoding/json into full structs, and keeps these.
func BenchmarkColdRead(b *testing.B) {
	base := startAtlasProcess(b)
	calls := coldCalls(b, base)
	var wall, cpu []float64
	for b.Loop() {
		began := time.Now()
		fetchAll(b, calls, func(int, io.Reader) error { return nil })
		floor := time.Since(began)
		began = time.Now()
		exporter := cpuFor(func() { readCold(b, base) })
		wall = append(wall, time.Since(began).Seconds()/floor.Seconds())

		pages := make([]exportsPage, len(calls))
		decoder := cpuFor(func() {
			fetchAll(b, calls, func(i int, body io.Reader) error { return json.NewDecoder(body).Decode(&pages[i]) })
		})
		runtime.KeepAlive(pages)
		cpu = append(cpu, exporter/decoder)
	}
	reportRatios(b, "time/floor", wall)
	reportRatios(b, "CPU/decoder", cpu)
}

// readCold reads everything with a new exporter, with the garbage collector settings of the program.
func readCold(b *testing.B, base string) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	e, end := newExporter(b, base, 0)
	defer end()
	readAll(b.Context(), e)
}

// call is a request that the exporter sends.
type call struct{ url, accept, authorization string }

// coldCalls returns the requests of a first read. The read also fills the page cache of Atlas.
func coldCalls(b *testing.B, base string) []call {
	b.Helper()
	target, err := url.Parse(base)
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var calls []call
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if r.In.Method == http.MethodGet {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, call{r.Out.URL.String(), r.In.Header.Get("Accept"), r.In.Header.Get("Authorization")})
		}
	}})
	defer proxy.Close()
	readCold(b, proxy.URL)
	return calls
}

// fetchAll sends the requests in order, 16 at a time. It discards the part of a body that read does not consume.
func fetchAll(b *testing.B, calls []call, read func(i int, body io.Reader) error) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	defer client.CloseIdleConnections()
	fetches, ctx := errgroup.WithContext(b.Context())
	fetches.SetLimit(inFlight)
	for i, c := range calls {
		fetches.Go(func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
			if err != nil {
				return err
			}
			req.Header.Set("Accept", c.accept)
			req.Header.Set("Authorization", c.authorization)
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answers %s", c.url, resp.Status)
			}
			if err := read(i, resp.Body); err != nil {
				return fmt.Errorf("%s: %w", c.url, err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		})
	}
	if err := fetches.Wait(); err != nil {
		b.Fatal(err)
	}
}

// exportsPage is a page of export jobs as a simple client would declare it. Most of its fields stay empty for other lists.
type exportsPage struct {
	Links   []struct{ Href, Rel string } `json:"links"`
	Results []struct {
		ID             string    `json:"id"`
		State          string    `json:"state"`
		CreatedAt      time.Time `json:"createdAt"`
		FinishedAt     *time.Time
		SnapshotID     string `json:"snapshotId"`
		ExportBucketID string `json:"exportBucketId"`
		Prefix         string `json:"prefix"`
		ExportStatus   *struct{ ExportedCollections, TotalCollections int }
		CustomData     []struct{ Key, Value string }
		Components     []struct{ ExportID, ReplicaSetName string }
		StateReason    *struct{ ErrorCode, Message string }
	} `json:"results"`
	TotalCount int `json:"totalCount"`
}
