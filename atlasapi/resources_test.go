package atlasapi

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// resource is an endpoint, its request and what is decoded from its fixture. Each is read through a wire in memory.
type resource struct {
	fixture, path, query, accept string
	read                         func(context.Context, *Client) (any, error)
	want                         any
}

func readAll[T any](list func(*Client) List[T]) func(context.Context, *Client) (any, error) {
	return func(ctx context.Context, c *Client) (any, error) {
		var items []T
		for item, err := range list(c).All(ctx) {
			if err != nil {
				return items, err
			}
			items = append(items, item)
		}
		return items, nil
	}
}

func moment(rfc3339 string) time.Time { return must(time.Parse(time.RFC3339, rfc3339)) }

func identity(hex string) ObjectID { return must(ParseObjectID(hex)) }

func some[T any](v T) Optional[T] { return Optional[T]{Value: v, Set: true} }

// snapshots are those of the fixture.
func snapshots() []Snapshot {
	return []Snapshot{
		{
			ID: identity("6a7944f42c88faeba59d5001"), Status: "completed", Type: "scheduled", Frequency: "hourly",
			CreatedAt: moment("2026-08-10T03:28:08Z"), ExpiresAt: moment("2026-08-17T03:28:08Z"),
			StorageSizeBytes: some[int64](1582854144), CopyRegions: 2,
			PolicyItems: []string{"6a7944f42c88faeba59d5a01", "6a7944f42c88faeba59d5a02"},
		},
		{
			ID: identity("6a7944f42c88faeba59d5002"), Status: "queued", Type: "onDemand", Frequency: "ondemand",
			ExpiresAt: moment("2026-08-11T03:26:00Z"), StorageSizeBytes: some[int64](0),
		},
		{
			ID: identity("6a7944f42c88faeba59d5003"), Status: "failed", Type: "fallback", Frequency: "daily",
			CreatedAt: moment("2026-08-10T09:28:08Z"), CopyRegions: 3, PolicyItems: []string{"6a7944f42c88faeba59d5a02"},
		},
		{
			ID: identity("6a7944f42c88faeba59d5004"), Status: "A_STATUS_OF_TOMORROW", Type: "A_TYPE_OF_TOMORROW",
			Frequency: "A_FREQUENCY_OF_TOMORROW",
		},
		{ID: identity("6a7944f42c88faeba59d5005")},
	}
}

