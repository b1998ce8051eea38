package atlasapi_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// endpoint is one read operation of the client.
type endpoint struct {
	operation string
	path      string // below the project's path
	version   string
	query     string
	fixture   string
}

// endpoints are all read operations of the client.
func endpoints() []endpoint {
	const (
		paged     = "includeCount=false&itemsPerPage=500&pageNum=1"
		uncounted = "itemsPerPage=500&pageNum=1"
		cluster   = "/clusters/cluster0"
		sharded   = "/clusters/sharded0"
		flex      = "/flexClusters/flex0"
		// The pipeline's name, escaped as a path segment according to RFC 3986.
		pipeline = "/pipelines/a%3Fb%23c%25d%20%C3%A9"
	)
	return []endpoint{
		{atlassim.OpListProjects, "", "2023-01-01", paged, "projects.json"},
		{atlassim.OpGetProject, "", "2023-01-01", "", "project.json"},
		{atlassim.OpListClusters, "/clusters", "2024-08-05", paged, "clusters.json"},
		{atlassim.OpListBackupExports, cluster + "/backup/exports", "2023-01-01", paged, "exports.json"},
		{atlassim.OpListBackupRestores, cluster + "/backup/restoreJobs", "2023-01-01", paged, "restores.json"},
		{atlassim.OpGetBackupSchedule, cluster + "/backup/schedule", "2024-08-05", "", "schedule.json"},
		{atlassim.OpListBackupSnapshots, cluster + "/backup/snapshots", "2023-01-01", paged, "snapshots.json"},
		{atlassim.OpListShardedBackupSnapshots, sharded + "/backup/snapshots/shardedClusters", "2023-01-01", "", "snapshots.json"},
		{atlassim.OpListCollectionRestores, cluster + "/collectionRestoreJobs", "2025-03-12", uncounted, "collection_restores.json"},
		{atlassim.OpListExportBuckets, "/backup/exportBuckets", "2024-05-30", paged, "export_buckets.json"},
		{atlassim.OpListFlexClusters, "/flexClusters", "2024-11-13", paged, "flex_clusters.json"},
		{atlassim.OpListFlexSnapshots, flex + "/backup/snapshots", "2024-11-13", paged, "flex_snapshots.json"},
		{atlassim.OpListFlexRestores, flex + "/backup/restoreJobs", "2024-11-13", paged, "flex_restores.json"},
		{atlassim.OpListPipelines, "/pipelines", "2023-01-01", "", "pipelines.json"},
		{atlassim.OpListPipelineRuns, pipeline + "/runs", "2023-01-01", paged, "runs.json"},
	}
}

// read reads an endpoint with the client, a list to its end.
func (e endpoint) read(ctx context.Context, w *world) (any, error) {
	switch c, group := w.client, w.project.ID; e.operation {
	case atlassim.OpListProjects:
		return collect(c.Projects().All(ctx))
	case atlassim.OpGetProject:
		return c.Project(ctx, group)
	case atlassim.OpListClusters:
		return collect(c.Clusters(group).All(ctx))
	case atlassim.OpListBackupExports:
		return collect(c.ExportJobs(group, clusterName).All(ctx))
	case atlassim.OpListBackupRestores:
		return collect(c.RestoreJobs(group, clusterName).All(ctx))
	case atlassim.OpGetBackupSchedule:
		return c.Schedule(ctx, group, clusterName)
	case atlassim.OpListBackupSnapshots:
		return collect(c.Snapshots(group, clusterName).All(ctx))
	case atlassim.OpListShardedBackupSnapshots:
		return collect(c.ShardedSnapshots(group, shardedName).All(ctx))
	case atlassim.OpListCollectionRestores:
		return collect(c.CollectionRestores(group, clusterName).All(ctx))
	case atlassim.OpListExportBuckets:
		return collect(c.ExportBuckets(group).All(ctx))
	case atlassim.OpListFlexClusters:
		return collect(c.FlexClusters(group).All(ctx))
	case atlassim.OpListFlexSnapshots:
		return collect(c.FlexSnapshots(group, flexName).All(ctx))
	case atlassim.OpListFlexRestores:
		return collect(c.FlexRestores(group, flexName).All(ctx))
	case atlassim.OpListPipelines:
		return c.Pipelines(ctx, group)
	case atlassim.OpListPipelineRuns:
		return collect(c.PipelineRuns(group, pipelineName).All(ctx))
	}
	return nil, errors.New("no such endpoint")
}

// isList reports whether an endpoint answers with pages.
func (e endpoint) isList() bool {
	return strings.HasPrefix(e.operation, "list_") && e.operation != atlassim.OpListPipelines
}

