package collector

import (
	"strconv"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"mongodbatlas_backup_exporter/atlasapi"
)

// API observes the calls to Atlas: as metrics, and at debug level as log lines.
type API struct {
	logger log.Logger

	requests  *prometheus.CounterVec
	retries   *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	limit     *prometheus.GaugeVec
	remaining *prometheus.GaugeVec
	throttled *prometheus.CounterVec
	sunset    *prometheus.GaugeVec
}

// NewAPI returns an observer whose metrics are registered.
func NewAPI(logger log.Logger, registry prometheus.Registerer) *API {
	a := &API{
		logger: logger,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mongodbatlas_api_requests_total",
			Help: "HTTP requests to Atlas, retries and authentication included, by status or error.",
		}, []string{"endpoint", "code"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mongodbatlas_api_retries_total",
			Help: "Requests to Atlas that were sent again, by the reason.",
		}, []string{"endpoint", "reason"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "mongodbatlas_api_request_duration_seconds",
			Help:                            "Time from a request to Atlas to the end of its answer.",
			Buckets:                         []float64{.025, .05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 25.6},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"endpoint"}),
		limit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "mongodbatlas_api_ratelimit_limit",
			Help: "Capacity of the project's token bucket, as Atlas last told it.",
		}, []string{"endpoint", "group_id"}),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "mongodbatlas_api_ratelimit_remaining",
			Help: "Tokens left in the project's bucket, as Atlas last told it.",
		}, []string{"endpoint", "group_id"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mongodbatlas_api_throttled_seconds_total",
			Help: "Time that requests waited for the rate limit.",
		}, []string{"endpoint"}),
		sunset: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "mongodbatlas_api_sunset_timestamp_seconds",
			Help: "When the version of the API that is used ends, as Atlas announces it.",
		}, []string{"endpoint"}),
	}
	registry.MustRegister(a.requests, a.retries, a.duration, a.limit, a.remaining, a.throttled, a.sunset)
	return a
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
