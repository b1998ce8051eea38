package atlasapi

import "github.com/go-faster/jx"

var opListExportBuckets = &operation{name: "list_export_buckets", accept: version("2024-05-30"), limit: setBackups}

// ExportBucket is a bucket that a project may export snapshots to. Atlas sends neither a state nor a date. The name is
// not decoded.
type ExportBucket struct{ ID ObjectID }

// ExportBuckets lists the export buckets of a project, in no stable order.
//
// GET /groups/{groupId}/backup/exportBuckets, for Project Read Only.
func (c *Client) ExportBuckets(groupID string) List[ExportBucket] {
	return List[ExportBucket]{
		client: c, op: opListExportBuckets, group: groupID, path: []string{"groups", groupID, "backup", "exportBuckets"},
		decode: decodeExportBucket, id: func(b *ExportBucket) ObjectID { return b.ID },
	}
}

func decodeExportBucket(d *jx.Decoder, b *ExportBucket) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		if string(name) == "_id" {
			return objectID(d, &b.ID)
		}
		return d.Skip()
	})
}
