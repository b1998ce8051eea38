package collector

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// listed declares the targets of these tests.
var listed = &Declaration{Name: "backup_exports", Configurable: true} //nolint:gochecknoglobals // never changes

// testPolicy reads the targets that have a reader and are due.
type testPolicy struct {
	dueAt  func(*target) (time.Time, bool)
	readAs func(*target) // instead of the target's own reader
}

func (p *testPolicy) due(t *target) (time.Time, bool) { return p.dueAt(t) }

func (p *testPolicy) read(ctx context.Context, t *target) context.Context {
	if p.readAs != nil {
		p.readAs(t)
	} else {
		t.refresh(ctx, nil)
	}
	return context.Background()
}

func (p *testPolicy) children(*target) []*target { return nil }

func always(*target) (time.Time, bool) { return time.Time{}, true }

func all(*target) bool { return true }

// slowReader takes a second, and records when it began.
type slowReader struct{ reads []time.Time }

func (r *slowReader) read(ctx context.Context, _ *settings) error {
	r.reads = append(r.reads, time.Now())
	return sleepFor(ctx, time.Second)
}

func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// TestNoTargetStarves checks that every target is read although there are more, some of them busy, than can be read between
// scrapes. Time is simulated.
func TestNoTargetStarves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const count, busy, atOnce = 300, 60, readsPerRequest
		r := newRefresher(&testPolicy{dueAt: func(t *target) (time.Time, bool) { return t.currentStatus().attempted, true }})
		r.setRequests(1)
		targets := make([]*target, count)
		readers := make([]*slowReader, count)
		for i := range targets {
			readers[i] = &slowReader{}
			targets[i] = &target{Declaration: listed, reader: readers[i], busy: func() bool { return i < busy }}
		}
		began := time.Now()
		const scrapes = 60
		for range scrapes {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			r.wait(ctx, r.begin(targets, "", all))
			cancel()
			time.Sleep(time.Until(began.Add(10 * time.Second)))
			began = began.Add(10 * time.Second)
		}
		end := time.Now()
		r.stop()

		// Without priorities, each target would be read every count/atOnce seconds. The busy ones take a part of that.
		turn := time.Duration(count/atOnce+1) * time.Second
		longest := func(readers []*slowReader) (longest time.Duration) {
			for _, reader := range readers {
				times := append(slices.Clone(reader.reads), end)
				for i := 1; i < len(times); i++ {
					longest = max(longest, times[i].Sub(times[i-1]))
				}
			}
			return longest
		}
		if quiet := longest(readers[busy:]); quiet > 2*turn {
			t.Errorf("a target was not read for %s; without priorities it would be read every %s", quiet, turn)
		}
		reads := func(readers []*slowReader) (n int) {
			for _, reader := range readers {
				n += len(reader.reads)
			}
			return n
		}
		if hurried, quiet := reads(readers[:busy])/busy, reads(readers[busy:])/(count-busy); hurried <= quiet {
			t.Errorf("busy targets were read %d times, the others %d times", hurried, quiet)
		}
	})
}

// TestScrapesShareReadings checks that concurrent scrapes wait for the same readings.
func TestScrapesShareReadings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRefresher(&testPolicy{dueAt: always})
		r.setRequests(1)
		readers := make([]*slowReader, 20)
		targets := make([]*target, len(readers))
		for i := range targets {
			readers[i] = &slowReader{}
			targets[i] = &target{Declaration: listed, reader: readers[i]}
		}
		var scrapes sync.WaitGroup
		for range 10 {
			scrapes.Go(func() { r.wait(t.Context(), r.begin(targets, "", all)) })
		}
		scrapes.Wait()
		r.stop()
		for i, reader := range readers {
			if len(reader.reads) != 1 {
				t.Errorf("target %d was read %d times for 10 concurrent scrapes", i, len(reader.reads))
			}
		}
	})
}

