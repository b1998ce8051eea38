package atlasapi

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// noted is an observer that remembers.
type noted struct {
	mu        sync.Mutex
	exchanges []Exchange
	throttled []time.Duration
}

func (n *noted) Exchanged(x Exchange) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.exchanges = append(n.exchanges, x)
}

func (n *noted) Retried(string, Kind) {}

func (n *noted) Throttled(_ string, waited time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.throttled = append(n.throttled, waited)
}

// retryAfterAgain parses Retry-After with arbitrary precision and with three layouts of dates.
func retryAfterAgain(s string, now time.Time) time.Duration {
	if s != "" && strings.Trim(s, "0123456789") == "" {
		n, _ := new(big.Int).SetString(s, 10)
		if n.Cmp(big.NewInt(3600)) >= 0 {
			return time.Hour
		}
		return time.Duration(n.Int64()) * time.Second
	}
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 MST", "Mon Jan _2 15:04:05 2006"} {
		at, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		switch wait := at.Sub(now); {
		case wait < 0:
			return 0
		case wait > time.Hour:
			return time.Hour
		default:
			return wait
		}
	}
	return 0
}

// sunsetAgain parses a date in Atlas's format, its day padded or not. sure is false for any other.
func sunsetAgain(s string) (at time.Time, sure bool) {
	p := regexp.MustCompile(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$`).FindStringSubmatch(s)
	if p == nil {
		return time.Time{}, false
	}
	number := func(i int) int { return must(strconv.Atoi(p[i])) }
	month := time.Month(strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", p[2])/3 + 1)
	at = time.Date(number(3), month, number(1), number(4), number(5), number(6), 0, time.UTC)
	if at.Day() != number(1) || number(4) > 23 || number(5) > 59 || number(6) > 59 {
		return time.Time{}, true // there is no such date
	}
	return at, true
}

func countAgain(s string) (float64, bool) {
	if s == "" || len(s) > 1000 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, _ := new(big.Int).SetString(s, 10)
	return float64(n.Uint64()), n.Cmp(big.NewInt(1<<32)) < 0
}

// FuzzHeaders varies the headers for the wait, the rest of the limit and the end of the version: each is read as the second
// implementation reads it, or ignored.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []struct{ retry, limit, remaining, sunset string }{
		{"0", "1200", "1199", "Thu, 1 Jul 2027 00:00:00 GMT"},
		{"3600", "10000", "0", "Sun, 01 Mar 2026 23:59:59 GMT"},
		{"3601", "4294967295", "4294967296", "Mon, 5 Aug 2024 00:00:00 -0000"},
		{"99999999999999999999", "1.5", "-1", "@1814400000"},
		{"-5", "+5", "5 ", "2027-07-01T00:00:00Z"},
		{"1.5", "0x10", "1_0", "Thu, 32 Jul 2027 00:00:00 GMT"},
		{"", "", "", ""},
		{"Fri, 20 Nov 2026 12:00:30 GMT", "1200", "", "Thu, 01 Jan 0001 00:00:00 GMT"},
		{"Friday, 20-Nov-26 12:00:30 GMT", "", "7", "Fri, 31 Dec 9999 23:59:60 GMT"},
		{"Fri Nov 20 12:00:30 2026", "0", "0", "Sat, 30 Feb 2030 00:00:00 GMT"},
		{"Fri, 20 Nov 9999 12:00:00 GMT", "١٢٠٠", "1200", "1 Jul 27 00:00 PST (soon)"},
		{"Mon, 01 Jan 0000 00:00:00 GMT", "00001200", "1200, 1200", "Fri, 30 Dec 1899 24:00:00 +9999"},
		{"120, 240", "9999999999999999999999", "1", "soon"},
		{"99999999999999999999d", "1", "1", ""}, // the number is too large before its end is seen
	} {
		f.Add(seed.retry, seed.limit, seed.remaining, seed.sunset, int64(1795176000))
	}
	watch := &noted{}
	header, status := http.Header{}, http.StatusOK
	client := clientOn(f, Options{Observer: watch}, func(*http.Request) *http.Response { return answering(status, header, []byte(`{"results":[]}`)) })
	f.Fuzz(func(t *testing.T, retry, limit, remaining, sunset string, unix int64) {
		now := time.Unix(int64(uint64(unix)%(1<<36)), 0).UTC() // up to the year 4147
		want := retryAfterAgain(retry, now)
		if wait := parseRetryAfter(retry, now); wait != want || wait < 0 || wait > retryAfterCeiling {
			t.Errorf("%q waits %s at %s, want %s", retry, wait, now, want)
		}
		header.Set("RateLimit-Limit", limit)
		header.Set("RateLimit-Remaining", remaining)
		header.Set("Sunset", sunset)
		header.Set("Retry-After", retry)
		header.Set("Date", now.Format(http.TimeFormat))
		for _, status = range []int{http.StatusOK, http.StatusTooManyRequests} {
			client.limits, watch.exchanges = NewLimits(), nil
			before := time.Now()
			_, err := client.Projects().Page(t.Context(), 1, MaxPageSize)
			if (err == nil) != (status == http.StatusOK) || len(watch.exchanges) != 1 {
				t.Fatalf("%v after %+v", err, watch.exchanges)
			}
			if failure, ok := errors.AsType[*Error](err); ok && (failure.RetryAt.IsZero() != (want == 0) ||
				want > 0 && (failure.RetryAt.Before(before.Add(want)) || failure.RetryAt.After(time.Now().Add(want)))) {
				t.Errorf("%q is sent again at %s, want %s after %s", retry, failure.RetryAt, want, before)
			}
			x := watch.exchanges[0]
			wantLimit, limited := countAgain(limit)
			wantRemaining, remains := countAgain(remaining)
			if x.RateLimit.Set != (limited && remains) || x.RateLimit.Set && x.RateLimit.Value != (RateLimit{Limit: wantLimit, Remaining: wantRemaining}) {
				t.Errorf("%q and %q are %+v", limit, remaining, x.RateLimit)
			}
			if want, sure := sunsetAgain(sunset); sure && !x.Sunset.Equal(want) || x.Sunset.Location() != time.UTC {
				t.Errorf("%q is %s, want %s", sunset, x.Sunset, want)
			}
			if strings.Trim(sunset, " \t\r\n") == "" && !x.Sunset.IsZero() {
				t.Errorf("%q is %s", sunset, x.Sunset)
			}
			b := client.limits.buckets[bucketKey{setGroups, ""}]
			if b.inFlight != 0 || time.Until(b.blocked) > retryAfterCeiling || status == http.StatusTooManyRequests && b.blocked.Sub(before) < retryAfterFloor {
				t.Errorf("%q blocks until %s, with %d requests in flight", retry, b.blocked, b.inFlight)
			}
		}
	})
}

// FuzzWaits sends requests, alone or several at a time, to a server whose answers are in the input, on a clock that stands
// still while nobody waits. No wait may be negative or longer than the ceiling, no request may be sent before a Retry-After
// has passed, and nothing may be delayed for ever.
func FuzzWaits(f *testing.F) {
	f.Add([]byte{0, 2, 100, 99, 0, 0, 2, 100, 0, 0}, uint8(3), false)
	f.Add([]byte{1, 0, 0, 0, 0, 2, 0, 0, 0, 30, 1, 1, 1, 1, 1}, uint8(2), false)
	f.Add([]byte{2, 10, 0, 10, 60, 2, 10, 0, 10, 200, 0, 255, 255, 0, 0}, uint8(9), true)
	f.Add([]byte{3, 0, 0, 0, 5, 3, 0, 0, 0, 255, 4, 0, 0, 0, 0}, uint8(7), false)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0}, uint8(5), true)
	f.Add([]byte{0, 0, 1, 255, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0}, uint8(20), false)
	f.Fuzz(func(t *testing.T, script []byte, requests uint8, together bool) {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{t: t, script: script, together: together}
			s.run(int(requests%24) + 1)
		})
	})
}

// scripted is a server whose next answer is in the next five bytes of a script: the kind, the limit in hundreds and ones, the
// remaining part of it, and Retry-After.
type scripted struct {
	t        *testing.T
	together bool

	mu        sync.Mutex
	script    []byte
	notBefore time.Time
}

func (s *scripted) answer(*http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	// If several are sent at a time, some may have passed the wait already when one is refused.
	if now := time.Now(); now.Before(s.notBefore) && !s.together {
		s.t.Errorf("sent %s before Retry-After has passed", s.notBefore.Sub(now))
	}
	step := [5]byte{0, 0, 4, 0, 0}
	s.script = s.script[copy(step[:], s.script):]
	header := http.Header{}
	if step[1]|step[2]|step[3] != 0 {
		header.Set("RateLimit-Limit", strconv.Itoa(100*int(step[1])+int(step[2])))
		header.Set("RateLimit-Remaining", strconv.Itoa(int(step[3])*(1+int(step[1]))))
	}
	retry := time.Duration(15*max(int(step[4])-2, 0)) * time.Second // up to 63 minutes
	status, body := http.StatusOK, `{"results":[]}`
	switch step[0] % 5 {
	case 1: // and without headers
		status, body, s.notBefore = http.StatusTooManyRequests, "", time.Now().Add(retryAfterFloor)
	case 2:
		header.Set("Retry-After", strconv.Itoa(int(retry.Seconds())))
		status, body, s.notBefore = http.StatusTooManyRequests, "", time.Now().Add(min(max(retry, retryAfterFloor), retryAfterCeiling))
	case 3: // this delays only the request that got this answer
		header.Set("Retry-After", strconv.Itoa(int(retry.Seconds())))
		status, body = http.StatusServiceUnavailable, ""
	case 4:
		s.mu.Unlock()
		time.Sleep(time.Duration(step[4]) * 30 * time.Millisecond)
		s.mu.Lock()
	}
	return answering(status, header, []byte(body))
}

func (s *scripted) run(requests int) {
	s.t.Helper()
	const retries = 3
	watch := &noted{}
	client := clientOn(s.t, Options{Observer: watch, MaxRetries: retries, MaxConcurrentRequests: 2, RequestTimeout: 10 * time.Second}, s.answer)
	request := func() {
		began := time.Now()
		_, err := client.Projects().Page(s.t.Context(), 1, 1)
		// Each attempt waits for its turn, for one of the two slots, for its answer, and before it is repeated.
		if took := time.Since(began); took < 0 || took > (retries+1)*(2*longestWait+20*time.Second) {
			s.t.Errorf("a request took %s (%v)", took, err)
		}
		if failure, ok := errors.AsType[*Error](err); err != nil && (!ok || time.Until(failure.RetryAt) > retryAfterCeiling) {
			s.t.Errorf("%+v", err)
		}
	}
	for range requests {
		if !s.together {
			request()
			continue
		}
		var group sync.WaitGroup
		for range 3 {
			group.Go(request)
		}
		group.Wait()
	}
	for _, waited := range watch.throttled {
		if waited < 0 || waited > longestWait {
			s.t.Errorf("throttled for %s", waited)
		}
	}
	for key, b := range client.limits.buckets {
		if b.inFlight != 0 || client.turns.inFlight != [lineStates]int{} {
			s.t.Errorf("%v: %d in flight, %d turns taken", key, b.inFlight, client.turns.inFlight)
		}
	}
	// After an hour, all requests are sent again, whatever the answers were: a bucket refills, and no block is longer.
	s.script = nil
	time.Sleep(retryAfterCeiling)
	ctx, cancel := context.WithTimeout(s.t.Context(), longestWait)
	defer cancel()
	if _, err := client.Projects().Page(ctx, 1, 1); err != nil {
		s.t.Errorf("delayed for ever: %v", err)
	}
}
