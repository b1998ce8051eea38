package main

import (
	"strconv"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/verdict"
)

const day = 24 * time.Hour

// thresholds returns the times of all rules by their names in the values. The page and the dashboards use the same: those of
// jobs come from the table of collectors.
func thresholds() map[string]string {
	patience := map[string]collector.Patience{}
	for _, declared := range collector.All() {
		patience[declared.Name] = declared.Patience
	}
	export, restore, snapshot := patience["backup_exports"], patience["backup_restores"], patience["backup_snapshots"]
	flex, pipeline := patience["flex_snapshots"], patience["pipeline_runs"]
	return map[string]string{
		"exportNews":        text(export.News),
		"exportStuck":       text(export.Stuck),
		"exportStuckFactor": strconv.Itoa(export.StuckFactor),
		"exportStuckLeast":  text(export.StuckLeast),
		"exportGrace":       text(export.Grace),
		"exportMissing":     text(export.Missing),
		"restoreNews":       text(restore.News),
		"restoreStuck":      text(restore.Stuck),
		"snapshotNews":      text(snapshot.News),
		"snapshotStuck":     text(snapshot.Stuck),
		"snapshotGrace":     text(snapshot.Grace),
		"scheduleBehind":    text(snapshot.Behind),
		"flexNews":          text(flex.News),
		"flexGrace":         text(flex.Grace),
		"pipelineNews":      text(pipeline.News),
		"pipelineStuck":     text(pipeline.Stuck),
		"dead":              text(verdict.DeadAfter),
		"pending":           text(verdict.PendingAfter),
		"dataStale":         text(verdict.StaleAfter),
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
