package collector

import (
	"math"
	"time"
)

// clockSkew is how far Atlas's clock may be ahead of ours. Apart from this, dates are compared only with each other,
// not with our clock.
const clockSkew = 3600

// seconds is a time in seconds since 1970, 0 for none. Atlas sends whole seconds.
type seconds uint32

// endOfTime is later than any date, and clockSkew later there still is time.
const endOfTime = math.MaxUint32 - clockSkew

// The years that a date can have. A date outside of them is a placeholder, such as year 1 or 9999 for "never".
var (
	earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2106, 1, 1, 0, 0, 0, 0, time.UTC)
)

func secondsOf(t time.Time) seconds {
	if t.Before(earliest) || !t.Before(latest) {
		return 0
	}
	return seconds(t.Unix())
}

// firstValid returns the first valid time.
func firstValid(times ...time.Time) seconds {
	for _, t := range times {
		if s := secondsOf(t); s != 0 {
			return s
		}
	}
	return 0
}

// time returns the time, the zero time for none.
func (s seconds) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0)
}

// earliestOf returns the earlier of two times. Either may be 0 for none.
func earliestOf(a, b seconds) seconds {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
