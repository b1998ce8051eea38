package collector

import (
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

var apiMetrics = struct{ requests, retries, duration, limit, remaining, throttled, sunset *metric }{
	requests: counted("counter", "mongodbatlas_api_requests_total",
		"HTTP requests to Atlas, retries and authentication included, by status or error.", "", "endpoint", "code"),
	retries: counted("counter", "mongodbatlas_api_retries_total",
		"Requests to Atlas that were sent again, by the reason.", "", "endpoint", "reason"),
	duration: counted("histogram", "mongodbatlas_api_request_duration_seconds",
		"Time from a request to Atlas to the end of its answer.", "", "endpoint"),
	limit: counted("gauge", "mongodbatlas_api_ratelimit_limit",
		"Capacity of the project's token bucket, as Atlas last told it.", "RateLimit-Limit", "endpoint", "group_id"),
	remaining: counted("gauge", "mongodbatlas_api_ratelimit_remaining",
		"Tokens left in the project's bucket, as Atlas last told it.", "RateLimit-Remaining", "endpoint", "group_id"),
	throttled: counted("counter", "mongodbatlas_api_throttled_seconds_total",
		"Time that requests waited for the rate limit.", "", "endpoint"),
	sunset: counted("gauge", "mongodbatlas_api_sunset_timestamp_seconds",
		"When the version of the API that is used ends, as Atlas announces it.", "Sunset", "endpoint"),
}

// counted declares a metric that is counted as things happen, and not made for each scrape.
func counted(kind, name, help, source string, labels ...string) *metric {
	return &metric{kind: kind, name: name, help: help, source: source, labels: labels}
}

// API observes the calls to Atlas: as metrics, and at debug level as log lines.
type API struct {
	logger log.Logger

	requests, retries, throttled *prometheus.CounterVec
	limit, remaining, sunset     *prometheus.GaugeVec
	duration                     *prometheus.HistogramVec
}

// NewAPI returns an observer whose metrics are registered.
func NewAPI(logger log.Logger, registry prometheus.Registerer) *API {
	m := &apiMetrics
	a := &API{
		logger:    logger,
		requests:  newCounter(m.requests),
		retries:   newCounter(m.retries),
		throttled: newCounter(m.throttled),
		limit:     newGauge(m.limit),
		remaining: newGauge(m.remaining),
		sunset:    newGauge(m.sunset),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            m.duration.name,
			Help:                            m.duration.help,
			Buckets:                         []float64{.025, .05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 25.6},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, m.duration.labels),
	}
	registry.MustRegister(a.requests, a.retries, a.duration, a.limit, a.remaining, a.throttled, a.sunset)
	return a
}

func newCounter(m *metric) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.name, Help: m.help}, m.labels)
}

func newGauge(m *metric) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.name, Help: m.help}, m.labels)
}

// Exchanged counts a request.
func (a *API) Exchanged(x atlasapi.Exchange) {
	code := "error"
	if x.Status != 0 {
		code = strconv.Itoa(x.Status)
	}
	a.requests.WithLabelValues(x.Endpoint, code).Inc()
	a.duration.WithLabelValues(x.Endpoint).Observe(x.Duration.Seconds())
	if x.RateLimit.Set {
		a.limit.WithLabelValues(x.Endpoint, x.GroupID).Set(x.RateLimit.Value.Limit)
		a.remaining.WithLabelValues(x.Endpoint, x.GroupID).Set(x.RateLimit.Value.Remaining)
	}
	switch {
	case !x.Sunset.IsZero():
		a.sunset.WithLabelValues(x.Endpoint).Set(float64(x.Sunset.Unix()))
	case x.Status >= 200 && x.Status < 300: // a proxy's error page is no sign that the end was called off
		a.sunset.DeleteLabelValues(x.Endpoint)
	}
	_ = level.Debug(a.logger).Log("msg", "call", "endpoint", x.Endpoint, "method", x.Method, "path", x.Path,
		"status", x.Status, "duration", x.Duration.Round(time.Millisecond), "err", x.Err)
}

// Retried counts a retry.
func (a *API) Retried(endpoint string, reason atlasapi.Kind) {
	a.retries.WithLabelValues(endpoint, reason.String()).Inc()
}

// Throttled adds the time that a request waited for the rate limit.
func (a *API) Throttled(endpoint string, waited time.Duration) {
	a.throttled.WithLabelValues(endpoint).Add(waited.Seconds())
}

// forget drops the series of a project that is not read any more.
func (a *API) forget(groupID string) {
	a.limit.DeletePartialMatch(prometheus.Labels{"group_id": groupID})
	a.remaining.DeletePartialMatch(prometheus.Labels{"group_id": groupID})
}
