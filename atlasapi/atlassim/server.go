package atlassim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options configure a server. The zero value has no credentials, and refuses every request.
type Options struct {
	// Address is the address that Start listens on; 127.0.0.1 and a free port by default.
	Address string
	// CentralURL is the scheme and host of every link in an answer: https://cloud.mongodb.com by default, not the
	// address of this server. A client that followed the links would send its credentials to another host.
	CentralURL string
	// ServiceAccounts and APIKeys are the valid credentials.
	ServiceAccounts []ServiceAccount
	APIKeys         []APIKey
	// Digest is how long the nonces of digest authentication are valid.
	Digest DigestPolicy
	// TokenLifetime is how long an access token is valid, an hour by default.
	TokenLifetime time.Duration
	// TokenLimit is the number of unexpired tokens that a service account may have, 100 by default.
	TokenLimit int
	// TokenRate limits the requests for access tokens; the zero value sets no limit.
	TokenRate TokenRate
	// RoleMissing is the answer to a credential without the required role; 401 USER_UNAUTHORIZED by default.
	RoleMissing Refusal
	// RateLimits replaces the default token buckets of endpoint sets.
	RateLimits map[EndpointSet]RateLimit
	// NoRateLimits disables the token buckets and their headers.
	NoRateLimits bool
	// Latency returns how long an operation takes on the wall clock; nil adds nothing. See RecordedLatency.
	Latency func(operation string) time.Duration
	// ShortPages is the number of items to hide on the first page of an operation's lists. totalCount includes them.
	// Atlas does the same with items that the credential may not see. At most a whole page is hidden.
	ShortPages map[string]int
	// Deprecations adds the headers of a deprecated version to the answers of an operation.
	Deprecations map[string]Deprecation
	// BeforePage is called before each page of a list. It may change the organization.
	BeforePage func(operation string, page int)
	// CachePages caches the pages of lists that have only generated jobs, so that a benchmark measures its client and
	// not this server. These jobs must not depend on the time.
	CachePages bool
	// RecordLimit is the number of requests that are kept, 10,000 by default. The counters have no limit.
	RecordLimit int
}

// Deprecation has the dates since which a version is deprecated, and on which it ends. A zero date is not sent.
type Deprecation struct {
	Deprecated, Sunset time.Time
}

// Server is an HTTP server for an organization. It is also an http.Handler, for callers with their own listener.
type Server struct {
	org       *Organization
	options   Options
	resources []resource
	access    *access
	limits    *rateLimits
	tokenRate tokenRates
	faults    faults
	requests  *requestLog
	buffers   sync.Pool
	pages     pageCache

	mu         sync.Mutex
	beforePage func(operation string, page int)
	server     *http.Server
	listener   net.Listener
	done       chan struct{}
}

// NewServer returns a server that is not started.
func NewServer(org *Organization, options Options) *Server {
	if options.Address == "" {
		options.Address = "127.0.0.1:0"
	}
	if options.CentralURL == "" {
		options.CentralURL = "https://cloud.mongodb.com"
	}
	if options.RoleMissing.Status == 0 {
		options.RoleMissing = UserUnauthorized()
	}
	if options.RecordLimit == 0 {
		options.RecordLimit = 10000
	}
	return &Server{
		org: org, options: options, resources: resources(),
		access: newAccess(options), limits: newRateLimits(options), tokenRate: tokenRates{TokenRate: options.TokenRate},
		requests: newRequestLog(options.RecordLimit), beforePage: options.BeforePage,
	}
}

// Organization returns the served organization.
func (s *Server) Organization() *Organization { return s.org }

// SetBeforePage replaces Options.BeforePage.
func (s *Server) SetBeforePage(hook func(operation string, page int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beforePage = hook
}

// Start listens, and serves until Close.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return errors.New("simulated atlas is already started")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.options.Address)
	if err != nil {
		return fmt.Errorf("simulated atlas cannot listen: %w", err)
	}
	s.listener = listener
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener) // always http.ErrServerClosed, after Close
	}()
	return nil
}

