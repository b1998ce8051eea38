package collector

import (
	"hash/fnv"
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// job has the fields of a listed job that a summary needs. Extra has those of one kind of job.
type job[Extra any] struct {
	id      atlasapi.ObjectID
	created seconds
	ended   seconds // 0 while the job runs, and if Atlas sends no end
	state   uint8   // index into the kind's states
	label   uint8   // index of the interned value that is a label of metrics: an export's error code, a restore's delivery type
	extra   Extra
}

// compare orders jobs by creation, then by id.
func (j *job[Extra]) compare(other *job[Extra]) int {
	switch {
	case j.created < other.created:
		return -1
	case j.created > other.created:
		return 1
	}
	return j.id.Compare(other.id)
}

// Outcome is the meaning of a state for somebody who waits for the job.
type Outcome uint8

// The outcomes of a job.
const (
	OutcomeUnknown Outcome = iota // a state that is not documented: neither ended nor unfinished
	OutcomeUnfinished
	OutcomeSucceeded
	OutcomeFailed
	OutcomeNeither // cancelled, or over without success or failure
)

// jobState is a state of a kind of job.
type jobState struct {
	name    string
	outcome Outcome
}

// jobStates are all documented states of a kind of job. An undocumented state has the index len(jobStates).
type jobStates struct {
	states []jobState
	shown  []string
}

func statesOf(states ...jobState) jobStates {
	s := jobStates{states: states}
	for _, state := range states {
		s.shown = append(s.shown, state.name)
	}
	s.shown = append(s.shown, unknownState)
	return s
}

const unknownState = "unknown"

func (s jobStates) index(name string) uint8 {
	i := slices.IndexFunc(s.states, func(state jobState) bool { return state.name == name })
	if i < 0 {
		i = len(s.states)
	}
	return uint8(i)
}

func (s jobStates) outcome(index uint8) Outcome {
	if int(index) >= len(s.states) {
		return OutcomeUnknown
	}
	return s.states[index].outcome
}

// isFinal reports whether a job in a state has ended. A job in an undocumented state may go on.
func (s jobStates) isFinal(index uint8) bool {
	o := s.outcome(index)
	return o != OutcomeUnfinished && o != OutcomeUnknown
}

// names lists the states as they are shown, "unknown" last.
func (s jobStates) names() []string { return s.shown }

// first returns the name of the first state with an outcome, for example queries.
func (s jobStates) first(o Outcome) string {
	for _, state := range s.states {
		if state.outcome == o {
			return state.name
		}
	}
	return unknownState
}

// interner stores each different string of a target's jobs once, such as the delivery types, so that a job needs only
// an index.
type interner []string

// index returns the index of a word. Index 0 is for no word, for the word "unknown", and for every word beyond the
// 255th. It is shown as "unknown".
func (n *interner) index(word string) uint8 {
	if word == "" || word == unknownState {
		return 0
	}
	i := slices.Index(*n, word)
	if i < 0 {
		if len(*n) == 255 {
			return 0
		}
		i = len(*n)
		*n = append(*n, word)
	}
	return uint8(i + 1)
}

// word returns the word at an index, "unknown" at 0.
func (n interner) word(i uint8) string {
	if i == 0 {
		return unknownState
	}
	return n[i-1]
}

// snapshotHash identifies a snapshot among those of one cluster in a third of the room of its id, since an organization
// lists millions of export jobs; 0 is none.
type snapshotHash uint32

func hashOf(id atlasapi.ObjectID) snapshotHash {
	if id.IsZero() {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write(id[:]) // it never fails
	return max(1, snapshotHash(h.Sum32()))
}