// TestReadingGoesOnBehindTheDeadline checks that readings continue after their scrape has ended.
func TestReadingGoesOnBehindTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRefresher(&testPolicy{dueAt: always})
		r.setRequests(1)
		one := &target{Declaration: listed, reader: &slowReader{}}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r.wait(ctx, r.begin([]*target{one}, "", all))
		if s := one.currentStatus(); s.ended {
			t.Fatal("the reading ended too early")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := one.currentStatus(); s.condition() != Up {
			t.Errorf("a second later the target is %s", s.condition())
		}
		r.stop()
	})
}

// TestFailedTargetIsTriedAgainSoon checks that a failed target that is scraped a moment later is retried once, without another
// scrape.
func TestFailedTargetIsTriedAgainSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int32
		due := func(t *target) (time.Time, bool) { return t.currentStatus().attempted.Add(retryInterval), true }
		r := newRefresher(&testPolicy{due, func(t *target) {
			reads.Add(1)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.status = status{attempted: time.Now(), ended: true, failure: context.DeadlineExceeded, reason: Timeout}
		}})
		r.setRequests(1)
		one := &target{Declaration: listed}
		scrape := func() { r.wait(t.Context(), r.begin([]*target{one}, "", all)) }
		scrape()
		time.Sleep(time.Second)
		scrape()
		scrape()
		if n := reads.Load(); n != 1 {
			t.Errorf("%d attempts a second after a failure, want 1", n)
		}
		time.Sleep(retryInterval)
		synctest.Wait()
		if n := reads.Load(); n != 2 {
			t.Errorf("%d attempts %s after a failure and a scrape, want 2", n, retryInterval)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := reads.Load(); n != 2 {
			t.Errorf("%d attempts without a scrape, want no more", n)
		}
		r.stop()
	})
}

// TestAbandonedScrapesLeaveNothing abandons scrape after scrape while a reading hangs: one batch of each selection remains.
func TestAbandonedScrapesLeaveNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := newRefresher(&testPolicy{always, func(*target) { <-release }})
		r.setRequests(1)
		hanging := &target{Declaration: listed}
		for range 1000 {
			for _, selection := range []string{"all", "a project"} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				r.wait(ctx, r.begin([]*target{hanging}, selection, all))
				cancel()
			}
		}
		if n := len(hanging.waiting); n != 2 {
			t.Errorf("%d batches wait after 2,000 scrapes that gave up, want one of each of the 2 selections", n)
		}
		close(release)
		synctest.Wait()
		r.stop()
	})
}

// TestHangingProjectsStarveNoOther checks how often a healthy project is read while the readings of fifty other projects hang,
// with far fewer concurrent readings than hanging ones.
func TestHangingProjectsStarveNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hanging, scrapes, interval, timeout = 50, 40, 30 * time.Second, 2 * time.Minute
		healthy := map[*target][]time.Time{}
		r := newRefresher(&testPolicy{func(t *target) (time.Time, bool) { return t.currentStatus().attempted.Add(interval), true }, func(target *target) {
			target.mu.Lock()
			target.status.attempted = time.Now()
			target.mu.Unlock()
			if _, ok := healthy[target]; !ok {
				time.Sleep(timeout) // four attempts of 30 seconds
			}
		}})
		r.setRequests(1)
		var targets []*target
		for i := range hanging {
			for range 25 {
				targets = append(targets, &target{Declaration: listed, groupID: strconv.Itoa(i)})
			}
		}
		for range 10 {
			one := &target{Declaration: listed, groupID: "healthy"}
			healthy[one] = nil
			targets = append(targets, one)
		}
		oldest := time.Duration(0)
		began := time.Now()
		for range scrapes {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			r.wait(ctx, r.begin(targets, "", all))
			cancel()
			began = began.Add(interval)
			time.Sleep(time.Until(began))
			for one := range healthy {
				if s := one.currentStatus(); !s.attempted.IsZero() {
					oldest = max(oldest, time.Since(s.attempted))
				} else if time.Since(began) > 3*interval {
					t.Fatal("a healthy target was never read")
				}
			}
		}
		if oldest > 3*interval {
			t.Errorf("a healthy target was not read for %s, want at most 3 intervals of %s", oldest, interval)
		}
		r.stop()
	})
}

