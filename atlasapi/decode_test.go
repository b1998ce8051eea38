package atlasapi_test

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mongodbatlas_backup_exporter/atlasapi"
	"mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func wantDecoded[T any](t *testing.T, got, want T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(got, want) {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Kind() != reflect.Slice || g.Len() != w.Len() {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	for i := range g.Len() {
		if item, wanted := g.Index(i).Interface(), w.Index(i).Interface(); !reflect.DeepEqual(item, wanted) {
			t.Errorf("item %d\ngot  %+v\nwant %+v", i, item, wanted)
		}
	}
}

func TestDecodeProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListProjects, fixture(t, "projects.json"))
	w.answers(atlassim.OpGetProject, fixture(t, "project.json"))
	want := []atlasapi.Project{
		{ID: objectID(t, "32b6e34b3d91647abb20e7b8"), Name: "Payments – EU", OrgID: "32b6e34b3d91647abb20e7b0"},
		{ID: objectID(t, "32b6e34b3d91647abb20e7b9")},
	}
	got, err := collect(w.client.Projects().All(t.Context()))
	wantDecoded(t, got, want, err)
	one, err := w.client.Project(t.Context(), "32b6e34b3d91647abb20e7b8")
	wantDecoded(t, one, want[0], err)
}

func TestDecodeClusters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListClusters, fixture(t, "clusters.json"))
	got, err := collect(w.client.Clusters(w.project.ID).All(t.Context()))
	wantDecoded(t, got, []atlasapi.Cluster{
		{
			ID: objectID(t, "6a793f582c88faeba59ba4d4"), Name: "prod-orders", ClusterType: "GEOSHARDED", StateName: "UPDATING",
			Paused: set(false), BackupEnabled: set(true), CreateDate: at(t, "2026-08-10T03:02:48Z"),
			Providers: []string{"AWS", "GCP", "A_CLOUD_OF_TOMORROW"},
		},
		{ID: objectID(t, "6a793f582c88faeba59ba4d5"), Name: "bare", ClusterType: "A_TYPE_OF_TOMORROW", StateName: "A_STATE_OF_TOMORROW"},
		{
			ID: objectID(t, "6a793f582c88faeba59ba4d6"), Name: "free", StateName: "IDLE", Paused: set(true), BackupEnabled: set(false),
			Providers: []string{"TENANT"},
		},
	}, err)
}

func TestDecodeExports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListBackupExports, fixture(t, "exports.json"))
	got, err := collect(w.client.ExportJobs(w.project.ID, clusterName).All(t.Context()))
	bucket, snapshot := objectID(t, "6a794342c0eb9e7a17729455"), objectID(t, "6a7943462c88faeba59ccf5f")
	finished := at(t, "2026-08-10T03:43:05.25+02:00")
	if err == nil && len(got) > 0 && got[0].FinishedAt.Equal(finished) {
		got[0].FinishedAt = finished // the same moment, whatever its zone
	}
	wantDecoded(t, got, []atlasapi.ExportJob{
		{
			ID: objectID(t, "6a7945592c88faeba59d5e8e"), State: "Successful", CreatedAt: at(t, "2026-08-10T03:28:25Z"),
			FinishedAt: finished, SnapshotID: snapshot, ExportBucketID: bucket,
			Prefix:       "exported_snapshots/6a7943000000000000000001/6a7943000000000000000002/cluster0/2026-08-10T0327/1786332505",
			ExportStatus: set(atlasapi.ExportStatus{ExportedCollections: set(int32(3)), TotalCollections: set(int32(12))}),
			CustomData:   []atlasapi.CustomData{{Key: "cost centre", Value: "4711"}, {Key: "empty"}},
		},
		{
			ID: objectID(t, "6a7953692c88faeba59d5e8f"), State: "Failed", CreatedAt: at(t, "2026-08-10T04:28:25Z"),
			SnapshotID: snapshot, ExportBucketID: bucket, Prefix: "p",
			ExportStatus: set(atlasapi.ExportStatus{ExportedCollections: set(int32(0)), TotalCollections: set(int32(0))}),
			StateReason:  set(atlasapi.StateReason{ErrorCode: "EXPORT_BUCKET_ACCESS_DENIED", Message: "No access to bucket b."}),
		},
		{
			ID: objectID(t, "6a7953692c88faeba59d5e90"), State: "Successful", CreatedAt: at(t, "2026-08-10T04:28:25Z"),
			SnapshotID: snapshot, ExportBucketID: bucket, Prefix: "p",
			Components: []atlasapi.ExportComponent{
				{ExportID: objectID(t, "6a7953692c88faeba59d5e91"), ReplicaSetName: "atlas-72ck1q-shard-0"},
				{ExportID: objectID(t, "6a7953692c88faeba59d5e92"), ReplicaSetName: "atlas-72ck1q-shard-1"},
			},
		},
		{ID: objectID(t, "6a7953692c88faeba59d5e93"), State: "A_STATE_OF_TOMORROW"},
		{
			ID:           objectID(t, "6a7953692c88faeba59d5e94"),
			ExportStatus: set(atlasapi.ExportStatus{}), StateReason: set(atlasapi.StateReason{}),
		},
	}, err)
}

