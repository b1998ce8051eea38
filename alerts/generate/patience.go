package main

import (
	"strconv"
	"time"
)

// patience is how long something may last before it needs attention.
type patience struct {
	news        time.Duration // how long a failure is reported
	stuck       time.Duration // a job unfinished longer than this is stuck, where no success says how long one takes
	stuckFactor int           // times the duration of the last success
	stuckLeast  time.Duration // never stuck before this
	grace       time.Duration // the most that a success may be late beyond its interval
}

const day = 24 * time.Hour

// thresholds returns the times of all rules by the names under which values change them.
func thresholds() map[string]string {
	var (
		export   = patience{news: 8 * day, stuck: 12 * time.Hour, stuckFactor: 4, stuckLeast: 6 * time.Hour, grace: 2 * day}
		restore  = patience{news: day, stuck: 12 * time.Hour}
		snapshot = patience{news: 8 * day, stuck: 6 * time.Hour, grace: 6 * time.Hour}
		flex     = patience{news: 8 * day, grace: 6 * time.Hour}
		pipeline = patience{news: 8 * day, stuck: 6 * time.Hour}
	)
	return map[string]string{
		"exportNews":        text(export.news),
		"exportStuck":       text(export.stuck),
		"exportStuckFactor": strconv.Itoa(export.stuckFactor),
		"exportStuckLeast":  text(export.stuckLeast),
		"exportGrace":       text(export.grace),
		"exportMissing":     text(12 * time.Hour),
		"restoreNews":       text(restore.news),
		"restoreStuck":      text(restore.stuck),
		"snapshotNews":      text(snapshot.news),
		"snapshotStuck":     text(snapshot.stuck),
		"snapshotGrace":     text(snapshot.grace),
		"scheduleBehind":    text(3 * time.Hour),
		"flexNews":          text(flex.news),
		"flexGrace":         text(flex.grace),
		"pipelineNews":      text(pipeline.news),
		"pipelineStuck":     text(pipeline.stuck),
		"pending":           text(30 * time.Minute),
		"dataStale":         text(30 * time.Minute),
		"sunset":            text(90 * day),
		"sunsetWarning":     text(14 * day),
	}
}

// text writes a duration as one number with the largest unit that divides it.
func text(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d%unit.length == 0 {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}
