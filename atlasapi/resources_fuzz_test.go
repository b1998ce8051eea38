package atlasapi

import "testing"

func snapshotAgain(r reread, n *node) Snapshot {
	s := Snapshot{
		ID: r.id(n, "id"), Status: r.text(n, "status"), Type: r.text(n, "snapshotType"), Frequency: r.text(n, "frequencyType"),
		CreatedAt: r.date(n, "createdAt"), ExpiresAt: r.date(n, "expiresAt"), StorageSizeBytes: r.number(n, "storageSizeBytes"),
	}
	anything := func(n *node) *node { return n }
	for _, m := range n.members { // null ends the list of one name too
		switch {
		case m.name == "copyRegions" && m.value != nil:
			s.CopyRegions = len(elements(r, anything)(m.node))
		case m.name == "copyRegions":
			s.CopyRegions = 0
		case m.name == "policyItems":
			s.PolicyItems = nil
			if m.value != nil {
				for _, item := range elements(r, anything)(m.node) {
					if id, ok := item.value.(string); ok {
						s.PolicyItems = append(s.PolicyItems, id)
					}
				}
			}
		}
	}
	return s
}

func FuzzSnapshots(f *testing.F) {
	const head = `{"id":"6a7944f42c88faeba59d5001","status":"completed","snapshotType":"scheduled",`
	seedWith(f, []string{"snapshots.json"}, []string{
		head + `"frequencyType":"hourly","createdAt":"2026-08-10T03:28:08Z","expiresAt":"2026-08-17T03:28:08Z","storageSizeBytes":1582854144}`,
		head + `"copyRegions":["EU_WEST_1",{"regionName":"CANARY"},null,[]],"policyItems":["CANARY",null,5,{"id":"x"}]}`,
		head + `"copyRegions":{},"policyItems":[]}`, head + `"policyItems":"CANARY"}`, head + `"copyRegions":["a"],"copyRegions":null}`,
		head + `"policyItems":["a"],"policyItems":["b"],"frequencyType":"ondemand"}`, head + `"storageSizeBytes":9223372036854775808}`,
		head + `"storageSizeBytes":-1,"createdAt":"CANARY"}`, head + `"description":"CANARY","masterKeyUUID":["CANARY"]}`,
	}, `{"results":[%s]}`)
	paged := ofList("list_backup_snapshots", func(c *Client) List[Snapshot] { return c.Snapshots(fuzzedGroup, "prod") }, snapshotAgain)
	unpaged := ofList("list_sharded_backup_snapshots", func(c *Client) List[Snapshot] { return c.ShardedSnapshots(fuzzedGroup, "prod") }, snapshotAgain)
	readPage := unpaged.again
	unpaged.again = func(r reread, n *node) Page[Snapshot] {
		page := readPage(r, n)
		if page.More {
			r.refuse()
		}
		return page
	}
	fuzz(f, paged.check, unpaged.check)
}

func FuzzCollectionRestores(f *testing.F) {
	const head = `{"id":"6a7945592c88faeba59d6001","state":"SUCCESSFUL",`
	seedWith(f, []string{"collection_restores.json"}, []string{
		head + `"createdAt":"2026-08-10T03:28:25Z","restoredDocuments":12,"totalDocuments":13,"indexStatus":{"failedCollectionCount":1}}`,
		head + `"indexStatus":{"failedCollectionCount":2},"indexStatus":{"failedCollectionCount":null},"indexStatus":null}`,
		head + `"indexStatus":"CANARY"}`, head + `"restoredDocuments":1.5}`, head + `"totalDocuments":"12"}`,
		head + `"errorMessage":{"CANARY":1},"databases":"CANARY","finishedAt":null}`, head + `"finishedAt":5}`,
	}, `{"results":[%s],"totalCount":1}`)
	list := ofList("list_collection_restores", func(c *Client) List[CollectionRestore] { return c.CollectionRestores(fuzzedGroup, "prod") },
		func(r reread, n *node) CollectionRestore {
			return CollectionRestore{
				ID: r.id(n, "id"), State: r.text(n, "state"), CreatedAt: r.date(n, "createdAt"), FinishedAt: r.date(n, "finishedAt"),
				RestoredDocuments: r.number(n, "restoredDocuments"), TotalDocuments: r.number(n, "totalDocuments"),
				FailedIndexCollections: r.number(r.merged(n, "indexStatus"), "failedCollectionCount"),
			}
		})
	fuzz(f, list.check)
}

