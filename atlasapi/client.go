// Package atlasapi is a client for the part of the MongoDB Atlas Administration API that tells of backup export jobs,
// restore jobs and Data Lake pipeline runs. It knows HTTP, credentials, paging, retries, rate limits and the shapes
// of Atlas's answers; it knows nothing of metrics.
package atlasapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	apiPath = "/api/atlas/v2"
	// firstBackoff is the mean wait before the first retry; it doubles with each.
	firstBackoff = 500 * time.Millisecond
)

// Options are what a client is made of. BaseURL and Credentials are required.
type Options struct {
	// BaseURL is where Atlas is, such as https://cloud.mongodb.com. Requests go to its host alone.
	BaseURL     *url.URL
	Credentials Credentials
	// Limits is what is known of the rate limits; nil starts with nothing.
	Limits *Limits
	// UserAgent should be the program's name and version.
	UserAgent string
	// MaxConcurrentRequests bounds the requests in flight; 0 means 8.
	MaxConcurrentRequests int
	// RequestTimeout bounds one HTTP exchange with its body; 0 means 30 s.
	RequestTimeout time.Duration
	// MaxRetries is how often a request that failed for a passing reason is sent again.
	MaxRetries int
	// Observer is told of every exchange; nil is no one.
	Observer Observer
}

// Client reads from Atlas. It sends nothing but GET and the request for a token.
type Client struct {
	base        *url.URL
	credentials Credentials
	limits      *Limits
	userAgent   string
	timeout     time.Duration
	maxRetries  int
	observer    Observer
	transport   *http.Transport
	slots       chan struct{}
	buffers     sync.Pool
	closed      atomic.Bool
}

// New returns a client. It sends nothing yet.
func New(o Options) *Client {
	if o.MaxConcurrentRequests <= 0 {
		o.MaxConcurrentRequests = 8
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = 30 * time.Second
	}
	if o.Limits == nil {
		o.Limits = NewLimits()
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &Client{
		base:        o.BaseURL,
		credentials: o.Credentials,
		limits:      o.Limits,
		userAgent:   o.UserAgent,
		timeout:     o.RequestTimeout,
		maxRetries:  o.MaxRetries,
		observer:    o.Observer,
		slots:       make(chan struct{}, o.MaxConcurrentRequests),
		buffers:     sync.Pool{New: func() any { return new(bytes.Buffer) }},
		transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    o.MaxConcurrentRequests,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 256 << 10,
		},
	}
}

// Close ends the client's idle connections, and from then on each connection when its exchange is over: what goes on
// reading with a client that was replaced leaves none behind.
func (c *Client) Close() {
	c.closed.Store(true)
	c.transport.CloseIdleConnections()
}

// operation is one endpoint of the API.
type operation struct {
	name   string // as metrics and errors name it
	accept string // the media type with the exact version of the resource
	limit  endpointSet
}

// endpointSet names the endpoints that share a token bucket of Atlas's rate limits.
type endpointSet string

// The endpoint sets of Atlas's published rate limits that this client uses. Pipelines and collection restores are in
// none of them: pipelines get one of their own, collection restores are taken for backups.
const (
	setProjects      endpointSet = "projects"
	setClusters      endpointSet = "clusters"
	setBackups       endpointSet = "cloud_backups"
	setPipelines     endpointSet = "data_lake_pipelines"
	setGroups        endpointSet = "groups"
	setFlexClusters  endpointSet = "flex_clusters"
	setFlexSnapshots endpointSet = "flex_snapshots"
	setFlexRestores  endpointSet = "flex_restore_jobs"
)

const (
	versionPrefix = "application/vnd.atlas."
	versionSuffix = "+json"
)

func version(date string) string { return versionPrefix + date + versionSuffix }

// version returns the date of the version that is asked for, "" where there are no versions.
func (o *operation) version() string {
	return strings.TrimSuffix(strings.TrimPrefix(o.accept, versionPrefix), versionSuffix)
}

var opToken = &operation{name: "token"}

// Endpoints returns the name of every operation, as metrics, errors and exchanges use it.
func Endpoints() []string {
	operations := []*operation{
		opToken, opListProjects, opGetProject, opListClusters, opListFlexClusters, opListPipelines, opListExportBuckets,
		opGetSchedule, opListSnapshots, opListShardedSnapshots, opListExports, opListRestores, opListCollectionRestores,
		opListFlexSnapshots, opListFlexRestores, opListRuns, opTrigger,
	}
	names := make([]string, len(operations))
	for i, op := range operations {
		names[i] = op.name
	}
	return names
}

