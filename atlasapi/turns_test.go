package atlasapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// silence is a body that sends nothing, or one byte a second for ever.
type silence struct {
	ctx  context.Context //nolint:containedctx // of the request whose answer it is
	drip bool
}

func (s silence) Read(p []byte) (int, error) {
	if s.drip {
		select {
		case <-time.After(time.Second):
			p[0] = ' '
			return 1, nil
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// hangs are the ways in which an endpoint accepts a request and does not answer it.
func hangs() map[string]func(*http.Request) *http.Response {
	answer := func(req *http.Request, drip bool) *http.Response {
		resp := answering(http.StatusOK, nil, nil)
		resp.Body = io.NopCloser(silence{req.Context(), drip})
		return resp
	}
	return map[string]func(*http.Request) *http.Response{
		"accepts and is silent": func(req *http.Request) *http.Response {
			<-req.Context().Done()
			return nil
		},
		"headers and no body": func(req *http.Request) *http.Response { return answer(req, false) },
		"one byte a second":   func(req *http.Request) *http.Response { return answer(req, true) },
		"headers of an error": func(req *http.Request) *http.Response {
			resp := answer(req, false)
			resp.StatusCode = http.StatusBadGateway
			return resp
		},
	}
}

// hanging is a RoundTripper whose wire may answer nothing.
type hanging func(*http.Request) *http.Response

func (h hanging) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := h(req)
	if resp == nil {
		return nil, req.Context().Err()
	}
	resp.Request, resp.Proto, resp.ProtoMajor, resp.ProtoMinor = req, "HTTP/1.1", 1, 1
	return resp, nil
}

// clientOnHanging is clientOn with a wire that may hang.
func clientOnHanging(tb testing.TB, o Options, h hanging) *Client {
	tb.Helper()
	c := clientOn(tb, o, nil)
	c.transport = &http.Transport{}
	c.transport.RegisterProtocol("http", h)
	return c
}

// TestHangEnds checks that each attempt ends at the request timeout, whatever was received by then and however many exchanges
// it took.
func TestHangEnds(t *testing.T) {
	t.Parallel()
	for name, hang := range hangs() {
		for _, challenged := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, challenged %t", name, challenged), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := clientOnHanging(t, Options{RequestTimeout: 30 * time.Second}, func(req *http.Request) *http.Response {
						if challenged && req.Header.Get("Authorization") == "" {
							time.Sleep(20 * time.Second)
							return answering(http.StatusUnauthorized, http.Header{"Www-Authenticate": {`Digest realm="r", nonce="n", qop="auth"`}}, nil)
						}
						return hang(req)
					})
					began := time.Now()
					_, err := c.Projects().Page(t.Context(), 1, MaxPageSize)
					kind, _ := KindOf(err)
					if took := time.Since(began); took != 30*time.Second || kind != KindTimeout && kind != KindServerError {
						t.Errorf("after %s: %v", took, err)
					}
				})
			})
		}
	}
}

// fleet is an Atlas of some projects, of which some hang: all of each, or one endpoint of it.
type fleet struct {
	hung  func(group, endpoint string) bool
	mu    sync.Mutex
	reads map[string]int // answered requests by project
	most  int            // requests in flight
	now   int
}

func (f *fleet) answer(req *http.Request) *http.Response {
	f.mu.Lock()
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	parts := strings.Split(strings.TrimPrefix(req.URL.Path, apiPath+"/"), "/")
	group, endpoint := parts[1], parts[len(parts)-1]
	if f.hung(group, endpoint) {
		<-req.Context().Done()
		return nil
	}
	time.Sleep(100 * time.Millisecond)
	f.mu.Lock()
	f.reads[group]++
	f.mu.Unlock()
	return answering(http.StatusOK, nil, []byte(`{"results":[]}`))
}

