// Package atlasapi is a client for the backup part of the MongoDB Atlas Administration API: snapshots, schedules,
// export jobs, restore jobs and the runs of Data Lake pipelines, which MongoDB ended in September 2025. It knows HTTP,
// credentials, paging, retries, rate limits and the shapes of Atlas's answers; it knows nothing of metrics.
package atlasapi

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	apiPath = "/api/atlas/v2"
	// firstBackoff is the mean wait before the first retry; it doubles with each.
	firstBackoff = 500 * time.Millisecond
)

// Options configure a client. BaseURL and Credentials are required.
type Options struct {
	// BaseURL is the address of Atlas, such as https://cloud.mongodb.com. The client sends requests to no other host.
	BaseURL     *url.URL
	Credentials Credentials
	// Limits is the state of the rate limits, to keep across clients. nil starts with an empty one.
	Limits *Limits
	// UserAgent is the value of the User-Agent header: the program's name and version.
	UserAgent string
	// MaxConcurrentRequests bounds the requests in flight; 0 means 8.
	MaxConcurrentRequests int
	// RequestTimeout bounds one HTTP request, including its answer's body; 0 means 30 s.
	RequestTimeout time.Duration
	// MaxRetries is how often a request is retried that failed for a temporary reason.
	MaxRetries int
	// Observer observes every request; nil observes nothing.
	Observer Observer
	// RefreshSecret reads the secret of the credentials again, for example from its file. The client calls it when
	// Atlas rejects the credentials. If it returns a different secret, the client tries that once before the request
	// fails. Calls do not overlap. nil reads nothing.
	RefreshSecret func(context.Context) (Secret, error)
}

// Client reads from Atlas. It sends only GET requests and the request for a token. Its methods are safe for concurrent
// use.
type Client struct {
	base        *url.URL
	credentials Credentials
	limits      *Limits
	userAgent   string
	timeout     time.Duration
	maxRetries  int
	observer    Observer
	readSecret  func(context.Context) (Secret, error)
	secretReads singleflight.Group
	transport   *http.Transport
	turns       *turns
	answers     sync.Pool
	closed      atomic.Bool
}

// New returns a client. It sends nothing.
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
		o.Observer = nopObserver{}
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
		readSecret:  o.RefreshSecret,
		turns:       newTurns(o.MaxConcurrentRequests),
		answers:     sync.Pool{New: func() any { return new(answer) }},
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

// Close closes the client's idle connections, and from then on each connection after its request. A reading that still
// uses a replaced client therefore leaves no connection open.
func (c *Client) Close() {
	c.closed.Store(true)
	c.transport.CloseIdleConnections()
}

// Forget drops the state of a project that no longer exists.
func (c *Client) Forget(groupID string) {
	c.limits.Forget(groupID)
	c.turns.forget(groupID)
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

// version returns the date of the requested API version, "" for an endpoint without versions.
func (o *operation) version() string {
	date, versioned := strings.CutPrefix(o.accept, versionPrefix)
	if !versioned {
		return ""
	}
	return strings.TrimSuffix(date, versionSuffix)
}

// Endpoints returns the name of every operation of a Client, as metrics, errors and exchanges use it.
func Endpoints() []string {
	operations := []*operation{
		opToken, opListProjects, opGetProject, opListClusters, opListFlexClusters, opListPipelines, opListExportBuckets,
		opGetSchedule, opListSnapshots, opListShardedSnapshots, opListExports, opListRestores, opListCollectionRestores,
		opListFlexSnapshots, opListFlexRestores, opListRuns,
	}
	names := make([]string, len(operations))
	for i, op := range operations {
		names[i] = op.name
	}
	return names
}

type request struct {
	op          *operation
	method      string
	groupID     string
	url         *url.URL
	body        []byte
	contentType string
	reported    Optional[RateLimit] // in the last answer
}

// newRequest builds a request from path segments. It escapes each as a whole, because a pipeline's name may contain "?"
// and "#".
func (c *Client) newRequest(op *operation, method, groupID string, query url.Values, segments ...string) *request {
	var path strings.Builder
	path.WriteString(apiPath)
	for _, segment := range segments {
		path.WriteString("/")
		if strings.Trim(segment, ".") == "" {
			path.WriteString(strings.ReplaceAll(segment, ".", "%2E")) // otherwise "." and ".." would be removed from the path
		} else {
			path.WriteString(url.PathEscape(segment))
		}
	}
	u := c.below(path.String())
	u.RawQuery = query.Encode()
	return &request{op: op, method: method, groupID: groupID, url: u}
}

// below returns the URL of an escaped path below the base URL.
func (c *Client) below(path string) *url.URL {
	u := *c.base
	u.RawPath = strings.TrimSuffix(c.base.EscapedPath(), "/") + path
	u.Path, _ = url.PathUnescape(u.RawPath) // it was just escaped
	return &u
}

type nopObserver struct{}

func (nopObserver) Exchanged(Exchange)              {}
func (nopObserver) Retried(string, Kind)            {}
func (nopObserver) Throttled(string, time.Duration) {}
