package collector

// summary sums up the jobs of one target: how many are in each state, the newest one, the last that succeeded, the last
// that failed, and the oldest unfinished one. Details is what a kind of job adds. A summary does not change after it is
// complete.
type summary[Extra, Details any] struct {
	states     jobStates
	words      interner
	outcomeOf  func(*job[Extra]) Outcome // nil: the state alone decides
	byCreation bool                      // date successes and failures by their creation, although Atlas sends an end

	counts []int // by index of the state; the last is unknown
	total  int

	newest           job[Extra]
	oldest           seconds
	success          job[Extra] // the succeeded job with the latest date
	failure          job[Extra] // the failed job with the latest date
	newestFailed     job[Extra] // the failed job that was created last
	oldestUnfinished seconds
	details          Details
}

func (s *summary[Extra, Details]) add(j *job[Extra]) {
	s.counts[j.state]++
	if s.total++; s.total == 1 || j.compare(&s.newest) > 0 {
		s.newest = *j
	}
	s.oldest = earliestOf(s.oldest, j.created)
	switch s.outcome(j) {
	case OutcomeUnfinished:
		s.oldestUnfinished = earliestOf(s.oldestUnfinished, j.created)
	case OutcomeSucceeded:
		s.success = s.later(&s.success, j)
	case OutcomeFailed:
		s.failure = s.later(&s.failure, j)
		if s.newestFailed.id.IsZero() || j.compare(&s.newestFailed) > 0 {
			s.newestFailed = *j
		}
	case OutcomeNeither, OutcomeUnknown:
	}
}

// outcome returns the outcome of a job.
func (s *summary[Extra, Details]) outcome(j *job[Extra]) Outcome {
	if s.outcomeOf != nil {
		return s.outcomeOf(j)
	}
	return s.states.outcome(j.state)
}

// date returns when a job ended, or was created if Atlas sends no end.
func (s *summary[Extra, Details]) date(j *job[Extra]) seconds {
	if j.ended == 0 || s.byCreation {
		return j.created
	}
	return j.ended
}

// later returns the job with the later date, and of two with the same date the one that was created last.
func (s *summary[Extra, Details]) later(a, b *job[Extra]) job[Extra] {
	if a.id.IsZero() || s.date(b) > s.date(a) || s.date(b) == s.date(a) && b.compare(a) > 0 {
		return *b
	}
	return *a
}

// duration returns the time from creation to end of the last success, in seconds. ok is false if Atlas sends no end or
// no plausible creation.
func (s *summary[Extra, Details]) duration() (float64, bool) {
	if s.success.ended == 0 || s.success.created == 0 {
		return 0, false
	}
	return float64(s.success.ended) - float64(s.success.created), true
}
