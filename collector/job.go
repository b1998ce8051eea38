package collector

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// job is what is kept of a job that Atlas lists: enough to judge a history by, and small, since an organisation lists
// millions. Extra is what one kind of job adds.
type job[Extra any] struct {
	id      atlasapi.ObjectID
	created instant
	ended   instant // absent while it runs, and where Atlas tells no end
	state   uint8   // index into the kind's states
	extra   Extra
}

// date is when the job ended, else when it was created.
func (j *job[Extra]) date() instant {
	if j.ended.isZero() {
		return j.created
	}
	return j.ended
}

// compare orders jobs by creation, and by id where that is the same.
func (j *job[Extra]) compare(other *job[Extra]) int {
	if c := j.created.compare(other.created); c != 0 {
		return c
	}
	return j.id.Compare(other.id)
}

// outcome is what a state means for the one who waits for the job.
type outcome uint8

const (
	unknown outcome = iota // a state that nobody knows: neither ended nor unfinished
	unfinished
	succeeded
	failed
	cancelled // or over in another way that is neither
)

// jobState is a state that a kind of job can be in.
type jobState struct {
	name    string
	outcome outcome
}

// jobStates are all states of a kind of job. A state that is not among them has the index of their number.
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

func (s jobStates) outcome(index uint8) outcome {
	if int(index) >= len(s.states) {
		return unknown
	}
	return s.states[index].outcome
}

// names lists the states and "unknown" behind them, as they are shown.
func (s jobStates) names() []string { return s.shown }

// clockSkew is how far Atlas's clock may be ahead of ours. Nothing else is judged by our clock: dates are compared with
// each other, and shown as Atlas sends them.
const clockSkew = time.Hour

// instant is a point in time in milliseconds since 1970, in six bytes; its zero value is no time.
type instant [6]byte

// The years that a job's date can have. Outside of them a date is a placeholder, such as year 1 or 9999 for "never",
// and no time.
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func instantOf(t time.Time) instant {
	if t.Before(earliest) || t.After(latest) {
		return instant{}
	}
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], uint64(t.UnixMilli()))
	return instant(wide[2:])
}

// firstOf returns the first of the times that is one.
func firstOf(times ...time.Time) instant {
	for _, t := range times {
		if i := instantOf(t); !i.isZero() {
			return i
		}
	}
	return instant{}
}

func (i instant) isZero() bool { return i == instant{} }

func (i instant) compare(other instant) int { return bytes.Compare(i[:], other[:]) }

// add returns the instant so much later. No time stays none.
func (i instant) add(d time.Duration) instant {
	if i.isZero() {
		return i
	}
	return instantOf(i.time().Add(d))
}

func (i instant) millis() int64 {
	var wide [8]byte
	copy(wide[2:], i[:])
	return int64(binary.BigEndian.Uint64(wide[:]))
}

// seconds is the instant as a Prometheus timestamp.
func (i instant) seconds() float64 { return float64(i.millis()) / 1000 }

// time is the instant as a time, zero where it is none.
func (i instant) time() time.Time {
	if i.isZero() {
		return time.Time{}
	}
	return time.UnixMilli(i.millis())
}
