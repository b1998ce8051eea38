package atlassim

import (
	"cmp"
	"slices"
)

// ExportBucket is a bucket that a project may export snapshots to. Atlas sends nothing about its state.
type ExportBucket struct {
	// ID and Name identify the bucket.
	ID, Name string

	project *Project
}

// AddExportBucket adds a bucket on AWS. Every project has one from the start.
func (p *Project) AddExportBucket(name string) *ExportBucket {
	p.bucketsAdded++
	b := &ExportBucket{ID: objectID(p.Created, p.seed+p.bucketsAdded), Name: name, project: p}
	p.buckets = append(p.buckets, b)
	return b
}

// RemoveExportBucket deletes a bucket. Schedules and export jobs still name it.
func (p *Project) RemoveExportBucket(b *ExportBucket) {
	p.buckets = slices.DeleteFunc(p.buckets, func(other *ExportBucket) bool { return other == b })
}

// ExportBuckets returns the project's buckets in the order in which they were added.
func (p *Project) ExportBuckets() []*ExportBucket { return slices.Clone(p.buckets) }

// exportBucketID returns the id of the bucket of the cluster's schedule.
func (c *Cluster) exportBucketID() string {
	if c.Schedule.ExportBucketID != "" {
		return c.Schedule.ExportBucketID
	}
	return objectID(c.project.Created, c.project.seed+1)
}

func (b *ExportBucket) appendJSON(out []byte, base string) []byte {
	out = append(out, '{')
	out = textMember(out, "_id", b.ID)
	out = textMember(out, "bucketName", b.Name)
	out = textMember(out, "cloudProvider", "AWS")
	out = textMember(out, "iamRoleId", objectID(b.project.Created, b.project.seed+1<<32))
	out = valueMember(out, "links", []wireLink{{Href: base + "/groups/" + b.project.ID + "/backup/exportBuckets/" + b.ID, Rel: "self"}})
	out = textMember(out, "region", "EU_WEST_1")
	out = boolMember(out, "requirePrivateNetworking", false)
	return append(out, '}')
}

// listBuckets answers with the project's buckets. Atlas documents no order, so the order changes each time the first
// page is read. The other pages keep it, so that a reading sees each bucket once.
func (s *Server) listBuckets(c *call) reply {
	reads := c.project.bucketReads.Load()
	if c.page.number == 1 {
		reads = c.project.bucketReads.Add(1)
	}
	buckets := slices.Clone(c.project.buckets)
	slices.SortFunc(buckets, func(a, b *ExportBucket) int {
		return cmp.Compare(mix(seedOf(a.ID)+reads), mix(seedOf(b.ID)+reads))
	})
	return s.list(c, len(buckets), func(b []byte, place int) []byte { return buckets[place].appendJSON(b, s.base()) })
}
