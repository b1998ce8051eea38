package atlasapi_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// TestContextEnds checks that a request ends with its context, whatever it is doing, and that nothing is sent afterwards.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	arrived := func(w *world, within time.Duration) int {
		w.t.Helper()
		time.Sleep(within) // a request that is sent too late would arrive within this time
		return w.server.Count(atlassim.OpGetProject)
	}
	t.Run("before the first request", func(t *testing.T) {
		t.Parallel()
		for name, digest := range schemes() {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, func(s *setup) { s.digest, s.client.MaxRetries = digest, 3 })
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := w.readProject(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				if got := arrived(w, 50*time.Millisecond); got != 0 {
					t.Errorf("%d requests", got)
				}
			})
		}
	})
	t.Run("while a retry waits", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *setup) { s.client.MaxRetries = 3 })
		w.server.Inject(atlassim.Fault{Operation: atlassim.OpGetProject, Authenticated: true, Status: 500})
		ctx, cancel := context.WithCancel(t.Context())
		w.watch.onRetry = cancel
		err := w.readProject(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if kind, ok := atlasapi.KindOf(err); ok {
			t.Errorf("the end of the context is of kind %s", kind)
		}
		if got := arrived(w, 1200*time.Millisecond); got != 1 {
			t.Errorf("%d requests", got)
		}
	})
	t.Run("while Atlas thinks", func(t *testing.T) {
		t.Parallel()
		for name, digest := range schemes() {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, func(s *setup) { s.digest, s.client.MaxRetries = digest, 3 })
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				w.server.Inject(atlassim.Fault{
					Operation: atlassim.OpGetProject, Authenticated: true,
					Handler: func(_ http.ResponseWriter, r *http.Request) {
						cancel()
						<-r.Context().Done() // the client closes the connection
						close(ended)
					},
				})
				if err := w.readProject(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				<-ended
				want := 1
				if digest {
					want = 2
				}
				if got := arrived(w, 800*time.Millisecond); got != want {
					t.Errorf("%d requests, want %d", got, want)
				}
			})
		}
	})
	t.Run("by its deadline", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *setup) { s.client.MaxRetries = 10 })
		w.server.Inject(atlassim.Fault{Operation: atlassim.OpGetProject, Authenticated: true, Status: 500})
		deadline := time.Now().Add(1500 * time.Millisecond)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		if err := w.readProject(ctx); err == nil {
			t.Error("no error")
		}
		before := w.server.Count(atlassim.OpGetProject)
		time.Sleep(time.Until(deadline))
		if got := arrived(w, 1500*time.Millisecond); got != before {
			t.Errorf("%d requests by the end, %d after it", before, got)
		}
		for _, r := range w.server.Requests() {
			if r.At.After(deadline) {
				t.Errorf("a request for %s came %s after the deadline", r.Operation, r.At.Sub(deadline))
			}
		}
	})
	t.Run("while a body comes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *setup) { s.client.MaxRetries = 3 })
		ctx, cancel := context.WithCancel(t.Context())
		w.server.Inject(atlassim.Fault{
			Operation: atlassim.OpGetProject, Authenticated: true,
			Handler: func(out http.ResponseWriter, r *http.Request) {
				_, _ = out.Write([]byte(`{"id":`))
				_ = http.NewResponseController(out).Flush()
				cancel()
				<-r.Context().Done()
			},
		})
		if err := w.readProject(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if got := arrived(w, 800*time.Millisecond); got != 1 {
			t.Errorf("%d requests", got)
		}
	})
	t.Run("while all slots are taken", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *setup) { s.client.MaxConcurrentRequests = 1 })
		busy := make(chan struct{})
		release := make(chan struct{})
		w.server.Inject(atlassim.Fault{
			Operation: atlassim.OpListPipelines, Authenticated: true,
			Handler: func(out http.ResponseWriter, _ *http.Request) {
				close(busy)
				<-release
				_, _ = out.Write([]byte("[]"))
			},
		})
		first := make(chan error)
		go func() {
			_, err := w.client.Pipelines(t.Context(), w.project.ID)
			first <- err
		}()
		<-busy
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := w.readProject(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if got := arrived(w, 50*time.Millisecond); got != 0 {
			t.Errorf("%d requests", got)
		}
		if err := w.readProject(t.Context()); err != nil {
			t.Errorf("the slot is not free again: %v", err)
		}
	})
	t.Run("while a token is minted", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		minting := make(chan struct{})
		release := make(chan struct{})
		w.server.Inject(atlassim.Fault{Operation: atlassim.OpToken, Times: 1, Match: func(*http.Request) bool {
			close(minting)
			<-release
			return false
		}})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-minting
			cancel()
		}()
		if err := w.readProject(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		close(release)
		if got := arrived(w, 50*time.Millisecond); got != 0 {
			t.Errorf("%d requests", got)
		}
		if err := w.readProject(t.Context()); err != nil || w.server.Mints() != 1 {
			t.Errorf("the token that another request waited for is lost: %d tokens (%v)", w.server.Mints(), err)
		}
	})
}