func TestDecodeRestores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListBackupRestores, fixture(t, "restores.json"))
	got, err := collect(w.client.RestoreJobs(w.project.ID, clusterName).All(t.Context()))
	snapshot, taken := objectID(t, "6a79468a2c88faeba59de489"), at(t, "2026-08-10T03:35:05Z")
	wantDecoded(t, got, []atlasapi.RestoreJob{
		{
			ID: objectID(t, "6a794733c0eb9e7a17740663"), DeliveryType: "automated", FinishedAt: at(t, "2026-08-10T03:40:10Z"),
			SnapshotID: snapshot, SnapshotTime: taken,
			TargetClusterName: "orders-copy", TargetGroupID: objectID(t, "6a794320c0eb9e7a17728a63"),
		},
		{
			ID: objectID(t, "6a794733c0eb9e7a17740664"), DeliveryType: "download", ExpiresAt: at(t, "2026-08-10T05:35:05Z"),
			SnapshotID: snapshot, SnapshotTime: taken,
			DeliveryURLs:        []atlasapi.Secret{"https://download.invalid/first", "https://download.invalid/second"},
			PrivateDeliveryURLs: []atlasapi.PrivateDeliveryURL{{DeliveryURL: "https://download.invalid/private", EndpointID: "vpce-1"}},
		},
		{
			ID: objectID(t, "6a794733c0eb9e7a17740665"), DeliveryType: "pointInTime", Cancelled: true, Failed: true, Expired: true,
			SnapshotID: snapshot, SnapshotTime: taken,
			DesiredDate: at(t, "2026-08-09T23:00:00Z"), DesiredIncrement: set(int64(4)),
			OplogTs: set(int64(1786332505)), OplogInc: set(int64(7)), PointInTimeUTCSeconds: set(int64(1786332000)),
			Components: []atlasapi.RestoreComponent{
				{ReplicaSetName: "shard-0"},
				{
					ReplicaSetName: "shard-1", DownloadURL: "https://download.invalid/shard-1",
					PrivateDeliveryURLs: []atlasapi.PrivateDeliveryURL{{}, {DeliveryURL: "https://download.invalid/private-1", EndpointID: "vpce-2"}},
				},
			},
		},
		{ID: objectID(t, "6a794733c0eb9e7a17740666"), DeliveryType: "A_TYPE_OF_TOMORROW"},
	}, err)
	for i, has := range []bool{false, true, true, false} {
		if got[i].HasURL() != has {
			t.Errorf("restore job %d has an address: %t, want %t", i, !has, has)
		}
	}
}

func TestHasURL(t *testing.T) {
	t.Parallel()
	private := []atlasapi.PrivateDeliveryURL{{DeliveryURL: "u"}}
	for _, test := range []struct {
		name string
		job  atlasapi.RestoreJob
		want bool
	}{
		{"nothing", atlasapi.RestoreJob{}, false},
		{"empty addresses", atlasapi.RestoreJob{
			DeliveryURLs: []atlasapi.Secret{""}, PrivateDeliveryURLs: []atlasapi.PrivateDeliveryURL{{}},
			Components: []atlasapi.RestoreComponent{{}},
		}, false},
		{"its own", atlasapi.RestoreJob{DeliveryURLs: []atlasapi.Secret{"", "u"}}, true},
		{"private", atlasapi.RestoreJob{PrivateDeliveryURLs: private}, true},
		{"a component's", atlasapi.RestoreJob{Components: []atlasapi.RestoreComponent{{}, {DownloadURL: "u"}}}, true},
		{"a component's private one", atlasapi.RestoreJob{Components: []atlasapi.RestoreComponent{{PrivateDeliveryURLs: private}}}, true},
	} {
		if got := test.job.HasURL(); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestDecodePipelines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListPipelines, fixture(t, "pipelines.json"))
	got, err := w.client.Pipelines(t.Context(), w.project.ID)
	wantDecoded(t, got, []atlasapi.Pipeline{
		{
			ID: objectID(t, "6a7000000000000000000001"), Name: "orders?daily#1", State: "ACTIVE",
			CreatedDate: at(t, "2026-01-02T03:04:05Z"), SourceType: "PERIODIC_CPS", ClusterName: "prod-orders",
		},
		{ID: objectID(t, "6a7000000000000000000002"), Name: "bare", State: "A_STATE_OF_TOMORROW"},
		{ID: objectID(t, "6a7000000000000000000003"), Name: "half", SourceType: "A_TYPE_OF_TOMORROW"},
	}, err)
}

func TestDecodeRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListPipelineRuns, fixture(t, "runs.json"))
	w.answers(atlassim.OpGetPipelineRun, fixture(t, "run.json"))
	group, pipeline := objectID(t, "32b6e34b3d91647abb20e7b8"), objectID(t, "6a7000000000000000000001")
	snapshot := objectID(t, "6a79468a2c88faeba59de489")
	got, err := collect(w.client.PipelineRuns(w.project.ID, pipelineName, time.Time{}).All(t.Context()))
	wantDecoded(t, got, []atlasapi.PipelineRun{
		{
			ID: objectID(t, jobID), GroupID: group, PipelineID: pipeline, SnapshotID: snapshot,
			State: "DONE", Phase: "INGESTION", BackupFrequencyType: "DAILY",
			CreatedDate: at(t, "2026-08-10T04:28:25Z"), LastUpdatedDate: at(t, "2026-08-10T05:28:25Z"),
			ScheduledDeletionDate: at(t, "2026-09-21T04:28:25Z"),
			DatasetName:           "v1$atlas$snapshot$prod-orders$shop$orders$20260810T042825Z",
			RetentionPolicy:       set(atlasapi.RetentionPolicy{Units: "WEEKS", Value: 6, LastModifiedDate: at(t, "2026-01-02T03:04:05Z")}),
			Stats:                 atlasapi.RunStats{BytesExported: set(int64(9007199254740993)), NumDocs: set(int64(0))},
		},
		{
			ID: objectID(t, "6a7953692c88faeba59d5e02"), State: "A_STATE_OF_TOMORROW", Phase: "A_PHASE_OF_TOMORROW",
			BackupFrequencyType: "A_FREQUENCY_OF_TOMORROW",
		},
		{ID: objectID(t, "6a7953692c88faeba59d5e03")},
	}, err)
	one, err := w.client.PipelineRun(t.Context(), w.project.ID, pipelineName, objectID(t, jobID))
	wantDecoded(t, one, atlasapi.PipelineRun{
		ID: objectID(t, jobID), GroupID: group, PipelineID: pipeline, SnapshotID: snapshot,
		State: "PENDING", Phase: "SNAPSHOT", BackupFrequencyType: "ON_DEMAND",
		CreatedDate: at(t, "2026-08-10T04:28:25Z"), LastUpdatedDate: at(t, "2026-08-10T04:28:25Z"),
	}, err)
}

func TestDecodeSchedule(t *testing.T) {
	t.Parallel()
	bucket := objectID(t, "6a794342c0eb9e7a17729455")
	for _, test := range []struct {
		body string
		want atlasapi.Schedule
	}{
		{fixture(t, "schedule.json"), atlasapi.Schedule{AutoExportEnabled: set(true), ExportFrequency: "monthly", ExportBucketID: bucket}},
		{`{"autoExportEnabled":false}`, atlasapi.Schedule{AutoExportEnabled: set(false)}},
		{`{"autoExportEnabled":false,"export":null}`, atlasapi.Schedule{AutoExportEnabled: set(false)}},
		{
			`{"export":{"frequencyType":"fortnightly"},"autoExportEnabled":true}`,
			atlasapi.Schedule{AutoExportEnabled: set(true), ExportFrequency: "fortnightly"},
		},
	} {
		w := newWorld(t)
		w.answers(atlassim.OpGetBackupSchedule, test.body)
		got, err := w.client.Schedule(t.Context(), w.project.ID, clusterName)
		wantDecoded(t, got, test.want, err)
	}
}

// TestDecodeText has names become UTF-8 whatever Atlas sends, since they become labels.
func TestDecodeText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, want string }{
		{`a\"\\\/\u00e9\n`, "a\"\\/é\n"},
		{"caf\xe9", "caf�"},
		{`\ud83d\ude00`, "😀"},
		{`\ud83d`, "�"},
	} {
		w := newWorld(t)
		w.answers(atlassim.OpGetProject, `{"id":"`+jobID+`","name":"`+test.name+`"}`)
		got, err := w.client.Project(t.Context(), w.project.ID)
		if err != nil || got.Name != test.want || !utf8.ValidString(got.Name) {
			t.Errorf("%q is read as %q, want %q (%v)", test.name, got.Name, test.want, err)
		}
	}
}

// TestOddOrders has members in any order, twice, spread over lines and beside unknown ones.
func TestOddOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListBackupExports, strings.Join([]string{
		" \r\n\t{", `"totalCount":1,"results":[{"state":"Queued","new":{"deep":[1,{"id":"x"},[null]]},"id":"` + jobID + `"}],`,
		`"new":[],"links":[]}`, "\n\n",
	}, "\n"))
	got, err := collect(w.client.ExportJobs(w.project.ID, clusterName).All(t.Context()))
	wantDecoded(t, got, []atlasapi.ExportJob{{ID: objectID(t, jobID), State: "Queued"}}, err)
}
