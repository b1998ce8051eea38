// Package benchmark compares the exporter with simpler programs that do the same work. Each result is a ratio within one run or
// an exact count, so that results from different machines are comparable. docs/sizing.md has the results and the commands.
package benchmark

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sync/errgroup"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	clientID     = "mdb_sa_id_benchmark"
	clientSecret = "mdb_sa_sk_benchmark"
	inFlight     = 16
)

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveAtlas()
		return
	}
	m.Run()
}

// atlasOptions returns server options. If keepPages is true, the server caches the pages of its answers; otherwise they
// would need too much memory.
func atlasOptions(latency time.Duration, keepPages bool) atlassim.Options {
	return atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret}},
		APIKeys:         []atlassim.APIKey{{PublicKey: clientID, PrivateKey: clientSecret}},
		Latency:         func(string) time.Duration { return latency },
		CachePages:      keepPages,
		NoRateLimits:    true,
		RecordLimit:     1,
	}
}

// tenPages returns an organization of 200 clusters with ten pages of export jobs each.
func tenPages(order atlassim.Order) *atlassim.Organization {
	return atlassim.Large(atlassim.WallClock{}, atlassim.LargeOptions{
		Projects: 8, ClustersPerProject: 25, ExportsPerCluster: 5000, Order: order,
	})
}

func newClient(b *testing.B, base string, credentials atlasapi.Credentials, observer atlasapi.Observer) *atlasapi.Client {
	b.Helper()
	u, err := url.Parse(base)
	if err != nil {
		b.Fatal(err)
	}
	return atlasapi.New(atlasapi.Options{BaseURL: u, Credentials: credentials, MaxConcurrentRequests: inFlight, Observer: observer})
}

// newExporter returns an exporter that only reads export jobs and has read nothing yet.
func newExporter(b *testing.B, base string, minInterval time.Duration) (e *collector.Exporter, end func()) {
	b.Helper()
	c := config.Default(collector.All().Config())
	c.Atlas.MaxConcurrentRequests = inFlight
	c.Collectors.Enable("backup_restores", false)
	c.Collectors.Enable("pipeline_runs", false)
	c.Refresh.MinInterval = minInterval
	for _, name := range c.Collectors.Names() { // no target may become due again during the benchmark
		c.Collectors.SetMinInterval(name, minInterval)
	}
	metrics := collector.NewClientMetrics(log.NewNopLogger(), prometheus.NewRegistry())
	client := newClient(b, base, atlasapi.NewServiceAccount(clientID, clientSecret), metrics)
	e = collector.New(log.NewNopLogger(), metrics, collector.All())
	e.Configure(c, client)
	return e, func() { e.Close(); client.Close() }
}

// readAll reads every target that is due.
func readAll(ctx context.Context, e *collector.Exporter) {
	e.Refresh(ctx, collector.Selection{Collectors: []string{"backup_exports"}})
}

// cpuFor returns the CPU seconds that this process uses while do runs. Elapsed time would depend on other processes.
func cpuFor(do func()) float64 {
	runtime.GC()
	before := cpuTime()
	do()
	return (cpuTime() - before).Seconds()
}

// cpuTime returns the CPU time of this process so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // only fails for invalid arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// reportRatios reports the median of the ratios, and their spread.
func reportRatios(b *testing.B, unit string, ratios []float64) {
	b.Helper()
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], unit)
	b.ReportMetric(ratios[0], unit+"-min")
	b.ReportMetric(ratios[len(ratios)-1], unit+"-max")
}