// URL returns the server's base URL, without a path; "" before Start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String()
}

// Close stops listening and closes every connection.
func (s *Server) Close() error {
	s.mu.Lock()
	server, done := s.server, s.done
	s.mu.Unlock()
	if server == nil {
		return nil
	}
	err := server.Close()
	<-done
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.newCall(r)
	out := s.requests.begin(w, r, c.operation())
	if s.faults.answer(out, r, c.operation(), false) || s.linger(r, c.operation()) != nil {
		return
	}
	switch c.operation() {
	case OpToken:
		if refused := s.tokenRate.take(r, s.org.clock.Now()); refused != nil {
			s.write(out, *refused)
			return
		}
		s.write(out, s.access.mint(r, s.org.clock.Now()))
		return
	case OpRevokeToken:
		s.write(out, s.access.revoke(r))
		return
	}
	principal, challenge := s.access.authenticate(r, s.org.clock.Now())
	if challenge != nil {
		s.write(out, *challenge)
		return
	}
	c.principal = principal
	out.signedIn()
	if s.faults.answer(out, r, c.operation(), true) {
		return
	}
	s.write(out, s.answer(c))
}

// linger waits for the latency of an operation. It returns an error if the client gives up first.
func (s *Server) linger(r *http.Request, operation string) error {
	if s.options.Latency == nil {
		return nil
	}
	return sleep(r.Context(), s.options.Latency(operation))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// reply is an answer that was not sent yet.
type reply struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
	pooled      *[]byte // the buffer to return to the pool after the body is sent
}

// write sends a reply. It ignores errors, because the client may have disconnected.
func (s *Server) write(out *responseRecorder, answer reply) {
	header := out.Header()
	maps.Copy(header, answer.header)
	header.Set("Content-Type", answer.contentType)
	header.Set("Content-Length", strconv.Itoa(len(answer.body)))
	header.Set("Server", "mdbws")
	out.WriteHeader(answer.status)
	_, _ = out.Write(answer.body)
	if answer.pooled != nil {
		*answer.pooled = answer.body[:0]
		s.buffers.Put(answer.pooled)
	}
}

// base returns the URL of the API's root, for links.
func (s *Server) base() string { return s.options.CentralURL + basePath }

const basePath = "/api/atlas/v2"

// RecordedLatency returns the median duration of an operation at Atlas, without the network, for Options.Latency.
func RecordedLatency(operation string) time.Duration {
	switch operation {
	case OpListProjects:
		return 280 * time.Millisecond
	case OpListClusters:
		return 244 * time.Millisecond
	case OpGetBackupSchedule, OpListBackupExports, OpGetBackupExport:
		return 70 * time.Millisecond
	case OpListBackupSnapshots, OpListShardedBackupSnapshots:
		return 78 * time.Millisecond
	case OpListExportBuckets, OpListFlexSnapshots, OpListFlexRestores:
		return 89 * time.Millisecond
	}
	return 77 * time.Millisecond
}

// failure returns an error in Atlas's form. parameters are inserted into its detail.
func failure(status int, code string, parameters ...any) reply {
	return failureBody(wireError{
		Detail: detailOf(code, parameters), Error: status, ErrorCode: code, Parameters: parameters,
		Reason: http.StatusText(status),
	})
}

func failureBody(body wireError) reply {
	answer := reply{status: body.Error, contentType: "application/json", header: http.Header{}, body: encode(body)}
	if body.ErrorCode != "" {
		answer.header.Set("X-Error-Code", body.ErrorCode)
	}
	return answer
}

// httpDate formats a date as Atlas does in Deprecation and Sunset: the day of the month has no leading zero, although
// RFC 9110 demands one.
func httpDate(t time.Time) string {
	return strings.Replace(t.UTC().Format("Mon, 2 Jan 2006 15:04:05 UTC"), "UTC", "GMT", 1)
}
