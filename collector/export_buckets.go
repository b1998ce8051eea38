package collector

import (
	"context"
	"sync/atomic"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// exportBuckets reads the buckets that a project can export snapshots to.
func exportBuckets() *Declaration {
	return &Declaration{
		Name: "export_buckets", Noun: "export bucket", Role: readOnly, Row: RowWhenDown,
		attach: func(t *target) reader { return &bucketsReader{target: t} },
		probe: func(ctx context.Context, c *atlasapi.Client, groupID, _ string) (string, error) {
			return probeList(ctx, c.ExportBuckets(groupID))
		},
	}
}

// bucketsReader reads the export buckets of a project.
type bucketsReader struct {
	target *target
	last   atomic.Pointer[map[atlasapi.ObjectID]struct{}]
}

func (r *bucketsReader) read(ctx context.Context, s *settings) error {
	listed, err := collect(ctx, s.client.ExportBuckets(r.target.groupID))
	if err != nil {
		return err
	}
	ids := make(map[atlasapi.ObjectID]struct{}, len(listed))
	for _, b := range listed {
		ids[b.ID] = struct{}{}
	}
	r.last.Store(&ids)
	return nil
}

// bucketFound reports whether the project has the bucket that a cluster's schedule names. It is unset if the schedule
// names none, or if the buckets were never read.
func bucketFound(v *entryView) (found atlasapi.Optional[bool]) {
	r, schedule := readerOf[*bucketsReader](v.project.targets), scheduleOf(v.entry)
	if r == nil || schedule == nil || schedule.ExportBucketID.IsZero() || backupIsOff(v.entry) {
		return found
	}
	if ids := r.last.Load(); ids != nil {
		found.Set = true
		_, found.Value = (*ids)[schedule.ExportBucketID]
	}
	return found
}