func FuzzFlexClusters(f *testing.F) {
	const head = `{"id":"6a6d62982c88faeba59d7001","name":"flex0",`
	seedWith(f, []string{"flex_clusters.json"}, []string{
		head + `"backupSettings":{"enabled":true},"createDate":"2026-08-01T03:02:48Z","stateName":"IDLE"}`,
		head + `"backupSettings":{"enabled":1}}`, head + `"backupSettings":{"enabled":false},"backupSettings":{}}`, head + `"backupSettings":[]}`,
		head + `"providerSettings":"CANARY","stateName":null}`, `{"id":"6a6d62982c88faeba59d7001","name":""}`,
	}, `{"results":[%s]}`)
	list := ofList("list_flex_clusters", func(c *Client) List[FlexCluster] { return c.FlexClusters(fuzzedGroup) },
		func(r reread, n *node) FlexCluster {
			c := FlexCluster{
				ID: r.id(n, "id"), Name: r.text(n, "name"), StateName: r.text(n, "stateName"), CreateDate: r.date(n, "createDate"),
				BackupEnabled: optionally(r, r.merged(n, "backupSettings"), "enabled", r.bool),
			}
			if c.Name == "" {
				r.refuse()
			}
			return c
		})
	fuzz(f, list.check)
}

func FuzzFlexSnapshots(f *testing.F) {
	const head = `{"id":"6a793eb12c88faeba59d8001","status":"COMPLETED",`
	seedWith(f, []string{"flex_snapshots.json"}, []string{
		head + `"scheduledTime":"2026-08-10T03:00:00Z","startTime":"2026-08-10T03:00:32Z","finishTime":null,"expiration":"2026-08-18T03:00:00Z"}`,
		head + `"startTime":"CANARY"}`, head + `"expiration":0}`, head + `"mongoDBVersion":["CANARY"],"status":"\u0046AILED"}`,
	}, `{"results":[%s]}`)
	list := ofList("list_flex_snapshots", func(c *Client) List[FlexSnapshot] { return c.FlexSnapshots(fuzzedGroup, "flex0") },
		func(r reread, n *node) FlexSnapshot {
			return FlexSnapshot{
				ID: r.id(n, "id"), Status: r.text(n, "status"), ScheduledTime: r.date(n, "scheduledTime"), StartTime: r.date(n, "startTime"),
				FinishTime: r.date(n, "finishTime"), Expiration: r.date(n, "expiration"),
			}
		})
	fuzz(f, list.check)
}

func FuzzFlexRestores(f *testing.F) {
	const head = `{"id":"6a79481a2c88faeba59d9001","status":"COMPLETED",`
	seedWith(f, []string{"flex_restores.json"}, []string{
		head + `"deliveryType":"DOWNLOAD","restoreScheduledDate":"2026-08-10T03:40:10Z","restoreFinishedDate":null,"snapshotUrl":"CANARY"}`,
		head + `"snapshotUrl":["CANARY"],"deliveryType":5}`, head + `"snapshotUrl":"CANARY","restoreFinishedDate":"CANARY"}`,
	}, `{"results":[%s]}`)
	list := ofList("list_flex_restores", func(c *Client) List[FlexRestore] { return c.FlexRestores(fuzzedGroup, "flex0") },
		func(r reread, n *node) FlexRestore {
			return FlexRestore{
				ID: r.id(n, "id"), DeliveryType: r.text(n, "deliveryType"), Status: r.text(n, "status"),
				ScheduledAt: r.date(n, "restoreScheduledDate"), FinishedAt: r.date(n, "restoreFinishedDate"),
			}
		})
	fuzz(f, list.check)
}

func FuzzExportBuckets(f *testing.F) {
	seedWith(f, []string{"export_buckets.json"}, []string{
		`{"_id":"6a794342c0eb9e7a17729455","bucketName":"CANARY"}`, `{"_id":"6A"}`, `{"id":"6a794342c0eb9e7a17729455"}`,
	}, `{"results":[%s]}`)
	list := ofList("list_export_buckets", func(c *Client) List[ExportBucket] { return c.ExportBuckets(fuzzedGroup) },
		func(r reread, n *node) ExportBucket { return ExportBucket{r.id(n, "_id")} })
	fuzz(f, list.check)
}
