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

// slowReader takes a second, and notes when it began.
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

// TestNoTargetStarves has more targets than can be read between scrapes, some of them busy. Time is simulated.
func TestNoTargetStarves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const targets, busy, atOnce = 300, 60, readingsPerRequest
		r := newRefresher(func(ctx context.Context, t *target) { t.refresh(ctx, nil) }, func(*target) []*target { return nil })
		r.setRequests(1)
		all := make([]*target, targets)
		readers := make([]*slowReader, targets)
		for i := range all {
			readers[i] = &slowReader{}
			all[i] = &target{collector: "backup_exports", cluster: strconv.Itoa(i), reader: readers[i], busy: func() bool { return i < busy }}
		}
		due := func(t *target) (time.Time, bool) { return t.snapshot().attempted, true }
		began := time.Now()
		const scrapes = 60
		for range scrapes {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			r.begin(all, due, func(*target) bool { return true }).wait(ctx)
			cancel()
			time.Sleep(time.Until(began.Add(10 * time.Second)))
			began = began.Add(10 * time.Second)
		}
		end := time.Now()
		r.stop()

		// Read in turn, each target would be read every targets/atOnce seconds. The busy ones take part of that.
		turn := time.Duration(targets/atOnce+1) * time.Second
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
			t.Errorf("a target was not read for %s; in turn it would be read every %s", quiet, turn)
		}
		reads := func(readers []*slowReader) (n int) {
			for _, reader := range readers {
				n += len(reader.reads)
			}
			return n
		}
		if hurried, quiet := reads(readers[:busy])/busy, reads(readers[busy:])/(targets-busy); hurried <= quiet {
			t.Errorf("busy targets were read %d times, the others %d times", hurried, quiet)
		}
	})
}

// TestScrapesShareReadings has scrapes at the same time wait for the same readings.
func TestScrapesShareReadings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRefresher(func(ctx context.Context, t *target) { t.refresh(ctx, nil) }, func(*target) []*target { return nil })
		r.setRequests(1)
		readers := make([]*slowReader, 20)
		all := make([]*target, len(readers))
		for i := range all {
			readers[i] = &slowReader{}
			all[i] = &target{collector: "backup_exports", reader: readers[i]}
		}
		always := func(*target) (time.Time, bool) { return time.Time{}, true }
		var scrapes sync.WaitGroup
		for range 10 {
			scrapes.Go(func() { r.begin(all, always, func(*target) bool { return true }).wait(t.Context()) })
		}
		scrapes.Wait()
		r.stop()
		for i, reader := range readers {
			if len(reader.reads) != 1 {
				t.Errorf("target %d was read %d times for 10 scrapes at once", i, len(reader.reads))
			}
		}
	})
}

// TestReadingGoesOnBehindTheDeadline has a scrape end before its readings do.
func TestReadingGoesOnBehindTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRefresher(func(ctx context.Context, t *target) { t.refresh(ctx, nil) }, func(*target) []*target { return nil })
		r.setRequests(1)
		one := &target{collector: "backup_exports", reader: &slowReader{}}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r.begin([]*target{one}, func(*target) (time.Time, bool) { return time.Time{}, true }, func(*target) bool { return true }).wait(ctx)
		if s := one.snapshot(); s.ended {
			t.Fatal("the reading ended before its time")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := one.snapshot(); s.condition() != up {
			t.Errorf("a second later the target is %s", conditionNames()[s.condition()])
		}
		r.stop()
	})
}

// TestFailedTargetIsTriedAgainSoon has a scrape come a moment after a failure: the next attempt follows by itself, once.
func TestFailedTargetIsTriedAgainSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int32
		r := newRefresher(func(_ context.Context, t *target) {
			reads.Add(1)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.status = status{attempted: time.Now(), ended: true, failure: context.DeadlineExceeded}
		}, func(*target) []*target { return nil })
		r.setRequests(1)
		one := &target{collector: "backup_exports"}
		due := func(t *target) (time.Time, bool) { return t.snapshot().attempted.Add(retryInterval), true }
		scrape := func() { r.begin([]*target{one}, due, func(*target) bool { return true }).wait(t.Context()) }
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
			t.Errorf("%d attempts without a scrape, want none more", n)
		}
		r.stop()
	})
}
