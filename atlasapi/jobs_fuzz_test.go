package atlasapi

import (
	"slices"
	"strings"
	"testing"
)

func exportAgain(r reread, n *node) ExportJob {
	job := ExportJob{
		SnapshotID: r.reference(n, "snapshotId"),
		ID:         r.id(n, "id"), State: r.text(n, "state"), CreatedAt: r.date(n, "createdAt"), FinishedAt: r.date(n, "finishedAt"),
		ExportStatus: optionally(r, n, "exportStatus", func(n *node) ExportStatus {
			return ExportStatus{ExportedCollections: r.small(r.object(n), "exportedCollections"), TotalCollections: r.small(n, "totalCollections")}
		}),
		ErrorCode: r.text(r.merged(n, "stateReason"), "errorCode"),
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
	if len(job.ErrorCode) > 100 || strings.Trim(job.ErrorCode, letters) != "" {
		job.ErrorCode = "" // it becomes a label
	}
	return job
}

func FuzzExportJobs(f *testing.F) {
	const head = `{"id":"6a7945592c88faeba59d5e8e","state":"Successful",`
	seedWith(f, []string{"exports.json"}, []string{
		head + `"createdAt":"2026-08-10T03:28:25Z","finishedAt":"2026-08-10T03:43:05Z","exportStatus":{"exportedCollections":0,"totalCollections":0}}`,
		head + `"createdAt":"0001-01-01T00:00:00Z","finishedAt":"9999-12-31T23:59:59Z"}`, head + `"createdAt":"10000-01-01T00:00:00Z"}`,
		head + `"finishedAt":"2026-08-10T03:43:05,25Z"}`, head + `"finishedAt":"2026-08-10T03:43:60Z"}`, head + `"finishedAt":1786332505}`,
		head + `"exportStatus":{"exportedCollections":2147483647,"totalCollections":-2147483648}}`,
		head + `"exportStatus":{"exportedCollections":6000000000}}`, head + `"exportStatus":{"totalCollections":99999999999999999999999999}}`,
		head + `"exportStatus":{"totalCollections":1.5}}`, head + `"exportStatus":{},"exportStatus":null}`, head + `"exportStatus":[]}`,
		`{"id":"6a7945592c88faeba59d5e8e","state":"Failed","stateReason":{"errorCode":"EXPORT_BUCKET_ACCESS_DENIED","message":"CANARY"}}`,
		`{"id":"6a7945592c88faeba59d5e8e","state":"\u0046ailed","stateReason":{"errorCode":"CANARY","message":null}}`,
		head + `"customData":[{"key":"k","value":"v"},{}],"customData":[{"value":"w"}],"customData":null}`, head + `"customData":[null]}`,
		head + `"components":[{"exportId":"6a7953692c88faeba59d5e91","replicaSetName":"shard-0"},{"exportId":"CANARY"}]}`,
		head + `"deliveryUrl":"CANARY","prefix":["CANARY"]}`, head + `"snapshotId":5}`, head + `"snapshotId":"","exportBucketId":null}`,
		head + `"prefix":"exported_snapshots/o/p/cluster0/2026-08-10T0327/1786332505"}],"links":[{"rel":"next"}],"x":[{}`,
	}, `{"links":[{"rel":"self"}],"results":[%s]}`)
	list := ofList("list_backup_exports", func(c *Client) List[ExportJob] { return c.ExportJobs(fuzzedGroup, "prod") }, exportAgain)
	fuzz(f, list.check)
}

func restoreAgain(r reread, n *node) RestoreJob {
	address := func(n *node) bool { return n.value != nil && r.string(n) != "" }
	member := func(n *node, name string) bool {
		found := false
		for _, m := range r.all(r.object(n), name) {
			found = address(m) || found
		}
		return found
	}
	private := func(n *node) bool { return member(n, "deliveryUrl") }
	component := func(n *node) bool {
		own, another := member(n, "downloadUrl"), r.anyOf(n, "privateDownloadDeliveryUrls", private)
		return own || another
	}
	urls := []bool{
		r.anyOf(n, "deliveryUrl", address), r.anyOf(n, "privateDownloadDeliveryUrls", private), r.anyOf(n, "components", component),
	}
	return RestoreJob{
		ID: r.id(n, "id"), DeliveryType: r.text(n, "deliveryType"),
		Cancelled: r.flag(n, "cancelled"), Failed: r.flag(n, "failed"), Expired: r.flag(n, "expired"),
		FinishedAt: r.date(n, "finishedAt"), ExpiresAt: r.date(n, "expiresAt"),
		HasURL: slices.Contains(urls, true),
	}
}

func FuzzRestoreJobs(f *testing.F) {
	const head = `{"id":"6a794733c0eb9e7a17740663","cancelled":false,"failed":false,"expired":false,`
	const url = `"https://canary.invalid/0123456789?sig=a-b"`
	seedWith(f, []string{"restores.json"}, []string{
		head + `"deliveryType":"automated","finishedAt":"2026-08-10T03:40:10Z","deliveryUrl":[],"desiredTimestamp":{"date":null,"increment":null,"time":null}}`,
		head + `"deliveryType":"download","expiresAt":"2026-08-10T05:35:05Z","deliveryUrl":[` + url + `,null,""]}`,
		head + `"deliveryUrl":` + url + `}`, head + `"deliveryUrl":[` + url + `,5]}`, head + `"deliveryUrl":[` + url + `,{` + url + `:1}]}`,
		head + `"deliveryUrl":[` + url + `],"timestamp":` + url + `}`, head + `"deliveryUrl":[` + url + `],"failed":` + url + `}`,
		head + `"deliveryUrl":[` + url + `],"deliveryUrl":null,"expiresAt":{` + url + `:` + url + `}}`,
		head + `"privateDownloadDeliveryUrls":[{"deliveryUrl":` + url + `,"endpointId":"vpce-1"},{"deliveryUrl":null}]}`,
		head + `"privateDownloadDeliveryUrls":[` + url + `]}`, head + `"components":[{"downloadUrl":[` + url + `]}]}`,
		head + `"components":[{"replicaSetName":"shard-0","downloadUrl":` + url + `,"privateDownloadDeliveryUrls":[{"deliveryUrl":` + url + `}]},{}]}`,
		head + `"components":[` + url + `]}`, head + `"components":{},"deliveryUrl":[` + url + `]}`,
		`{"id":"6a794733c0eb9e7a17740663","cancelled":true,"failed":true,"deliveryType":"pointInTime","oplogTs":1786332505,"oplogInc":7,"pointInTimeUTCSeconds":99999999999999999999}`,
		head + `"desiredTimestamp":{"date":"2026-08-09T23:00:00Z"},"desiredTimestamp":{"increment":4}}`, head + `"desiredTimestamp":"now"}`,
		head + `"failed":null,"failed":true,"cancelled":"no"}`, head + `"finishedAt":"0000-01-01T00:00:00Z","expired":1}`,
		head + `"finishedAt":"2026-08-10T03:40:10.123456789123456789Z","targetGroupId":"x","targetClusterName":"orders-copy"}`,
	}, `{"results":[%s]}`)
	list := ofList("list_backup_restores", func(c *Client) List[RestoreJob] { return c.RestoreJobs(fuzzedGroup, "prod") }, restoreAgain)
	fuzz(f, list.check)
}
