package collector

import "time"

// Plan is what the exporter knows about the future jobs of a target.
type Plan struct {
	// Since is when the cluster was created, zero if the target has no cluster.
	Since time.Time
	// Interval is how often a success is expected, 0 if none is.
	Interval time.Duration
	// Off is why Atlas starts no jobs by itself.
	Off Off
	// BackupWasOn and AutoExportWasOn are when the exporter last saw them on, zero if never.
	BackupWasOn, AutoExportWasOn time.Time
	// Restarts are the times when jobs could run again, as far as the exporter saw it.
	Restarts []Restart
	// UnknownFrequency reports a schedule whose interval is unknown, so that nothing is expected of it.
	UnknownFrequency bool
	// Next is when Atlas will start the next job, zero if unknown.
	Next time.Time
	// RestoreWindow is how far back continuous backup can restore to any moment, 0 if it is off.
	RestoreWindow time.Duration
	// Missing is the creation time of the oldest snapshot that should have been exported and was not, zero if there is
	// none.
	Missing time.Time
	// BucketMissing reports that the project does not have the export bucket that the schedule names.
	BucketMissing bool
}

// Off is why Atlas starts no jobs by itself.
type Off uint8

// The reasons why Atlas starts no jobs by itself.
const (
	NotOff Off = iota
	ClusterPaused
	PipelinePaused
	BackupOff
	AutoExportOff
	NothingScheduled

	offs = int(iota)
)

// String says it for a person, "" for NotOff.
func (o Off) String() string {
	return [offs]string{"", "cluster paused", "pipeline paused", "backup off", "auto export off", "nothing scheduled"}[o]
}

// Restart is when jobs could run again.
type Restart struct {
	At time.Time
	// After is how long no job could run. It is more than a year if the exporter did not see the beginning.
	After time.Duration
	// Pause reports that the cluster was paused. Otherwise a schedule was off.
	Pause bool
}

func (p *Plan) restart(r Restart, pause bool) {
	if !r.At.IsZero() {
		r.Pause = pause
		p.Restarts = append(p.Restarts, r)
	}
}
