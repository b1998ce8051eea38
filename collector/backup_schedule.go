package collector

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// schedules reads the backup schedule of each cluster, which says which snapshots and exports to expect.
func schedules(clusters *Declaration) *Declaration {
	return &Declaration{
		Name: "backup_schedule", Noun: "backup schedule", Role: readOnly, Parent: clusters, Row: RowWhenDown,
		attach: func(t *target) reader { return &scheduleReader{target: t} },
		probe: func(ctx context.Context, c *atlasapi.Client, groupID, name string) (string, error) {
			schedule, err := c.Schedule(ctx, groupID, name)
			switch {
			case err != nil:
				return "", err
			case !schedule.AutoExportEnabled.Value:
				return "auto export is off", nil
			case schedule.ExportFrequency == "":
				return "auto export is on", nil
			}
			return "auto export is on, " + schedule.ExportFrequency, nil
		},
	}
}

// scheduleReader reads the backup schedule of a cluster.
type scheduleReader struct {
	target *target
	last   atomic.Pointer[atlasapi.Schedule]
	backup switchMemory // whether Atlas has a schedule at all
	auto   switchMemory // whether auto export is on
}

func (r *scheduleReader) read(ctx context.Context, s *settings) error {
	schedule, err := s.client.Schedule(ctx, r.target.groupID, r.target.name())
	if err != nil {
		return err
	}
	before := r.last.Swap(&schedule)
	r.backup.note(true, time.Now())
	if schedule.AutoExportEnabled.Set {
		r.auto.note(schedule.AutoExportEnabled.Value, time.Now())
	}
	for _, unknown := range unknownFrequencies(&schedule) {
		if before == nil || !slices.Contains(unknownFrequencies(before), unknown) {
			_ = level.Warn(s.logger).Log("msg", "unknown frequency in a backup schedule: nothing is expected of it, so the Overdue alert cannot fire",
				"group_id", r.target.groupID, "cl_name", r.target.name(), "frequency", unknown,
				"remedy", "set expected_intervals for the cluster in the configuration")
		}
	}
	return nil
}

// unknownFrequencies returns the frequencies of a schedule that have no known interval, with the part of the schedule
// that has them.
func unknownFrequencies(s *atlasapi.Schedule) []string {
	var unknown []string
	if unknownExportFrequency(s) {
		unknown = append(unknown, "export "+s.ExportFrequency)
	}
	for _, i := range unknownItems(s) {
		unknown = append(unknown, "snapshot "+i.FrequencyType)
	}
	return unknown
}

// unknownExportFrequency reports whether auto export is on at a frequency that has no known interval.
func unknownExportFrequency(s *atlasapi.Schedule) bool {
	return s.AutoExportEnabled.Value && s.ExportFrequency != "" && frequencyInterval(s.ExportFrequency) == 0
}

// scheduleOf returns the schedule of an entry as last read, nil if it was never read.
func scheduleOf(e *entry) *atlasapi.Schedule {
	if r := readerOf[*scheduleReader](e.targets()); r != nil {
		return r.last.Load()
	}
	return nil
}

// backupIsOff reports whether the list of clusters or the schedule says that backup of a cluster is off.
func backupIsOff(e *entry) bool {
	for _, t := range e.targets() {
		if _, ok := t.reader.(*scheduleReader); ok {
			s := t.snapshot()
			return s.why() == BackupDisabled
		}
	}
	return e.info().Unsupported == BackupDisabled
}

// frequencyInterval returns the longest time between two scheduled jobs of a frequency, 0 for an unknown frequency.
func frequencyInterval(frequency string) time.Duration {
	const day = 24 * time.Hour
	switch frequency {
	case "daily":
		return day
	case "weekly":
		return 7 * day
	case "monthly":
		return 31 * day
	case "yearly":
		return 366 * day
	}
	return 0
}