// fails reads an endpoint for its error alone.
func (e endpoint) fails(ctx context.Context, w *world) error {
	_, err := e.read(ctx, w)
	return err
}

// decoded is what the fixture of each operation is decoded to.
func decoded() map[string]any {
	projects := []atlasapi.Project{
		{ID: objectID("32b6e34b3d91647abb20e7b8"), Name: "Payments – EU", OrgID: "32b6e34b3d91647abb20e7b0"},
		{ID: objectID("32b6e34b3d91647abb20e7b9")},
	}
	snapshots := []atlasapi.Snapshot{
		{
			ID: objectID("6a7944f42c88faeba59d5001"), Status: "completed", Type: "scheduled", Frequency: "hourly",
			CreatedAt: at("2026-08-10T03:28:08Z"), ExpiresAt: at("2026-08-17T03:28:08Z"),
			StorageSizeBytes: set(int64(1582854144)), CopyRegions: 2,
			PolicyItems: []string{"6a7944f42c88faeba59d5a01", "6a7944f42c88faeba59d5a02"},
		},
		{
			ID: objectID("6a7944f42c88faeba59d5002"), Status: "queued", Type: "onDemand", Frequency: "ondemand",
			ExpiresAt: at("2026-08-11T03:26:00Z"), StorageSizeBytes: set(int64(0)),
		},
		{
			ID: objectID("6a7944f42c88faeba59d5003"), Status: "failed", Type: "fallback", Frequency: "daily",
			CreatedAt: at("2026-08-10T09:28:08Z"), CopyRegions: 3, PolicyItems: []string{"6a7944f42c88faeba59d5a02"},
		},
		{
			ID: objectID("6a7944f42c88faeba59d5004"), Status: "A_STATUS_OF_TOMORROW", Type: "A_TYPE_OF_TOMORROW",
			Frequency: "A_FREQUENCY_OF_TOMORROW",
		},
		{ID: objectID("6a7944f42c88faeba59d5005")},
	}
	return map[string]any{
		atlassim.OpListProjects: projects,
		atlassim.OpGetProject:   projects[0],
		atlassim.OpListClusters: []atlasapi.Cluster{
			{
				ID: objectID("6a793f582c88faeba59ba4d4"), Name: "prod-orders", StateName: "UPDATING",
				Paused: set(false), BackupEnabled: set(true), PITEnabled: set(false), CreateDate: at("2026-08-10T03:02:48Z"),
				Providers: []string{"AWS", "GCP", "A_CLOUD_OF_TOMORROW"},
			},
			{ID: objectID("6a793f582c88faeba59ba4d5"), Name: "bare", StateName: "A_STATE_OF_TOMORROW"},
			{
				ID: objectID("6a793f582c88faeba59ba4d6"), Name: "free", StateName: "IDLE", Paused: set(true), BackupEnabled: set(false),
				Providers: []string{"TENANT"},
			},
		},
		atlassim.OpListBackupExports: []atlasapi.ExportJob{
			{
				ID: objectID("6a7945592c88faeba59d5e8e"), SnapshotID: objectID("6a7943462c88faeba59ccf5f"), State: "Successful",
				CreatedAt: at("2026-08-10T03:28:25Z"), FinishedAt: at("2026-08-10T03:43:05.25+02:00"),
				ExportStatus: set(atlasapi.ExportStatus{ExportedCollections: set(int32(3)), TotalCollections: set(int32(12))}),
			},
			{
				ID: objectID("6a7953692c88faeba59d5e8f"), SnapshotID: objectID("6a7943462c88faeba59ccf5f"), State: "Failed",
				CreatedAt: at("2026-08-10T04:28:25Z"), ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED",
				ExportStatus: set(atlasapi.ExportStatus{ExportedCollections: set(int32(0)), TotalCollections: set(int32(0))}),
			},
			{
				ID: objectID("6a7953692c88faeba59d5e90"), SnapshotID: objectID("6a7943462c88faeba59ccf5f"), State: "Successful",
				CreatedAt: at("2026-08-10T04:28:25Z"),
			},
			{ID: objectID("6a7953692c88faeba59d5e93"), State: "A_STATE_OF_TOMORROW"},
			{ID: objectID("6a7953692c88faeba59d5e94"), ExportStatus: set(atlasapi.ExportStatus{})},
		},
		atlassim.OpListBackupRestores: []atlasapi.RestoreJob{
			{ID: objectID("6a794733c0eb9e7a17740663"), DeliveryType: "automated", FinishedAt: at("2026-08-10T03:40:10Z")},
			{ID: objectID("6a794733c0eb9e7a17740664"), DeliveryType: "download", ExpiresAt: at("2026-08-10T05:35:05Z"), HasURL: true},
			{
				ID: objectID("6a794733c0eb9e7a17740665"), DeliveryType: "pointInTime",
				Cancelled: true, Failed: true, Expired: true, HasURL: true,
			},
			{ID: objectID("6a794733c0eb9e7a17740666"), DeliveryType: "A_TYPE_OF_TOMORROW"},
		},
		atlassim.OpGetBackupSchedule: atlasapi.Schedule{
			AutoExportEnabled: set(true), ExportFrequency: "monthly", ExportBucketID: objectID("6a794342c0eb9e7a17729455"),
			PolicyItems: []atlasapi.PolicyItem{
				{ID: "6a7942765a068714fc067fe1", FrequencyType: "hourly", FrequencyInterval: 6},
				{ID: "6a7942765a068714fc067fe2", FrequencyType: "daily", FrequencyInterval: 1},
				{ID: "6a7942765a068714fc067fe3", FrequencyType: "weekly", FrequencyInterval: 6},
				{ID: "6a7942765a068714fc067fe4", FrequencyType: "monthly", FrequencyInterval: 40},
				{ID: "6a7942765a068714fc067fe5", FrequencyType: "yearly", FrequencyInterval: 12},
			},
			NextSnapshot: at("2026-08-10T09:16:07Z"), RestoreWindowDays: set(int64(7)),
		},
		atlassim.OpListBackupSnapshots:        snapshots,
		atlassim.OpListShardedBackupSnapshots: snapshots,
		atlassim.OpListCollectionRestores: []atlasapi.CollectionRestore{
			{
				ID: objectID("6a7945592c88faeba59d6001"), State: "SUCCESSFUL", CreatedAt: at("2026-08-10T03:28:25Z"),
				FinishedAt: at("2026-08-10T03:58:25Z"), RestoredDocuments: set(int64(12)),
				TotalDocuments: set(int64(9007199254740993)), FailedIndexCollections: set(int64(2)),
			},
			{
				ID: objectID("6a7945592c88faeba59d6002"), State: "CANCELED", CreatedAt: at("2026-08-10T04:28:25Z"),
				RestoredDocuments: set(int64(0)),
			},
			{ID: objectID("6a7945592c88faeba59d6003"), State: "A_STATE_OF_TOMORROW"},
			{ID: objectID("6a7945592c88faeba59d6004")},
		},
		atlassim.OpListExportBuckets: []atlasapi.ExportBucket{
			{objectID("6a794342c0eb9e7a17729455")}, {objectID("6a794342c0eb9e7a17729457")},
		},
		atlassim.OpListFlexClusters: []atlasapi.FlexCluster{
			{
				ID: objectID("6a6d62982c88faeba59d7001"), Name: "flex0", StateName: "IDLE",
				CreateDate: at("2026-08-01T03:02:48Z"), BackupEnabled: set(true),
			},
			{ID: objectID("6a6d62982c88faeba59d7002"), Name: "flex1", StateName: "A_STATE_OF_TOMORROW", BackupEnabled: set(false)},
			{ID: objectID("6a6d62982c88faeba59d7003"), Name: "flex2"},
			{ID: objectID("6a6d62982c88faeba59d7004"), Name: "flex3"},
		},
		atlassim.OpListFlexSnapshots: []atlasapi.FlexSnapshot{
			{
				ID: objectID("6a793eb12c88faeba59d8001"), Status: "COMPLETED", ScheduledTime: at("2026-08-10T03:00:00Z"),
				StartTime: at("2026-08-10T03:00:32Z"), FinishTime: at("2026-08-10T03:01:46Z"), Expiration: at("2026-08-18T03:00:00Z"),
			},
			{
				ID: objectID("6a793eb12c88faeba59d8002"), Status: "FAILED", ScheduledTime: at("2026-08-11T03:00:00Z"),
				StartTime: at("2026-08-11T03:00:32Z"), FinishTime: at("2026-08-11T03:01:46Z"), Expiration: at("2026-08-19T03:00:00Z"),
			},
			{ID: objectID("6a793eb12c88faeba59d8003"), Status: "PENDING", ScheduledTime: at("2026-08-12T03:00:00Z")},
			{ID: objectID("6a793eb12c88faeba59d8004"), Status: "CLOSED"},
			{ID: objectID("6a793eb12c88faeba59d8005")},
		},
		atlassim.OpListFlexRestores: []atlasapi.FlexRestore{
			{
				ID: objectID("6a79481a2c88faeba59d9001"), DeliveryType: "RESTORE", Status: "COMPLETED",
				ScheduledAt: at("2026-08-10T03:40:10Z"), FinishedAt: at("2026-08-10T03:41:11Z"),
			},
			{
				ID: objectID("6a79481a2c88faeba59d9002"), DeliveryType: "DOWNLOAD", Status: "FAILED",
				ScheduledAt: at("2026-08-10T03:40:10Z"), FinishedAt: at("2026-08-10T03:41:11Z"),
			},
			{ID: objectID("6a79481a2c88faeba59d9003"), DeliveryType: "A_TYPE_OF_TOMORROW", Status: "A_STATUS_OF_TOMORROW"},
			{ID: objectID("6a79481a2c88faeba59d9004")},
		},
		atlassim.OpListPipelines: []atlasapi.Pipeline{
			{
				ID: objectID("6a7000000000000000000001"), Name: "orders?daily#1", State: "ACTIVE",
				SourceType: "PERIODIC_CPS", ClusterName: "prod-orders",
			},
			{ID: objectID("6a7000000000000000000002"), Name: "bare", State: "A_STATE_OF_TOMORROW"},
			{ID: objectID("6a7000000000000000000003"), Name: "half", SourceType: "A_TYPE_OF_TOMORROW"},
		},
		atlassim.OpListPipelineRuns: []atlasapi.PipelineRun{
			{
				ID: objectID(jobID), GroupID: objectID("32b6e34b3d91647abb20e7b8"), PipelineID: objectID("6a7000000000000000000001"),
				SnapshotID: objectID("6a79468a2c88faeba59de489"),
				State:      "DONE", Phase: "INGESTION", BackupFrequencyType: "DAILY",
				CreatedDate: at("2026-08-10T04:28:25Z"), LastUpdatedDate: at("2026-08-10T05:28:25Z"),
				ScheduledDeletionDate: at("2026-09-21T04:28:25Z"),
				DatasetName:           "v1$atlas$snapshot$prod-orders$shop$orders$20260810T042825Z",
				RetentionPolicy:       set(atlasapi.RetentionPolicy{Units: "WEEKS", Value: 6, LastModifiedDate: at("2026-01-02T03:04:05Z")}),
				Stats:                 atlasapi.RunStats{BytesExported: set(int64(9007199254740993)), NumDocs: set(int64(0))},
			},
			{
				ID: objectID("6a7953692c88faeba59d5e02"), State: "A_STATE_OF_TOMORROW", Phase: "A_PHASE_OF_TOMORROW",
				BackupFrequencyType: "A_FREQUENCY_OF_TOMORROW",
			},
			{ID: objectID("6a7953692c88faeba59d5e03")},
		},
	}
}

