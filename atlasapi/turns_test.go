package atlasapi

import (
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

// TestHangEnds checks that each attempt ends at the request timeout, whatever was received by then and however many exchanges
// it took.
func TestHangEnds(t *testing.T) {
	t.Parallel()
	for name, hang := range hangs() {
		for _, challenged := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, challenged %t", name, challenged), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := clientOn(t, Options{RequestTimeout: 30 * time.Second}, func(req *http.Request) *http.Response {
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
	hung func(group, endpoint string) bool
	mu   sync.Mutex
	most int // requests in flight
	now  int
}

// fleetList is a list that is read again and again.
type fleetList struct {
	group, endpoint string
	oldest          time.Duration // that it grew
	refreshes       int
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
				f := &fleet{}
				f.hung = func(group, endpoint string) bool {
					if time.Since(began) < test.from {
						return false
					}
					hangs := strings.HasPrefix(group, "hung") || test.hanging == 0
					return hangs && (test.endpoint == "" || endpoint == test.endpoint || test.hanging == 0 && endpoint == "snapshots")
				}
				c := clientOn(t, Options{MaxConcurrentRequests: test.requests, MaxRetries: 1}, f.answer)
				ctx, cancel := context.WithTimeout(t.Context(), length)
				defer cancel()
				var all sync.WaitGroup
				var lists []*fleetList
				keep := func(list *fleetList, read func(context.Context) error) {
					last := time.Now()
					for ctx.Err() == nil {
						if read(ctx) == nil {
							list.oldest = max(list.oldest, time.Since(last))
							list.refreshes++
							last = time.Now()
						}
						_ = sleep(ctx, interval)
					}
					list.oldest = max(list.oldest, time.Since(last))
				}
				watch := func(group, cluster string) {
					for endpoint, read := range map[string]func(context.Context) error{
						"exports": func(ctx context.Context) error {
							return failing(c.ExportJobs(group, cluster).Page(ctx, 1, MaxPageSize))
						},
						"restoreJobs": func(ctx context.Context) error {
							return failing(c.RestoreJobs(group, cluster).Page(ctx, 1, MaxPageSize))
						},
						"snapshots": func(ctx context.Context) error { return failing(c.Snapshots(group, cluster).Page(ctx, 1, MaxPageSize)) },
					} {
						list := &fleetList{group: group, endpoint: endpoint}
						lists = append(lists, list)
						all.Go(func() { keep(list, read) })
					}
				}
				for cluster := range clusters {
					for i := range test.hanging {
						watch(fmt.Sprint("hung", i), fmt.Sprint("c", cluster))
					}
					for i := range healthy {
						watch(fmt.Sprint("healthy", i), fmt.Sprint("c", cluster))
					}
				}
				all.Wait()
				if f.most > test.requests {
					t.Errorf("%d requests in flight, want at most %d", f.most, test.requests)
				}
				worst, least := time.Duration(0), 1<<30
				for _, list := range lists {
					if !f.hung(list.group, list.endpoint) {
						worst, least = max(worst, list.oldest), min(least, list.refreshes)
					}
				}
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
		return answering(http.StatusOK, http.Header{"Ratelimit-Limit": {"1200"}, "Ratelimit-Remaining": {"1199"}}, []byte(`{"results":[]}`))
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