// laneOf returns targets of a project that are read for as long as takes says, and counts the readings that began.
func laneOf(group string, n int, began *atomic.Int64, takes func(i int) time.Duration) []*target {
	targets := make([]*target, n)
	for i := range targets {
		targets[i] = &target{Declaration: listed, groupID: group, reader: readerFunc(func(ctx context.Context) error {
			began.Add(1)
			return sleepFor(ctx, takes(i))
		})}
	}
	return targets
}

type readerFunc func(context.Context) error

func (f readerFunc) read(ctx context.Context, _ *settings) error { return f(ctx) }

// TestTurnsAreShared checks that two projects share the readings fairly if the targets of the first occupy all of them: those
// of the second wait until a reading ends, get each that does until both have the same number, and no reading begins beyond
// the bound.
func TestTurnsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bound = readsPerRequest
		r := newRefresher(&testPolicy{dueAt: always})
		r.setRequests(1)
		var first, second atomic.Int64
		// The targets of the first project were never read, which gives them the highest priority.
		early := laneOf("first", 3*bound, &first, func(i int) time.Duration { return time.Duration(i+1) * time.Second })
		late := laneOf("second", 3*bound, &second, func(int) time.Duration { return time.Hour })
		for _, target := range late {
			target.status.attempted = time.Now()
		}
		r.begin(early, "first", all)
		synctest.Wait()
		if got := first.Load(); got != bound {
			t.Errorf("%d readings of one project alone, want %d", got, bound)
		}
		r.begin(late, "second", all)
		for ended := range bound {
			synctest.Wait()
			if got, want := second.Load(), int64(min(ended, bound/2)); got != want {
				t.Errorf("%d readings of the second project began when %d of the first had ended, want %d", got, ended, want)
			}
			if got, want := first.Load(), int64(bound+max(0, ended-bound/2)); got != want { // a half is its share from then on
				t.Errorf("%d readings of the first project began when %d had ended, want %d", got, ended, want)
			}
			time.Sleep(time.Second)
		}
		r.stop()
	})
}

// TestShareIsKept checks that a project with many targets gets no more than its share while another project has one reading in
// progress: the rest stays free.
func TestShareIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bound = readsPerRequest
		r := newRefresher(&testPolicy{dueAt: always})
		r.setRequests(1)
		var one, many atomic.Int64
		long := func(int) time.Duration { return time.Hour }
		r.begin(laneOf("one", 1, &one, long), "one", all)
		synctest.Wait()
		r.begin(laneOf("many", 3*bound, &many, long), "many", all)
		synctest.Wait()
		if one.Load() != 1 || many.Load() != bound/2 {
			t.Errorf("%d and %d readings began, want 1 and %d", one.Load(), many.Load(), bound/2)
		}
		r.stop()
	})
}

// TestUnsupportedTarget checks that a target that becomes supported is due at once, and not before.
func TestUnsupportedTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := &target{Declaration: listed}
		one.setUnsupported(None)
		read := time.Now()
		one.status.attempted, one.status.ended = read, true
		for _, reason := range []Reason{None, BackupDisabled, BackupDisabled} {
			time.Sleep(time.Second)
			one.setUnsupported(reason)
			if s := one.currentStatus(); !s.attempted.Equal(read) || !s.found.Equal(read) {
				t.Errorf("%s: attempted at %s, found at %s", reason, s.attempted, s.found)
			}
		}
		one.setUnsupported(None)
		if s := one.currentStatus(); !s.attempted.IsZero() || s.ended || !s.found.Equal(time.Now()) {
			t.Errorf("served again: %+v", s)
		}
	})
}

// TestDiscoveryGoesFirst checks that a list is read before jobs whose last reading is older.
func TestDiscoveryGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		jobs := &target{Declaration: listed}
		list := &target{Declaration: &Declaration{Name: "backup_exports"}}
		jobs.status.attempted, list.status.attempted = time.Now(), time.Now().Add(time.Hour)
		if !list.urgencyRank().Before(jobs.urgencyRank()) {
			t.Error("jobs are read before what discovery finds")
		}
	})
}