// TestHangStarvesNoOther checks healthy projects and endpoints beside others that hang, from the beginning or after a while,
// where each list is read again 30 s after it was read. No healthy list may be older than 3 such intervals, except while it is
// still unknown what hangs: each project that hangs costs one request its timeout, and the requests are limited.
func TestHangStarvesNoOther(t *testing.T) {
	t.Parallel()
	const (
		healthy, clusters = 4, 5
		interval          = 30 * time.Second
		length            = 15 * time.Minute
	)
	for _, test := range []struct {
		name     string
		hanging  int
		requests int
		endpoint string // that hangs alone, "" for all
		from     time.Duration
		most     int // intervals that a healthy list may be old
	}{
		{"one project", 1, 8, "", 0, 3},
		{"one project later", 1, 8, "", 5 * time.Minute, 3},
		{"five projects", 5, 8, "", 0, 3},
		{"five projects later", 5, 8, "", 5 * time.Minute, 3},
		{"thirty projects", 30, 8, "", 0, 3 + 30/8},
		{"thirty projects later", 30, 8, "", 5 * time.Minute, 3 + 30/8},
		{"two projects, two requests", 2, 2, "", 5 * time.Minute, 4},
		{"one endpoint everywhere", 30, 8, "restoreJobs", 0, 3 + 30/8},
		{"one endpoint everywhere later", 30, 8, "restoreJobs", 5 * time.Minute, 3 + 30/8},
		{"two endpoints of the only projects", 0, 8, "restoreJobs", 5 * time.Minute, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && test.hanging > 5 {
				t.Skip("thirty projects take seconds")
			}
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				f := &fleet{reads: map[string]int{}}
				f.hung = func(group, endpoint string) bool {
					if time.Since(began) < test.from {
						return false
					}
					hangs := strings.HasPrefix(group, "hung") || test.hanging == 0
					return hangs && (test.endpoint == "" || endpoint == test.endpoint || test.hanging == 0 && endpoint == "snapshots")
				}
				c := clientOnHanging(t, Options{MaxConcurrentRequests: test.requests, MaxRetries: 1}, f.answer)
				ctx, cancel := context.WithTimeout(t.Context(), length)
				defer cancel()
				oldest, refreshes := map[string]time.Duration{}, map[string]int{}
				var mu sync.Mutex
				var all sync.WaitGroup
				keep := func(group, cluster, endpoint string, read func(context.Context) error) {
					all.Go(func() {
						last, name := time.Now(), group+" "+cluster+" "+endpoint
						for ctx.Err() == nil {
							if read(ctx) == nil {
								mu.Lock()
								oldest[name] = max(oldest[name], time.Since(last))
								refreshes[name]++
								mu.Unlock()
								last = time.Now()
							}
							_ = sleep(ctx, interval)
						}
						mu.Lock()
						oldest[name] = max(oldest[name], time.Since(last))
						mu.Unlock()
					})
				}
				watch := func(group string) {
					for i := range clusters {
						cluster := fmt.Sprint("c", i)
						keep(group, cluster, "exports", func(ctx context.Context) error {
							_, err := c.ExportJobs(group, cluster).Page(ctx, 1, MaxPageSize)
							return err
						})
						keep(group, cluster, "restoreJobs", func(ctx context.Context) error {
							_, err := c.RestoreJobs(group, cluster).Page(ctx, 1, MaxPageSize)
							return err
						})
						keep(group, cluster, "snapshots", func(ctx context.Context) error {
							_, err := c.Snapshots(group, cluster).Page(ctx, 1, MaxPageSize)
							return err
						})
					}
				}
				for i := range test.hanging {
					watch(fmt.Sprint("hung", i))
				}
				for i := range healthy {
					watch(fmt.Sprint("healthy", i))
				}
				all.Wait()
				if f.most > test.requests {
					t.Errorf("%d requests in flight, want at most %d", f.most, test.requests)
				}
				worst, least := time.Duration(0), 1<<30
				for name, age := range oldest {
					group, endpoint, _ := strings.Cut(name, " ")
					endpoint = endpoint[strings.Index(endpoint, " ")+1:]
					if f.hung(group, endpoint) {
						continue
					}
					worst, least = max(worst, age), min(least, refreshes[name])
				}
				t.Logf("the oldest list grew %s old, and the least refreshed one was refreshed %d times", worst, least)
				if worst > time.Duration(test.most)*interval+time.Second || least < int(length/interval)/3 {
					t.Errorf("the oldest list grew %s old, and the least refreshed one was refreshed %d times", worst, least)
				}
			})
		})
	}
}