// request is one call, ready to be sent any number of times.
type request struct {
	op      *operation
	method  string
	groupID string
	url     *url.URL
	body    []byte
}

// newRequest builds a request from path segments, each escaped as a whole: a pipeline's name may hold "?" and "#".
func (c *Client) newRequest(op *operation, method, groupID string, query url.Values, segments ...string) *request {
	u := *c.base
	var raw strings.Builder
	raw.WriteString(strings.TrimSuffix(c.base.EscapedPath(), "/") + apiPath)
	for _, segment := range segments {
		raw.WriteString("/")
		if strings.Trim(segment, ".") == "" {
			raw.WriteString(strings.ReplaceAll(segment, ".", "%2E")) // "." and ".." would be cleaned away
		} else {
			raw.WriteString(url.PathEscape(segment))
		}
	}
	u.RawPath = raw.String()
	u.Path, _ = url.PathUnescape(u.RawPath) // it was just escaped
	u.RawQuery = query.Encode()
	return &request{op: op, method: method, groupID: groupID, url: &u}
}

// answer is a good HTTP answer, read whole.
type answer struct{ body *bytes.Buffer }

// call sends a request until it is answered or not worth sending again, and hands the body to decode, which must not
// keep it.
func (c *Client) call(ctx context.Context, r *request, decode func(body []byte) error) error {
	return c.retry(ctx, r.op, func() error {
		answered, err := c.attempt(ctx, r)
		if err != nil {
			return err
		}
		defer c.release(answered.body)
		if err := decode(answered.body.Bytes()); err != nil {
			return &Error{Endpoint: r.op.name, Kind: KindBadResponse, Err: fmt.Errorf("unusable answer: %w", err)}
		}
		return nil
	})
}

// retry calls f until it succeeds, fails for good, or has been called often enough.
func (c *Client) retry(ctx context.Context, op *operation, f func() error) error {
	for retries := 0; ; retries++ {
		err := f()
		failure, ok := errors.AsType[*Error](err)
		if !ok || !failure.retriable() || retries == c.maxRetries {
			return err
		}
		wait := backoff(retries)
		if failure.Kind == KindRateLimited {
			wait += retryAfterFloor
		}
		wait = max(wait, failure.RetryAfter)
		if deadline, ok := ctx.Deadline(); wait > longestWait || ok && time.Now().Add(wait).After(deadline) {
			return err
		}
		c.observer.Retried(op.name, failure.Kind)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if failure.Kind == KindRateLimited {
			c.observer.Throttled(op.name, wait)
		}
	}
}

// backoff doubles with each retry and is spread by half of itself to both sides, so that many requests that failed
// together are not sent again together.
func backoff(retries int) time.Duration {
	mean := firstBackoff << min(retries, 6)
	return mean/2 + rand.N(mean)
}

// attempt sends a request once, when the rate limit and the number of requests in flight allow.
func (c *Client) attempt(ctx context.Context, r *request) (*answer, error) {
	key := bucketKey{r.op.limit, r.groupID}
	waited, err := c.limits.wait(ctx, key)
	if waited > 0 {
		c.observer.Throttled(r.op.name, waited)
	}
	if err != nil {
		if refused, ok := errors.AsType[*Error](err); ok {
			refused.Endpoint = r.op.name
		}
		return nil, err
	}
	var told Optional[RateLimit]
	defer func() { c.limits.sent(key, told) }()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answered, err := c.credentials.authorize(ctx, c, r, func(authorization string) (*answer, error) {
		answered, limit, err := c.send(ctx, r, authorization)
		if limit.Set {
			told = limit
		}
		return answered, err
	})
	if failure, ok := errors.AsType[*Error](err); ok && failure.Status == http.StatusTooManyRequests && failure.Endpoint == r.op.name {
		c.limits.block(key, max(failure.RetryAfter, retryAfterFloor))
	}
	return answered, err
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type nobody struct{}

func (nobody) Exchanged(Exchange)              {}
func (nobody) Retried(string, Kind)            {}
func (nobody) Throttled(string, time.Duration) {}
