package collector

import (
	"sync"
	"time"
)

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

func (p *Plan) restart(r Restart, pause bool) {
	if !r.At.IsZero() {
		r.Pause = pause
		p.Restarts = append(p.Restarts, r)
	}
}

// unseen is the assumed length of an interruption whose beginning the exporter did not see.
const unseen = 10 * 366 * 24 * time.Hour

// switchMemory remembers what the exporter saw of a switch in Atlas, because Atlas keeps no history of it.
type switchMemory struct {
	mu      sync.Mutex
	noted   bool
	on      bool
	last    time.Time // on was seen
	restart Restart
}

func (m *switchMemory) note(on bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on && m.noted && !m.on {
		m.restart = Restart{At: now, After: unseen}
		if !m.last.IsZero() {
			m.restart.After = now.Sub(m.last)
		}
	}
	if m.noted, m.on = true, on; on {
		m.last = now
	}
}

// lastOn returns when the switch was last seen on, zero if it never was.
func (m *switchMemory) lastOn() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// restarted returns when the switch was last seen on again after it was off.
func (m *switchMemory) restarted() Restart {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.restart
}
