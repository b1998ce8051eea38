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
	arrived := func(t *testing.T, w *world, within time.Duration, want int) {
		t.Helper()
		time.Sleep(within) // a request that is sent too late would arrive within this time
		w.wantRequests(t, atlassim.OpGetProject, want)
	}
	wantEnd := func(t *testing.T, err error) {
		t.Helper()
		if kind, ok := atlasapi.KindOf(err); ok || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, of kind %s", err, kind)
		}
	}
	t.Run("before the first request", func(t *testing.T) {
		t.Parallel()
		withEachScheme(t, func(w *world) {
			t := w.t
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantEnd(t, w.readProject(ctx))
			arrived(t, w, 50*time.Millisecond, 0)
		}, retrying(3))
	})
	t.Run("while a retry waits", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, retrying(3))
		w.breaks(atlassim.Fault{Status: 500})
		ctx, cancel := context.WithCancel(t.Context())
		w.watch.onRetry = cancel
		wantEnd(t, w.readProject(ctx))
		arrived(t, w, 1200*time.Millisecond, 1)
	})
	t.Run("while Atlas thinks", func(t *testing.T) {
		t.Parallel()
		withEachScheme(t, func(w *world) {
			t := w.t
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			w.serves(func(_ http.ResponseWriter, r *http.Request) {
				cancel()
				<-r.Context().Done() // the client closes the connection
				close(ended)
			})
			wantEnd(t, w.readProject(ctx))
			<-ended
			want := 1
			if w.digest {
				want = 2
			}
			arrived(t, w, 800*time.Millisecond, want)
		}, retrying(3))
	})
	t.Run("by its deadline", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, retrying(10))
		w.breaks(atlassim.Fault{Status: 500})
		deadline := time.Now().Add(1500 * time.Millisecond)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		if err := w.readProject(ctx); err == nil {
			t.Error("no error")
		}
		before := w.server.Count(atlassim.OpGetProject)
		time.Sleep(time.Until(deadline))
		arrived(t, w, 1500*time.Millisecond, before)
		for _, r := range w.server.Requests() {
			if r.At.After(deadline) {
				t.Errorf("a request for %s came %s after the deadline", r.Operation, r.At.Sub(deadline))
			}
		}
	})
	t.Run("while a body comes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, retrying(3))
		ctx, cancel := context.WithCancel(t.Context())
		w.serves(func(out http.ResponseWriter, r *http.Request) {
			_, _ = out.Write([]byte(`{"id":`))
			_ = http.NewResponseController(out).Flush()
			cancel()
			<-r.Context().Done()
		})
		wantEnd(t, w.readProject(ctx))
		arrived(t, w, 800*time.Millisecond, 1)
	})
	t.Run("while all slots are taken", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *setup) { s.client.MaxConcurrentRequests = 1 })
		busy, release := make(chan struct{}), make(chan struct{})
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
		arrived(t, w, 50*time.Millisecond, 0)
		w.mustReadProject(t) // the slot is free again
	})
	t.Run("while a token is minted", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		minting, release := make(chan struct{}), make(chan struct{})
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
		wantEnd(t, w.readProject(ctx))
		close(release)
		arrived(t, w, 50*time.Millisecond, 0)
		w.mustReadProject(t)
		if got := w.server.Mints(); got != 1 {
			t.Errorf("the token that another request waited for is lost: %d tokens", got)
		}
	})
}
