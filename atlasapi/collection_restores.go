package atlasapi

import (
	"time"

	"github.com/go-faster/jx"
)

var opListCollectionRestores = &operation{name: "list_collection_restores", accept: version("2025-03-12"), limit: setBackups}

// CollectionRestore is a job that restores single collections of a snapshot. It does not say which: their names may be
// confidential.
type CollectionRestore struct {
	ID         ObjectID
	State      string // INITIALIZING, IN_PROGRESS, FINALIZING, SUCCESSFUL, CANCELED or FAILED
	CreatedAt  time.Time
	FinishedAt time.Time // zero until the job ended

	RestoredDocuments      Optional[int64]
	TotalDocuments         Optional[int64] // may be an estimate
	FailedIndexCollections Optional[int64] // collections whose indexes could not be built
}

// CollectionRestores lists the collection restore jobs of a cluster: the one that the snapshots belong to. The order is
// unknown.
//
// GET /groups/{groupId}/clusters/{clusterName}/collectionRestoreJobs, for Project Backup Manager.
func (c *Client) CollectionRestores(groupID, cluster string) List[CollectionRestore] {
	return List[CollectionRestore]{
		client: c, op: opListCollectionRestores, group: groupID, uncounted: true,
		path:   []string{"groups", groupID, "clusters", cluster, "collectionRestoreJobs"},
		decode: decodeCollectionRestore, id: func(r *CollectionRestore) ObjectID { return r.ID },
	}
}

func decodeCollectionRestore(d *jx.Decoder, r *CollectionRestore) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "id":
			return objectID(d, &r.ID)
		case "state":
			return enum(d, &r.State, "SUCCESSFUL", "FAILED", "CANCELED", "IN_PROGRESS", "FINALIZING", "INITIALIZING")
		case "createdAt":
			return date(d, &r.CreatedAt)
		case "finishedAt":
			return date(d, &r.FinishedAt)
		case "restoredDocuments":
			return optional(d, &r.RestoredDocuments, integer)
		case "totalDocuments":
			return optional(d, &r.TotalDocuments, integer)
		case "indexStatus":
			return nullable(d, func() error {
				return only(d, "failedCollectionCount", func() error { return optional(d, &r.FailedIndexCollections, integer) })
			})
		}
		return d.Skip()
	})
}
