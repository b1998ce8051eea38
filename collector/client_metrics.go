package collector

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// clientFamilies describe the metrics about calls to Atlas.
type clientFamilies struct{ requests, retries, duration, limit, remaining, throttled, sunset *metric }

func newClientFamilies() *clientFamilies {
	counted := func(kind, name, help, source, example string, labels ...string) *metric {
		m := newMetric(kind, name, help, labels...)
		m.source, m.example = source, example
		return m
	}
	return &clientFamilies{
		requests: counted("counter", "mongodbatlas_api_requests_total",
			"HTTP requests to Atlas, retries and authentication included, by status or error.", "",
			`sum by (endpoint, code) (rate(mongodbatlas_api_requests_total[5m]))`, "endpoint", "code"),
		retries: counted("counter", "mongodbatlas_api_retries_total",
			"Requests to Atlas that were sent again, by the reason.", "", "", "endpoint", "reason"),
		duration: counted("histogram", "mongodbatlas_api_request_duration_seconds",
			"Time from a request to Atlas to the end of its answer.", "",
			`histogram_quantile(0.95, sum by (endpoint, le) (rate(mongodbatlas_api_request_duration_seconds_bucket[5m])))`, "endpoint"),
		limit: counted("gauge", "mongodbatlas_api_ratelimit_limit",
			"Capacity of the project's token bucket, as Atlas last reported it.", "RateLimit-Limit", "", "endpoint", groupIDLabel),
		remaining: counted("gauge", "mongodbatlas_api_ratelimit_remaining",
			"Tokens left in the project's bucket, as Atlas last reported it.", "RateLimit-Remaining",
			`mongodbatlas_api_ratelimit_remaining / mongodbatlas_api_ratelimit_limit < 0.2`, "endpoint", groupIDLabel),
		throttled: counted("counter", "mongodbatlas_api_throttled_seconds_total",
			"Time that requests waited for the rate limit.", "", "", "endpoint"),
		sunset: counted("gauge", "mongodbatlas_api_sunset_timestamp_seconds",
			"When the API version in use ends, as Atlas announces it.", "Sunset",
			`(mongodbatlas_api_sunset_timestamp_seconds - time()) / 86400`, "endpoint"),
	}
}

func (m *clientFamilies) list() []*metric {
	return []*metric{m.requests, m.retries, m.duration, m.limit, m.remaining, m.throttled, m.sunset}
}

// ClientMetrics observes the calls to Atlas: as metrics, and at debug level as log lines.
type ClientMetrics struct {
	logger log.Logger

	requests, retries, throttled *prometheus.CounterVec
	limit, remaining, sunset     *prometheus.GaugeVec
	duration                     *prometheus.HistogramVec
}

// NewClientMetrics returns an observer whose metrics are registered.
func NewClientMetrics(logger log.Logger, registry prometheus.Registerer) *ClientMetrics {
	f := newClientFamilies()
	m := &ClientMetrics{
		logger:    logger,
		requests:  newCounter(f.requests),
		retries:   newCounter(f.retries),
		throttled: newCounter(f.throttled),
		limit:     newGauge(f.limit),
		remaining: newGauge(f.remaining),
		sunset:    newGauge(f.sunset),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            f.duration.name,
			Help:                            f.duration.help,
			Buckets:                         []float64{.025, .05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 25.6},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, f.duration.labels),
	}
	for _, endpoint := range atlasapi.Endpoints() { // start at 0, so that increase() sees the first call
		m.requests.WithLabelValues(endpoint, strconv.Itoa(http.StatusTooManyRequests))
		m.throttled.WithLabelValues(endpoint)
	}
	registry.MustRegister(m.requests, m.retries, m.duration, m.limit, m.remaining, m.throttled, m.sunset)
	return m
}

func newCounter(m *metric) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.name, Help: m.help}, m.labels)
}

func newGauge(m *metric) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.name, Help: m.help}, m.labels)
}

// Exchanged counts a request.
func (m *ClientMetrics) Exchanged(x atlasapi.Exchange) {
	code := "error"
	if x.Status != 0 {
		code = strconv.Itoa(x.Status)
	}
	m.requests.WithLabelValues(x.Endpoint, code).Inc()
	m.duration.WithLabelValues(x.Endpoint).Observe(x.Duration.Seconds())
	if x.RateLimit.Set {
		m.limit.WithLabelValues(x.Endpoint, x.GroupID).Set(x.RateLimit.Value.Limit)
		m.remaining.WithLabelValues(x.Endpoint, x.GroupID).Set(x.RateLimit.Value.Remaining)
	}
	switch {
	case !x.Sunset.IsZero():
		m.sunset.WithLabelValues(x.Endpoint).Set(float64(x.Sunset.Unix()))
	case x.Status >= 200 && x.Status < 300: // an error answer, perhaps of a proxy, does not mean that Atlas cancelled the end
		m.sunset.DeleteLabelValues(x.Endpoint)
	}
	_ = level.Debug(m.logger).Log("msg", "call", "endpoint", x.Endpoint, "method", x.Method, "path", x.Path,
		"status", x.Status, "duration", x.Duration.Round(time.Millisecond), "err", x.Err)
}

// Retried counts a retry.
func (m *ClientMetrics) Retried(endpoint string, reason atlasapi.Kind) {
	m.retries.WithLabelValues(endpoint, reason.String()).Inc()
}

// Throttled adds the time that a request waited for the rate limit.
func (m *ClientMetrics) Throttled(endpoint string, waited time.Duration) {
	m.throttled.WithLabelValues(endpoint).Add(waited.Seconds())
}

// forget deletes the series of a project that is no longer read.
func (m *ClientMetrics) forget(groupID string) {
	m.limit.DeletePartialMatch(prometheus.Labels{groupIDLabel: groupID})
	m.remaining.DeletePartialMatch(prometheus.Labels{groupIDLabel: groupID})
}
