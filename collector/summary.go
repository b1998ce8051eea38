package collector

// summary is what every kind of job is judged by: how many are in which state, the newest, the last that ended well
// or badly, and the oldest that has not ended.
type summary[Extra any] struct {
	states jobStates
	counts []int // by index of the state; the last is unknown
	total  int

	newest           job[Extra]
	oldest           instant
	success          job[Extra] // the succeeded job with the latest date
	failure          job[Extra] // the failed job with the latest date
	newestFailed     job[Extra] // the failed job that was created last
	oldestUnfinished instant
}

func newSummary[Extra any](states jobStates) *summary[Extra] {
	return &summary[Extra]{states: states, counts: make([]int, len(states.names()))}
}

func summarize[Extra any](states jobStates, jobs []job[Extra]) *summary[Extra] {
	s := newSummary[Extra](states)
	for i := range jobs {
		s.add(&jobs[i])
	}
	return s
}

func (s *summary[Extra]) add(j *job[Extra]) {
	s.counts[j.state]++
	if s.total++; s.total == 1 || j.compare(&s.newest) > 0 {
		s.newest = *j
	}
	s.oldest = earliestOf(s.oldest, j.created)
	switch s.states.outcome(j.state) {
	case unfinished:
		s.oldestUnfinished = earliestOf(s.oldestUnfinished, j.created)
	case succeeded:
		s.success = later(&s.success, j)
	case failed:
		s.failure = later(&s.failure, j)
		if s.newestFailed.id.IsZero() || j.compare(&s.newestFailed) > 0 {
			s.newestFailed = *j
		}
	case cancelled, unknown:
	}
}

// earliestOf returns the earlier of two times, of which either may be none.
func earliestOf(a, b instant) instant {
	if a.isZero() || !b.isZero() && b.compare(a) < 0 {
		return b
	}
	return a
}

// later returns the job with the later date; of two with the same, the one that was created last.
func later[Extra any](a, b *job[Extra]) job[Extra] {
	if a.id.IsZero() {
		return *b
	}
	if c := b.date().compare(a.date()); c > 0 || c == 0 && b.compare(a) > 0 {
		return *b
	}
	return *a
}

// writeCounts writes the number of jobs in each state, zeros included.
func (s *summary[Extra]) writeCounts(w *writer, m *metric, labels ...string) {
	for i, name := range s.states.names() {
		w.gauge(m, float64(s.counts[i]), append(labels, name)...)
	}
}

// writeDates writes last success and last failure: 0 where jobs are listed and none ended so.
func (s *summary[Extra]) writeDates(w *writer, success, failure *metric, labels ...string) {
	if s.total == 0 {
		return
	}
	w.gauge(success, s.success.date().seconds(), labels...)
	w.gauge(failure, s.failure.date().seconds(), labels...)
}

// writeStateSet writes one series for each state: 1 for the current one and 0 for the others, so that it sums to 1.
func writeStateSet(w *writer, m *metric, states []string, current int, labels ...string) {
	for i, name := range states {
		value := 0.0
		if i == current {
			value = 1
		}
		w.gauge(m, value, append(labels, name)...)
	}
}

// duration is the time from creation to end of the last success, in seconds; ok is false where Atlas tells no end, or
// no creation that could be one.
func (s *summary[Extra]) duration() (seconds float64, ok bool) {
	if s.success.ended.isZero() || s.success.created.isZero() {
		return 0, false
	}
	return s.success.ended.seconds() - s.success.created.seconds(), true
}