// TestHungEndpointRecovers checks that one answer is enough for an endpoint to get all its turns again, and that there is a
// limit to the wait for an endpoint that hangs.
func TestHungEndpointRecovers(t *testing.T) {
	t.Parallel()
	turns, key := newTurns(4), lineKey{"list", "g"}
	take := func() *turn {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		own, err := turns.take(ctx, key)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		return own
	}
	first := take()
	turns.done(first, outcomeHung)
	probe := take()
	if probe == nil || take() != nil {
		t.Fatal("an endpoint that hangs does not get exactly one turn")
	}
	turns.done(probe, outcomeNone)
	if probe = take(); probe == nil || take() != nil {
		t.Fatal("a refused connection counts as an answer")
	}
	turns.done(probe, outcomeAnswered)
	for range 4 {
		if take() == nil {
			t.Fatal("an endpoint that is answered again gets fewer turns")
		}
	}
	if take() != nil || turns.inFlight[lineTrusted] != 4 || len(turns.waiting) != 0 {
		t.Errorf("%v in flight, %d wait", turns.inFlight, len(turns.waiting))
	}
}

func TestHungEndpointIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, key := newTurns(1), lineKey{"list", "g"}
		own, err := turns.take(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		turns.done(own, outcomeHung)
		if own, err = turns.take(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = turns.take(t.Context(), key)
		failure, ok := errors.AsType[*Error](err)
		if !ok || failure.Kind != KindTimeout || failure.Endpoint != "list" || failure.retriable() || time.Since(began) != longestWait {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		turns.done(own, outcomeAnswered)
		if own, err = turns.take(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		// There is no limit to the wait for one that is answered.
		time.AfterFunc(10*longestWait, func() { turns.done(own, outcomeAnswered) })
		if _, err = turns.take(t.Context(), key); err != nil {
			t.Error(err)
		}
	})
}

// TestForget counts what is kept of projects that came and went.
func TestForget(t *testing.T) {
	t.Parallel()
	c := clientOn(t, Options{}, func(*http.Request) *http.Response {
		return answering(http.StatusOK, http.Header{"Ratelimit-Limit": {"1200"}, "Ratelimit-Remaining": {"1199"}}, bytes.Clone([]byte(`{"results":[]}`)))
	})
	for i := range 100 {
		group := fmt.Sprintf("%024x", i)
		for _, err := range []error{
			failing(c.ExportJobs(group, "c").Page(t.Context(), 1, 1)), failing(c.FlexClusters(group).Page(t.Context(), 1, 1)),
			failing(c.Clusters(group).Page(t.Context(), 1, 1)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if i > 0 {
			c.Forget(group)
		}
	}
	if len(c.limits.buckets) != 3 || len(c.turns.lines) != 3 || len(c.turns.projects) != 0 {
		t.Errorf("%d buckets and %d lines are kept, and %d projects have requests in flight",
			len(c.limits.buckets), len(c.turns.lines), len(c.turns.projects))
	}
	// A bucket with a request in flight stays until that is over, so that it is not counted twice.
	key := bucketKey{setBackups, "g"}
	if _, err := c.limits.wait(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	c.limits.Forget("g")
	c.limits.sent(key, Optional[RateLimit]{})
	c.limits.Forget("g")
	if len(c.limits.buckets) != 3 {
		t.Errorf("%d buckets are kept", len(c.limits.buckets))
	}
}

func failing[T any](_ T, err error) error { return err }