func resources() map[string]resource {
	const (
		group = "/groups/" + fuzzedGroup
		paged = "includeCount=false&itemsPerPage=500&pageNum=1"
	)
	return map[string]resource{
		"list_backup_snapshots": {
			"snapshots.json", group + "/clusters/prod/backup/snapshots", paged, "2023-01-01",
			readAll(func(c *Client) List[Snapshot] { return c.Snapshots(fuzzedGroup, "prod") }), snapshots(),
		},
		"list_sharded_backup_snapshots": {
			"snapshots.json", group + "/clusters/prod/backup/snapshots/shardedClusters", "", "2023-01-01",
			readAll(func(c *Client) List[Snapshot] { return c.ShardedSnapshots(fuzzedGroup, "prod") }), snapshots(),
		},
		"list_collection_restores": {
			"collection_restores.json", group + "/clusters/prod/collectionRestoreJobs", "itemsPerPage=500&pageNum=1", "2025-03-12",
			readAll(func(c *Client) List[CollectionRestore] { return c.CollectionRestores(fuzzedGroup, "prod") }),
			[]CollectionRestore{
				{
					ID: identity("6a7945592c88faeba59d6001"), State: "SUCCESSFUL", CreatedAt: moment("2026-08-10T03:28:25Z"),
					FinishedAt: moment("2026-08-10T03:58:25Z"), RestoredDocuments: some[int64](12),
					TotalDocuments: some[int64](9007199254740993), FailedIndexCollections: some[int64](2),
				},
				{
					ID: identity("6a7945592c88faeba59d6002"), State: "CANCELED", CreatedAt: moment("2026-08-10T04:28:25Z"),
					RestoredDocuments: some[int64](0),
				},
				{ID: identity("6a7945592c88faeba59d6003"), State: "A_STATE_OF_TOMORROW"},
				{ID: identity("6a7945592c88faeba59d6004")},
			},
		},
		"list_flex_clusters": {
			"flex_clusters.json", group + "/flexClusters", paged, "2024-11-13",
			readAll(func(c *Client) List[FlexCluster] { return c.FlexClusters(fuzzedGroup) }),
			[]FlexCluster{
				{
					ID: identity("6a6d62982c88faeba59d7001"), Name: "flex0", StateName: "IDLE",
					CreateDate: moment("2026-08-01T03:02:48Z"), BackupEnabled: some(true),
				},
				{ID: identity("6a6d62982c88faeba59d7002"), Name: "flex1", StateName: "A_STATE_OF_TOMORROW", BackupEnabled: some(false)},
				{ID: identity("6a6d62982c88faeba59d7003"), Name: "flex2"},
				{ID: identity("6a6d62982c88faeba59d7004"), Name: "flex3"},
			},
		},
		"list_flex_snapshots": {
			"flex_snapshots.json", group + "/flexClusters/flex0/backup/snapshots", paged, "2024-11-13",
			readAll(func(c *Client) List[FlexSnapshot] { return c.FlexSnapshots(fuzzedGroup, "flex0") }),
			[]FlexSnapshot{
				{
					ID: identity("6a793eb12c88faeba59d8001"), Status: "COMPLETED", ScheduledTime: moment("2026-08-10T03:00:00Z"),
					StartTime: moment("2026-08-10T03:00:32Z"), FinishTime: moment("2026-08-10T03:01:46Z"), Expiration: moment("2026-08-18T03:00:00Z"),
				},
				{
					ID: identity("6a793eb12c88faeba59d8002"), Status: "FAILED", ScheduledTime: moment("2026-08-11T03:00:00Z"),
					StartTime: moment("2026-08-11T03:00:32Z"), FinishTime: moment("2026-08-11T03:01:46Z"), Expiration: moment("2026-08-19T03:00:00Z"),
				},
				{ID: identity("6a793eb12c88faeba59d8003"), Status: "PENDING", ScheduledTime: moment("2026-08-12T03:00:00Z")},
				{ID: identity("6a793eb12c88faeba59d8004"), Status: "CLOSED"},
				{ID: identity("6a793eb12c88faeba59d8005")},
			},
		},
		"list_flex_restores": {
			"flex_restores.json", group + "/flexClusters/flex0/backup/restoreJobs", paged, "2024-11-13",
			readAll(func(c *Client) List[FlexRestore] { return c.FlexRestores(fuzzedGroup, "flex0") }),
			[]FlexRestore{
				{
					ID: identity("6a79481a2c88faeba59d9001"), DeliveryType: "RESTORE", Status: "COMPLETED",
					ScheduledAt: moment("2026-08-10T03:40:10Z"), FinishedAt: moment("2026-08-10T03:41:11Z"),
				},
				{
					ID: identity("6a79481a2c88faeba59d9002"), DeliveryType: "DOWNLOAD", Status: "FAILED",
					ScheduledAt: moment("2026-08-10T03:40:10Z"), FinishedAt: moment("2026-08-10T03:41:11Z"),
				},
				{ID: identity("6a79481a2c88faeba59d9003"), DeliveryType: "A_TYPE_OF_TOMORROW", Status: "A_STATUS_OF_TOMORROW"},
				{ID: identity("6a79481a2c88faeba59d9004")},
			},
		},
		"list_export_buckets": {
			"export_buckets.json", group + "/backup/exportBuckets", paged, "2024-05-30",
			readAll(func(c *Client) List[ExportBucket] { return c.ExportBuckets(fuzzedGroup) }),
			[]ExportBucket{{identity("6a794342c0eb9e7a17729455")}, {identity("6a794342c0eb9e7a17729457")}},
		},
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	for endpoint, r := range resources() {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(filepath.Join("testdata", r.fixture))
			if err != nil {
				t.Fatal(err)
			}
			var asked []*http.Request
			var seen []Exchange
			c := clientOn(t, Options{Observer: observing{exchanged: func(e Exchange) { seen = append(seen, e) }}}, func(req *http.Request) *http.Response {
				asked = append(asked, req)
				return answering(http.StatusOK, nil, body)
			})
			got, err := r.read(t.Context(), c)
			if err != nil || !reflect.DeepEqual(got, r.want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, got, r.want)
			}
			if len(asked) != 1 || asked[0].Method != http.MethodGet || asked[0].URL.Path != apiPath+r.path || asked[0].URL.RawQuery != r.query ||
				asked[0].Header.Get("Accept") != "application/vnd.atlas."+r.accept+"+json" {
				t.Errorf("requested %+v", asked)
			}
			if len(seen) != 1 || seen[0].Endpoint != endpoint || seen[0].GroupID != fuzzedGroup {
				t.Errorf("observed %+v", seen)
			}
		})
	}
}

