package collector

import (
	"slices"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// missingExport returns the creation of the oldest completed snapshot that auto export should have exported and did
// not. The export policy covers it, it is newer than the snapshot of the newest export job, and no export job has it.
func missingExport(v *entryView) seconds {
	snapshots, exports := readerOf[*snapshotReader](v.targets()), readerOf[*exportReader](v.targets())
	taken, exported, schedule := snapshots.only(), exports.only(), scheduleOf(v.entry)
	if taken == nil || exported == nil || schedule == nil || !autoExport(v.entry).Value {
		return 0
	}
	var bound, oldest seconds
	if exported.total > 0 {
		bound = taken.details.newerThan(&exported.newest)
	}
	for _, x := range taken.details.exportable {
		if x.created > bound && x.coveredBy(schedule, taken.words) && !exports.mayHaveJobOf(x.snapshot) {
			oldest = earliestOf(oldest, x.created)
		}
	}
	return oldest
}

// exportable has the fields of a completed snapshot that show whether its export is missing.
type exportable struct {
	created  seconds
	snapshot snapshotHash
	takenFor
}

// coveredBy reports whether the export policy covers a snapshot: it has the frequency of the export policy, or it was
// also taken for a policy item of that frequency.
func (x *exportable) coveredBy(s *atlasapi.Schedule, words interner) bool {
	if s.ExportFrequency == "" {
		return false
	}
	if words.word(x.frequency) == s.ExportFrequency {
		return true
	}
	return slices.ContainsFunc(s.PolicyItems, func(i atlasapi.PolicyItem) bool {
		if i.FrequencyType != s.ExportFrequency {
			return false
		}
		at := slices.Index(words, i.ID) + 1
		return at > 0 && x.items&(1<<at) != 0
	})
}

// keepExportable drops the snapshots whose export cannot be missing.
func keepExportable(e *entry, s *snapshotSummary) {
	details := &s.details
	exports := readerOf[*exportReader](e.targets())
	auto := autoExport(e)
	switch newest := exports.only(); {
	case exports == nil, auto.Set && !auto.Value:
		details.exportable, details.withoutAuto = nil, exports != nil
		return
	case newest != nil && newest.total > 0:
		export := &newest.newest
		details.bound = details.newerThan(export)
		if _, listed := details.takenAt(export.extra.snapshot); listed {
			details.boundExport = export.extra.snapshot
		}
	}
	// A copy, because the array of the long list would otherwise stay in memory.
	details.exportable = slices.Clone(slices.DeleteFunc(details.exportable, func(x exportable) bool {
		return x.created <= details.bound
	}))
}

// newerThan returns the creation of an export job's snapshot. If the snapshot is not listed, it returns the creation of
// the job. That is later, so no snapshot older than the exported one is reported as missing.
func (t *snapshotTotals) newerThan(export *job[exportExtra]) seconds {
	if at, listed := t.takenAt(export.extra.snapshot); listed {
		return at
	}
	return export.created
}

// takenAt returns the creation of a snapshot, and whether it is known.
func (t *snapshotTotals) takenAt(snapshot snapshotHash) (at seconds, listed bool) {
	if snapshot == 0 {
		return 0, false
	}
	if snapshot == t.boundExport {
		return t.bound, true
	}
	for _, x := range t.exportable {
		if x.snapshot == snapshot {
			return x.created, true
		}
	}
	return 0, false
}
