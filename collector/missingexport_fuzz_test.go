package collector

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// fuzzedChain is what Atlas answers about one cluster.
type fuzzedChain struct {
	schedule  atlasapi.Schedule
	snapshots []atlasapi.Snapshot
	exports   []atlasapi.ExportJob
}

// fuzzedID is an id of a kind whose time is that of the date.
func fuzzedID(kind byte, number int, made time.Time) (id atlasapi.ObjectID) {
	binary.BigEndian.PutUint32(id[:], uint32(made.Unix()))
	id[4], id[11] = kind, byte(number+1)
	return id
}

// newFuzzedChain decodes a chain from a script: three bytes for the schedule, and four for each snapshot or export.
func newFuzzedChain(script []byte) fuzzedChain {
	items := []string{"6a7900000000000000000a01", "6a7900000000000000000b02", "6a7900000000000000000c03", "6a7900000000000000000d04"}
	frequencies := []string{"daily", "weekly", "hourly", "monthly", ""}
	var c fuzzedChain
	head := append(slices.Clone(script), 0, 0, 0)[:3]
	script = script[min(3, len(script)):]
	c.schedule.AutoExportEnabled = atlasapi.Optional[bool]{Set: head[0] != 0, Value: head[0]%8 != 7}
	c.schedule.ExportFrequency = frequencies[int(head[1])%len(frequencies)]
	for i := range int(head[2]) % 5 {
		c.schedule.PolicyItems = append(c.schedule.PolicyItems, atlasapi.PolicyItem{
			ID: items[i], FrequencyType: frequencies[(int(head[2])>>2+i)%4], FrequencyInterval: 1,
		})
	}
	for i := 0; len(script) >= 4 && i < 40; i++ {
		b := script[:4]
		script = script[4:]
		at := firstDay.Add(time.Duration(b[1]) * 5 * time.Hour)
		if b[0]&1 == 0 {
			s := atlasapi.Snapshot{
				ID: fuzzedID(1, i, at), CreatedAt: at.Add(time.Minute),
				Status:    []string{"completed", "completed", "completed", "failed", "inProgress", "queued", "archived"}[int(b[0]>>1)%7],
				Type:      []string{"scheduled", "scheduled", "onDemand", snapshotFallback}[b[2]%4],
				Frequency: []string{"daily", "weekly", "hourly", "monthly", "ondemand", ""}[int(b[2]>>2)%6],
			}
			if b[3]&0x10 != 0 {
				s.CreatedAt = time.Time{}
			}
			for bit, item := range items {
				if b[3]&(1<<bit) != 0 {
					s.PolicyItems = append(s.PolicyItems, item)
				}
			}
			c.snapshots = append(c.snapshots, s)
			continue
		}
		e := atlasapi.ExportJob{
			ID: fuzzedID(2, i, at), CreatedAt: at.Add(time.Duration(b[3]%4) * time.Minute),
			State: []string{"Successful", "Failed", "InProgress", "Queued", "Cancelled", "Tomorrow"}[int(b[0]>>1)%6],
		}
		switch {
		case b[2] == 255: // Atlas names none
		case len(c.snapshots) > 0 && b[2] < 200:
			s := c.snapshots[int(b[2])%len(c.snapshots)]
			e.SnapshotID = s.ID
		default:
			e.SnapshotID = fuzzedID(3, i, at) // one that has expired
		}
		c.exports = append(c.exports, e)
	}
	return c
}

func createdAgain(at time.Time, id atlasapi.ObjectID) int64 {
	return cmp.Or(secondsAgain(at), secondsAgain(id.Time()))
}

// missing returns when the snapshots were created that auto export should have exported and that have no export job, oldest
// first, as the interface describes them. If the snapshot of the newest export job can no longer be exported, the creation of
// the job bounds what may be missing.
func (c fuzzedChain) missing() []int64 {
	if !c.schedule.AutoExportEnabled.Value {
		return nil
	}
	exportable := func(s atlasapi.Snapshot) bool { return s.Status == "completed" && s.Type != "fallback" }
	bound := int64(-1)
	if len(c.exports) > 0 {
		newest := slices.MaxFunc(c.exports, func(a, b atlasapi.ExportJob) int {
			return cmp.Or(cmp.Compare(createdAgain(a.CreatedAt, a.ID), createdAgain(b.CreatedAt, b.ID)), bytes.Compare(a.ID[:], b.ID[:]))
		})
		bound = createdAgain(newest.CreatedAt, newest.ID)
		for _, s := range c.snapshots {
			if s.ID == newest.SnapshotID && exportable(s) {
				bound = createdAgain(s.CreatedAt, s.ID)
			}
		}
	}
	var found []int64
	for _, s := range c.snapshots {
		covered := s.Frequency == c.schedule.ExportFrequency
		for _, item := range c.schedule.PolicyItems {
			covered = covered || item.FrequencyType == c.schedule.ExportFrequency && slices.Contains(s.PolicyItems, item.ID)
		}
		exported := slices.ContainsFunc(c.exports, func(e atlasapi.ExportJob) bool { return e.SnapshotID == s.ID })
		if at := createdAgain(s.CreatedAt, s.ID); c.schedule.ExportFrequency != "" && covered && exportable(s) && !exported && at > bound {
			found = append(found, at)
		}
	}
	slices.Sort(found)
	return found
}

// FuzzMissingExport lists arbitrary snapshots and export jobs and reads them in any order: the missing snapshot must match an
// independent reading of the whole lists. While jobs created in the meantime are read, no other snapshot may be reported as
// missing.
func FuzzMissingExport(f *testing.F) {
	f.Add([]byte{})
	week := []byte{1, 0, 1}
	for day := range byte(7) {
		week = append(week, 0, day*5, 0, 1)
		f.Add(slices.Clone(week))
	}
	for _, exported := range []byte{0, 3, 5, 6, 255, 210} {
		f.Add(append(slices.Clone(week), 1, 30, exported, 1))
		f.Add(append(slices.Clone(week), 1, 14, exported, 1, 3, 22, 1, 2, 5, 40, 2, 0))
	}
	f.Add([]byte{1, 0, 6, 0, 1, 8, 3, 0, 9, 4, 1, 1, 3, 0, 1, 0, 20, 3, 1, 0, 30, 1, 16})
	f.Fuzz(func(t *testing.T, script []byte) {
		atlas := newFuzzedChain(script)
		want := atlas.missing()
		read := map[byte]func(*chain){
			'd': func(c *chain) { schedule := atlas.schedule; c.schedule.last.Store(&schedule) },
			's': func(c *chain) { c.readSnapshots(atlas.snapshots...) },
			'e': func(c *chain) { c.readExports(atlas.exports...) },
			'h': func(c *chain) { c.readExports(atlas.exports[:len(atlas.exports)/2]...) }, // those of an earlier moment
		}
		for _, order := range []string{"des", "dse", "sde", "sed", "esd", "eds", "dhses", "hsdes", "dehses", "sdhes"} {
			c := newChain(t)
			for i := range order {
				read[order[i]](c)
				if got := missingExport(c.view); got != 0 && order[i] == 'e' && !slices.Contains(want, int64(got)) {
					t.Errorf("read as %s: %s is missing, which is none of %v of %+v", order[:i+1], got.time().UTC(), want, atlas)
				}
			}
			var oldest int64
			if len(want) > 0 {
				oldest = want[0]
			}
			if got := missingExport(c.view); int64(got) != oldest {
				t.Errorf("read as %s: %s is missing, want %s of %+v", order, got.time().UTC(), time.Unix(oldest, 0).UTC(), atlas)
			}
		}
	})
}
