package atlasapi_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestNothingIsRefused sends a burst to small buckets that do not refill: the client does not send what Atlas would refuse
// according to the headers, whether it knows them before the burst or learns them during it; and the bucket of another project
// is separate.
func TestNothingIsRefused(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{12, 30, 100} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d known %t", capacity, known), func(t *testing.T) {
				t.Parallel()
				burst(t, capacity, known)
			})
		}
	}
}

func burst(t *testing.T, capacity int, known bool) {
	t.Helper()
	w := newWorld(t, func(s *setup) {
		s.sim.RateLimits = map[atlassim.EndpointSet]atlassim.RateLimit{
			atlassim.SetProjects: {Capacity: capacity, Refill: 1, Period: 24 * time.Hour},
		}
		s.sim.Latency = func(string) time.Duration { return rand.N(3 * time.Millisecond) } // answers overtake each other
		s.client.MaxRetries = 3
	})
	projects := []string{w.project.ID, w.org.AddProject("other").ID}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if known {
		for _, id := range projects {
			if _, err := w.client.Project(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	var next atomic.Int32
	concurrently(2*capacity*len(projects), func() {
		id := projects[int(next.Add(1))%len(projects)]
		if _, err := w.client.Project(ctx, id); err != nil {
			wantFailure(t, err, atlassim.OpGetProject, atlasapi.KindRateLimited)
		}
	})
	answered := map[string]int{}
	for _, r := range w.server.Requests() {
		answered[fmt.Sprint(path.Base(r.Path), " ", r.Status)]++
	}
	for _, id := range projects {
		if refused, good := answered[id+" 429"], answered[id+" 200"]; refused != 0 || good < capacity/2 {
			t.Errorf("%d requests of one project were refused and %d answered", refused, good)
		}
	}
}

// TestBuckets uses up one bucket of a project, and checks that the others are unaffected.
func TestBuckets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setup) {
		s.sim.RateLimits = map[atlassim.EndpointSet]atlassim.RateLimit{
			atlassim.SetCloudBackups: {Capacity: 1, Refill: 1, Period: 24 * time.Hour},
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := w.client.Schedule(ctx, w.project.ID, clusterName); err != nil {
		t.Fatal(err)
	}
	inSet := map[string]bool{}
	for _, route := range atlassim.Routes() {
		inSet[route.Operation] = route.Set == atlassim.SetCloudBackups
	}
	for _, e := range endpoints() {
		err := e.fails(ctx, w)
		if !inSet[e.operation] {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantFailure(t, err, e.operation, atlasapi.KindRateLimited)
		if e.operation != atlassim.OpGetBackupSchedule {
			w.wantRequests(t, e.operation, 0)
		}
	}
}

// TestOddLimits checks that unusable headers delay nothing.
func TestOddLimits(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{
		{"Ratelimit-Limit": {"1200"}},
		{"Ratelimit-Remaining": {"0"}},
		{"Ratelimit-Limit": {"0"}, "Ratelimit-Remaining": {"0"}},
		{"Ratelimit-Limit": {"many"}, "Ratelimit-Remaining": {"few"}},
		{"Ratelimit-Limit": {"-1"}, "Ratelimit-Remaining": {"-1"}},
		{"Ratelimit-Limit": {"NaN"}, "Ratelimit-Remaining": {"NaN"}},
		{"Ratelimit-Limit": {"1e3"}, "Ratelimit-Remaining": {"0x0"}},
	} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			w := newWorld(t, func(s *setup) { s.sim.NoRateLimits = true })
			w.breaks(atlassim.Fault{Status: 200, Body: fixture(t, "project.json"), Header: header})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 50 {
				if err := w.readProject(ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestConcurrency checks the limit of the requests in flight: there are as many as there are slots, and one more waits.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{0: 8, 3: 3} {
		t.Run(fmt.Sprintf("%d given", given), func(t *testing.T) {
			w := newWorld(t, func(s *setup) { s.client.MaxConcurrentRequests = given })
			w.mustReadProject(t) // the first request of a bucket may be sent alone
			gate := make(chan struct{})
			arrived := make(chan struct{}, 2*want)
			body := []byte(fixture(t, "project.json"))
			w.serves(func(out http.ResponseWriter, _ *http.Request) {
				arrived <- struct{}{}
				<-gate
				_, _ = out.Write(body)
			})
			var all sync.WaitGroup
			for range want + 1 {
				all.Go(func() {
					if err := w.readProject(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			for range want {
				<-arrived
			}
			time.Sleep(50 * time.Millisecond) // one too many would arrive within this
			if len(arrived) != 0 {
				t.Errorf("more than %d concurrent requests", want)
			}
			close(gate)
			all.Wait()
		})
	}
}
