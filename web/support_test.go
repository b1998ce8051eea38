package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/daemon"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web"
)

const (
	clientID     = "mdb_sa_id_test"
	clientSecret = "mdb_sa_sk_test-secret"
)

// exporter is the whole exporter except for the program: the real server over HTTP, with a simulated Atlas.
type exporter struct {
	url      string
	client   *http.Client
	atlas    *atlassim.Server
	registry *prometheus.Registry
	// configure changes the configuration that the next reload reads.
	configure func(func(*config.Config) error)
}

// start serves an organization, with a configuration that reads again at each scrape.
func start(t *testing.T, org *atlassim.Organization, change func(*config.Config)) *exporter {
	t.Helper()
	return startServer(t, org, change, nil)
}

// startServer is start with a server that adjust may change before it serves, and that may speak HTTP/2.
func startServer(t *testing.T, org *atlassim.Organization, change func(*config.Config), adjust func(*httptest.Server)) *exporter {
	t.Helper()
	return startWith(t, org, change, adjust, web.Options{})
}

// startWith is startServer with options of the server.
func startWith(t *testing.T, org *atlassim.Organization, change func(*config.Config), adjust func(*httptest.Server), o web.Options) *exporter {
	t.Helper()
	atlas := harness.StartAtlas(t, org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret}},
		NoRateLimits:    true,
	})

	c := config.Default(collector.All().Config())
	c.Atlas.BaseURL = atlas.URL()
	c.Atlas.ServiceAccount = &config.ServiceAccount{ClientID: clientID, ClientSecret: atlasapi.Secret(clientSecret)}
	c.Atlas.MaxRetries = 0
	c.Refresh.MinInterval = 0
	if change != nil {
		change(&c)
	}
	var mu sync.Mutex
	var bad error
	d, err := daemon.New(t.Context(), daemon.Options{
		Table: collector.All(),
		Load: func(context.Context) (config.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			return c, bad
		},
		Getenv: func(string) string { return "" },
		Logger: log.NewNopLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	server := httptest.NewUnstartedServer(nil)
	o.TelemetryPath, o.TimeoutOffset, o.Logger, o.Version = cmp.Or(o.TelemetryPath, "/metrics"), 500*time.Millisecond, log.NewNopLogger(), "1.2.3"
	server.Config = web.NewServer(d, o)
	if adjust != nil {
		adjust(server)
	}
	if server.EnableHTTP2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return &exporter{
		url: server.URL, client: server.Client(), atlas: atlas, registry: d.Registry(),
		configure: func(change func(*config.Config) error) {
			mu.Lock()
			defer mu.Unlock()
			bad = change(&c)
		},
	}
}

// blockLoading blocks every reload until the returned function is called.
func (e *exporter) blockLoading() (end func()) {
	blocked, release := make(chan struct{}), make(chan struct{})
	go e.configure(func(*config.Config) error {
		close(blocked)
		<-release
		return nil
	})
	<-blocked
	return func() { close(release) }
}

// small is an organization of two projects.
func small() (org *atlassim.Organization, first, second *atlassim.Project) {
	org = atlassim.NewOrganization(atlassim.WallClock{})
	first, second = org.AddProject("first"), org.AddProject("second")
	for _, p := range []*atlassim.Project{first, second} {
		p.AddCluster("cluster", atlassim.ClusterOptions{}).AddExport(atlassim.Export{State: atlassim.ExportQueued})
		p.AddPipeline("pipeline", atlassim.PipelineOptions{})
	}
	return org, first, second
}

// answer is the response to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// get requests a path, with header fields given as name and value in turn.
func (e *exporter) get(t *testing.T, path string, header ...string) answer {
	t.Helper()
	got, err := e.do(t.Context(), http.MethodGet, path, header...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// do sends a request, and waits for an answer as long as a slow machine may need.
func (e *exporter) do(ctx context.Context, method, path string, header ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, e.url+path, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// ready waits for the first discovery.
func (e *exporter) ready(t *testing.T) {
	t.Helper()
	harness.Eventually(t, func() error {
		got, err := e.do(t.Context(), http.MethodGet, "/-/ready")
		if err == nil && got.status != http.StatusOK {
			err = fmt.Errorf("/-/ready answers %d %s", got.status, got.body)
		}
		return err
	})
}

// read waits until everything has been read.
func (e *exporter) read(t *testing.T) {
	t.Helper()
	e.ready(t)
	harness.Eventually(t, func() error {
		got := e.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "60")
		for line := range strings.Lines(got.body) {
			if strings.Contains(line, `state="pending"`) && !strings.HasSuffix(line, " 0\n") {
				return errors.New("not everything is read yet: " + line)
			}
		}
		return nil
	})
}

func TestMain(m *testing.M) { harness.RunWaiting(m) }