// observing is an Observer of exchanges only.
type observing struct {
	nopObserver
	exchanged func(Exchange)
}

func (o observing) Exchanged(e Exchange) { o.exchanged(e) }

// TestUnusableResources checks that malformed items are rejected, and that members that are not decoded do no harm.
func TestUnusableResources(t *testing.T) {
	t.Parallel()
	for endpoint, r := range resources() {
		for _, body := range []string{
			`{}`, `{"results":null}`, `{"results":[{"name":"no id"}]}`, `{"results":[{"id":"6A","_id":"6A"}]}`, `{"results":[`, `[]`,
			`{"results":[],"links":[{"rel":"next"}]}`,
		} {
			t.Run(endpoint+" "+body, func(t *testing.T) {
				t.Parallel()
				c := clientOn(t, Options{}, func(*http.Request) *http.Response { return answering(http.StatusOK, nil, []byte(body)) })
				_, err := r.read(t.Context(), c)
				if kind, ok := KindOf(err); !ok || kind != KindBadResponse {
					t.Errorf("read with %v, want a bad response", err)
				}
			})
		}
	}
}

// TestUnpagedList checks that a single answer that is not the whole list is not mistaken for it.
func TestUnpagedList(t *testing.T) {
	t.Parallel()
	body := `{"links":[{"rel":"next"}],"results":[{"id":"6a7944f42c88faeba59d5001"}]}`
	c := clientOn(t, Options{}, func(*http.Request) *http.Response { return answering(http.StatusOK, nil, []byte(body)) })
	_, err := readAll(func(c *Client) List[Snapshot] { return c.ShardedSnapshots(fuzzedGroup, "prod") })(t.Context(), c)
	if kind, _ := KindOf(err); kind != KindBadResponse || !strings.Contains(err.Error(), errUnpaged.Error()) {
		t.Errorf("read with %v", err)
	}
}

func TestHasCode(t *testing.T) {
	t.Parallel()
	body := `{"detail":"use the other one","error":400,"errorCode":"INCORRECT_BACKUP_API_ENDPOINT"}`
	c := clientOn(t, Options{}, func(*http.Request) *http.Response { return answering(http.StatusBadRequest, nil, []byte(body)) })
	_, err := readAll(func(c *Client) List[Snapshot] { return c.Snapshots(fuzzedGroup, "prod") })(t.Context(), c)
	if !HasCode(err, CodeIncorrectEndpoint) || HasCode(err, "") || HasCode(nil, "") || HasCode(context.Canceled, CodeIncorrectEndpoint) {
		t.Errorf("the code of %v is misread", err)
	}
}

// TestEndpoints checks that the list of operations contains each one that a Client requests, except the one that writes.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, name := range Endpoints() {
		if listed[name] {
			t.Errorf("%s is listed twice", name)
		}
		listed[name] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range strings.Split(string(source), `= &operation{name: "`)[1:] {
			declared++
			if name, _, _ := strings.Cut(after, `"`); !strings.HasSuffix(file, "_test.go") && listed[name] == (name == opTrigger.name) {
				t.Errorf("%s is listed: %t", name, listed[name])
			}
		}
	}
	if declared < len(listed) {
		t.Errorf("%d operations are listed, and %d declared", len(listed), declared)
	}
}
