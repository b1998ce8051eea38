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
				groupIDLabel, r.target.groupID, clusterLabel, r.target.name(), "frequency", unknown,
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
			s := t.currentStatus()
			return s.why() == BackupDisabled
		}
	}
	return e.info().Unsupported == BackupDisabled
}

// clusterPlan returns the part of a Plan that all collectors of a dedicated cluster share.
func clusterPlan(v *entryView, interval time.Duration) Plan {
	p := Plan{Since: clusterCreated(v.entry).time(), Interval: interval}
	p.restart(v.running.restarted(), true)
	if r := readerOf[*scheduleReader](v.targets()); r != nil {
		p.BackupWasOn = r.backup.lastOn()
	}
	switch {
	case backupIsOff(v.entry):
		p.Off = BackupOff
	case clusterOf(v).Paused.Value:
		p.Off = ClusterPaused
	}
	return p
}

// clusterInterval returns how often a collector of a dedicated cluster expects a success: by the configuration, else by
// the cluster's own policy. It returns 0 if the cluster is paused or its backup is off.
func clusterInterval(d *Declaration, v *entryView, policy time.Duration) time.Duration {
	if backupIsOff(v.entry) || clusterOf(v).Paused.Value {
		return 0
	}
	if configured, ok := v.config.Collectors.ExpectedInterval(d.Name, v.groupID, v.info().Name); ok {
		return configured
	}
	return policy
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

// scheduledItems returns the items of a backup policy for which Atlas takes snapshots by itself.
func scheduledItems(s *atlasapi.Schedule) []atlasapi.PolicyItem {
	return slices.DeleteFunc(slices.Clone(s.PolicyItems), func(i atlasapi.PolicyItem) bool { return i.FrequencyType == "ondemand" })
}

// unknownItems returns the scheduled items of a backup policy whose interval is unknown.
func unknownItems(s *atlasapi.Schedule) []atlasapi.PolicyItem {
	return slices.DeleteFunc(scheduledItems(s), func(i atlasapi.PolicyItem) bool { return itemInterval(i) > 0 })
}

// itemInterval returns the longest time between two snapshots of a policy item, 0 if it is unknown.
func itemInterval(i atlasapi.PolicyItem) time.Duration {
	if i.FrequencyType == "hourly" {
		return time.Duration(max(0, i.FrequencyInterval)) * time.Hour
	}
	return frequencyInterval(i.FrequencyType)
}

// policyInterval returns the longest time between two snapshots of the most frequent item of a backup policy. It
// returns 0 if no item with a known interval is scheduled, or if the schedule was never read. Weekly items count
// together: their interval is the largest gap between their weekdays.
func policyInterval(s *atlasapi.Schedule) time.Duration {
	if s == nil {
		return 0
	}
	var shortest time.Duration
	var weekdays []int
	for _, i := range scheduledItems(s) {
		interval := itemInterval(i)
		if i.FrequencyType == "weekly" && i.FrequencyInterval >= 1 && i.FrequencyInterval <= 7 {
			weekdays = append(weekdays, i.FrequencyInterval)
			continue
		}
		if interval > 0 && (shortest == 0 || interval < shortest) {
			shortest = interval
		}
	}
	if weekly := largestGap(weekdays); weekly > 0 && (shortest == 0 || weekly < shortest) {
		return weekly
	}
	return shortest
}

// largestGap returns the longest time between two consecutive weekdays of a list, 0 if the list is empty.
func largestGap(weekdays []int) time.Duration {
	if len(weekdays) == 0 {
		return 0
	}
	slices.Sort(weekdays)
	gap := weekdays[0] + 7 - weekdays[len(weekdays)-1] // over the end of the week
	for i := 1; i < len(weekdays); i++ {
		gap = max(gap, weekdays[i]-weekdays[i-1])
	}
	return time.Duration(gap) * 24 * time.Hour
}