// TestDecode decodes an answer of each endpoint, with items that are hard to decode.
func TestDecode(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.operation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answers(e.operation, fixture(t, e.fixture))
			got, err := e.read(t.Context(), w)
			if want := decoded()[e.operation]; err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
			}
		})
	}
}

// TestRequests checks what each operation sends and observes, and that the simulated Atlas, which is strict, serves it.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.operation, func(t *testing.T) {
			t.Parallel()
			withEachScheme(t, func(w *world) {
				t := w.t
				w.pipeline.AddRun(atlassim.Run{ID: jobID})
				if err := e.fails(t.Context(), w); err != nil {
					t.Fatal(err)
				}
				requests := w.server.Requests()
				got := requests[len(requests)-1] // a challenge or a token comes before it
				group := w.project.ID
				want := atlassim.Request{
					Operation: e.operation, Method: http.MethodGet, Path: "/api/atlas/v2/groups/" + group + e.path, Query: e.query,
					Accept: "application/vnd.atlas." + e.version + "+json", UserAgent: userAgent, Authenticated: true,
					Status: http.StatusOK, At: got.At,
				}
				if e.operation == atlassim.OpListProjects {
					group, want.Path = "", "/api/atlas/v2/groups"
				}
				if got != want {
					t.Errorf("sent %+v\nwant %+v", got, want)
				}
				if len(requests) != 2 {
					t.Errorf("%d requests, want the one and those that sign in: %+v", len(requests), requests)
				}
				for _, r := range requests {
					if r.UserAgent != userAgent {
						t.Errorf("the request for %s has the user agent %q", r.Operation, r.UserAgent)
					}
				}
				seen := w.watch.of(e.operation)
				if last := seen[len(seen)-1]; last.GroupID != group || last.Status != http.StatusOK {
					t.Errorf("observed %+v", seen)
				}
			})
		})
	}
}

// TestEndpoints checks that the list of operations contains each one that a Client requests, except the one that writes.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, name := range atlasapi.Endpoints() {
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
			name, _, _ := strings.Cut(after, `"`)
			if !strings.HasSuffix(file, "_test.go") && listed[name] == (name == atlassim.OpTriggerPipeline) {
				t.Errorf("%s is listed: %t", name, listed[name])
			}
		}
	}
	if declared < len(listed) {
		t.Errorf("%d operations are listed, and %d declared", len(listed), declared)
	}
}