// BenchmarkQuietRefresh compares the requests and bytes of a refresh without changes with those of a full read.
func BenchmarkQuietRefresh(b *testing.B) {
	for name, order := range map[string]atlassim.Order{"newest-first": atlassim.NewestFirst, "oldest-first": atlassim.OldestFirst} {
		b.Run(name, func(b *testing.B) {
			server := harness.StartAtlas(b, tenPages(order), atlasOptions(0, true))
			e, end := newExporter(b, server.URL(), 0)
			defer end()
			readAll(b.Context(), e)
			requests, bytes := server.Count(atlassim.OpListBackupExports), server.BytesSent()
			if requests < 200*10 || requests > 200*11 {
				b.Fatalf("reading everything took %d requests, 10 or 11 a list were expected", requests)
			}
			for b.Loop() {
				readAll(b.Context(), e)
			}
			n := float64(b.N)
			b.ReportMetric(float64(server.Count(atlassim.OpListBackupExports)-requests)/n/float64(requests), "requests/full")
			b.ReportMetric(float64(server.BytesSent()-bytes)/n/float64(bytes), "bytes/full")
		})
	}
}

// BenchmarkDigest counts the round trips of requests with an API key.
func BenchmarkDigest(b *testing.B) {
	org := atlassim.Large(atlassim.WallClock{}, atlassim.LargeOptions{Projects: 1, ClustersPerProject: 1})
	server := harness.StartAtlas(b, org, atlasOptions(time.Millisecond, true))
	const requests = 1000
	for b.Loop() {
		client := newClient(b, server.URL(), atlasapi.NewAPIKey(clientID, clientSecret), nil)
		calls, ctx := errgroup.WithContext(b.Context())
		calls.SetLimit(inFlight)
		for range requests {
			calls.Go(func() error {
				_, err := client.Projects().Page(ctx, 1, atlasapi.MaxPageSize)
				return err
			})
		}
		if err := calls.Wait(); err != nil {
			b.Fatal(err)
		}
		client.Close()
	}
	b.ReportMetric(float64(server.Count(atlassim.OpListProjects))/float64(b.N*requests), "round-trips/request")
}

// ready is a collector of existing metrics.
type ready []prometheus.Metric

func (ready) Describe(chan<- *prometheus.Desc) {}

func (r ready) Collect(ch chan<- prometheus.Metric) {
	for _, m := range r {
		ch <- m
	}
}

// BenchmarkScrape compares the CPU time of a scrape without reads with that of promhttp over existing const metrics.
func BenchmarkScrape(b *testing.B) {
	org := atlassim.Large(atlassim.WallClock{}, atlassim.LargeOptions{Projects: 136, ClustersPerProject: 25, ExportsPerCluster: 1})
	server := harness.StartAtlas(b, org, atlasOptions(0, true))
	e, end := newExporter(b, server.URL(), time.Hour)
	defer end()
	known := func() prometheus.Gatherer {
		registry := prometheus.NewRegistry()
		registry.MustRegister(e.Refresh(b.Context(), collector.Selection{}))
		return registry
	}
	families, err := known().Gather()
	if err != nil {
		b.Fatal(err)
	}
	metrics := constMetrics(families)
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	var ratios []float64
	for b.Loop() {
		ours := cpuFor(func() { scrapeThrice(b.Context(), known) })
		theirs := cpuFor(func() { scrapeThrice(b.Context(), func() prometheus.Gatherer { return registry }) })
		ratios = append(ratios, ours/theirs)
	}
	b.ReportMetric(float64(len(metrics)), "series")
	reportRatios(b, "CPU/promhttp", ratios)
}

func scrapeThrice(ctx context.Context, gatherer func() prometheus.Gatherer) {
	for range 3 {
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		promhttp.HandlerFor(gatherer(), promhttp.HandlerOpts{}).ServeHTTP(httptest.NewRecorder(), request)
	}
}

// constMetrics converts gathered gauges to const metrics.
func constMetrics(families []*dto.MetricFamily) (metrics ready) {
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := prometheus.Labels{}
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			desc := prometheus.NewDesc(family.GetName(), family.GetHelp(), nil, labels)
			metrics = append(metrics, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, m.GetGauge().GetValue()))
		}
	}
	return metrics
}
