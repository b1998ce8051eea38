package atlasapi_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
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
			ID: objectID(t, "6a793f582c88faeba59ba4d4"), Name: "prod-orders", StateName: "UPDATING",
			Paused: set(false), BackupEnabled: set(true), PITEnabled: set(false), CreateDate: at(t, "2026-08-10T03:02:48Z"),
			Providers: []string{"AWS", "GCP", "A_CLOUD_OF_TOMORROW"},
		},
		{ID: objectID(t, "6a793f582c88faeba59ba4d5"), Name: "bare", StateName: "A_STATE_OF_TOMORROW"},
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
	finished := at(t, "2026-08-10T03:43:05.25+02:00")
	if err == nil && len(got) > 0 && got[0].FinishedAt.Equal(finished) {
		got[0].FinishedAt = finished // the same moment, whatever its zone
	}
	wantDecoded(t, got, []atlasapi.ExportJob{
		{
			ID: objectID(t, "6a7945592c88faeba59d5e8e"), SnapshotID: objectID(t, "6a7943462c88faeba59ccf5f"), State: "Successful", CreatedAt: at(t, "2026-08-10T03:28:25Z"),
			FinishedAt:   finished,
			ExportStatus: set(atlasapi.ExportStatus{ExportedCollections: set(int32(3)), TotalCollections: set(int32(12))}),
		},
		{
			ID: objectID(t, "6a7953692c88faeba59d5e8f"), SnapshotID: objectID(t, "6a7943462c88faeba59ccf5f"), State: "Failed", CreatedAt: at(t, "2026-08-10T04:28:25Z"),
			ExportStatus: set(atlasapi.ExportStatus{ExportedCollections: set(int32(0)), TotalCollections: set(int32(0))}),
			ErrorCode:    "EXPORT_BUCKET_ACCESS_DENIED",
		},
		{ID: objectID(t, "6a7953692c88faeba59d5e90"), SnapshotID: objectID(t, "6a7943462c88faeba59ccf5f"), State: "Successful", CreatedAt: at(t, "2026-08-10T04:28:25Z")},
		{ID: objectID(t, "6a7953692c88faeba59d5e93"), State: "A_STATE_OF_TOMORROW"},
		{ID: objectID(t, "6a7953692c88faeba59d5e94"), ExportStatus: set(atlasapi.ExportStatus{})},
	}, err)
}

func TestDecodeRestores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListBackupRestores, fixture(t, "restores.json"))
	got, err := collect(w.client.RestoreJobs(w.project.ID, clusterName).All(t.Context()))
	wantDecoded(t, got, []atlasapi.RestoreJob{
		{ID: objectID(t, "6a794733c0eb9e7a17740663"), DeliveryType: "automated", FinishedAt: at(t, "2026-08-10T03:40:10Z")},
		{ID: objectID(t, "6a794733c0eb9e7a17740664"), DeliveryType: "download", ExpiresAt: at(t, "2026-08-10T05:35:05Z"), HasURL: true},
		{
			ID: objectID(t, "6a794733c0eb9e7a17740665"), DeliveryType: "pointInTime",
			Cancelled: true, Failed: true, Expired: true, HasURL: true,
		},
		{ID: objectID(t, "6a794733c0eb9e7a17740666"), DeliveryType: "A_TYPE_OF_TOMORROW"},
	}, err)
}

func TestDecodeURLs(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]bool{
		`"deliveryUrl": null, "privateDownloadDeliveryUrls": null, "components": null`:                              false,
		`"deliveryUrl": [], "privateDownloadDeliveryUrls": [], "components": []`:                                    false,
		`"deliveryUrl": ["", null], "privateDownloadDeliveryUrls": [{}], "components": [{}, {"downloadUrl": null}]`: false,
		`"deliveryUrl": ["u", ""]`:                                                 true,
		`"deliveryUrl": ["u"], "components": [{"downloadUrl": ""}]`:                true,
		`"privateDownloadDeliveryUrls": [{"deliveryUrl": "u", "endpointId": "e"}]`: true,
		`"components": [{}, {"downloadUrl": "u"}]`:                                 true,
		`"components": [{"privateDownloadDeliveryUrls": [{"deliveryUrl": "u"}]}]`:  true,
		`"components": [{"privateDownloadDeliveryUrls": [{"deliveryUrl": ""}]}]`:   false,
	} {
		t.Run(members, func(t *testing.T) {
			w := newWorld(t)
			w.answers(atlassim.OpListBackupRestores, `{"results": [{"id": "`+jobID+`", `+members+`}]}`)
			got, err := collect(w.client.RestoreJobs(w.project.ID, clusterName).All(t.Context()))
			wantDecoded(t, got, []atlasapi.RestoreJob{{ID: objectID(t, jobID), HasURL: want}}, err)
		})
	}
}

// TestDecodeDates checks that a leap second is decoded as the next second, and that no other time is accepted that Go does not
// have.
func TestDecodeDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2016-12-31T23:59:60Z":      "2017-01-01T00:00:00Z",
		"2016-12-31T23:59:60.5Z":    "2017-01-01T00:00:00.5Z",
		"2017-01-01T00:59:60+01:00": "2017-01-01T00:00:00Z",
		"2026-10-25T02:30:00+02:00": "2026-10-25T00:30:00Z",
		"2026-10-25T02:30:00+01:00": "2026-10-25T01:30:00Z",
		"2016-12-31T23:59:61Z":      "",
		"2016-12-31T23:60:00Z":      "",
		"2016-12-31T24:00:00Z":      "",
		"2026-02-29T00:00:00Z":      "",
		"2016-12-31T23:59:60":       "",
		"xxxxxxxxxxxxxxxxx60Z":      "",
		"2026-10-25":                "",
		"2026-10-25 02:30:00Z":      "",
	} {
		t.Run(text, func(t *testing.T) {
			w := newWorld(t)
			w.answers(atlassim.OpListBackupExports, `{"results":[{"id":"`+jobID+`","createdAt":"`+text+`"}]}`)
			got, err := collect(w.client.ExportJobs(w.project.ID, clusterName).All(t.Context()))
			if want == "" {
				wantFailure(t, err, atlassim.OpListBackupExports, atlasapi.KindBadResponse)
			} else if err != nil || len(got) != 1 || !got[0].CreatedAt.Equal(at(t, want)) {
				t.Errorf("%+v (%v), want %s", got, err, want)
			}
		})
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
			SourceType: "PERIODIC_CPS", ClusterName: "prod-orders",
		},
		{ID: objectID(t, "6a7000000000000000000002"), Name: "bare", State: "A_STATE_OF_TOMORROW"},
		{ID: objectID(t, "6a7000000000000000000003"), Name: "half", SourceType: "A_TYPE_OF_TOMORROW"},
	}, err)
}

func TestDecodeRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListPipelineRuns, fixture(t, "runs.json"))
	group, pipeline := objectID(t, "32b6e34b3d91647abb20e7b8"), objectID(t, "6a7000000000000000000001")
	snapshot := objectID(t, "6a79468a2c88faeba59de489")
	got, err := collect(w.client.PipelineRuns(w.project.ID, pipelineName).All(t.Context()))
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
}

func TestDecodeSchedule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       atlasapi.Schedule
	}{
		{"whole", fixture(t, "schedule.json"), wholeSchedule(t)},
		{"one field", `{"autoExportEnabled":false}`, atlasapi.Schedule{AutoExportEnabled: set(false)}},
		{
			"nulls", `{"autoExportEnabled":false,"export":null,"policies":null,"nextSnapshot":null,"restoreWindowDays":null}`,
			atlasapi.Schedule{AutoExportEnabled: set(false)},
		},
		{
			"no items", `{"autoExportEnabled":false,"policies":[],"export":{"exportBucketId":"none"}}`,
			atlasapi.Schedule{AutoExportEnabled: set(false), PolicyItems: []atlasapi.PolicyItem{}},
		},
		{
			"several policies", `{"autoExportEnabled":false,"policies":[{"policyItems":[]},{"policyItems":null},{"policyItems":[{"frequencyType":"weekly"},` +
				`{"id":null,"frequencyType":"A_FREQUENCY_OF_TOMORROW","frequencyInterval":null}]},{"policyItems":[{"frequencyInterval":40}]}]}`,
			atlasapi.Schedule{AutoExportEnabled: set(false), PolicyItems: []atlasapi.PolicyItem{
				{FrequencyType: "weekly"}, {FrequencyType: "A_FREQUENCY_OF_TOMORROW"}, {FrequencyInterval: 40},
			}},
		},
		{
			"unknown frequency", `{"export":{"frequencyType":"fortnightly"},"autoExportEnabled":true}`,
			atlasapi.Schedule{AutoExportEnabled: set(true), ExportFrequency: "fortnightly"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.answers(atlassim.OpGetBackupSchedule, test.body)
			got, err := w.client.Schedule(t.Context(), w.project.ID, clusterName)
			wantDecoded(t, got, test.want, err)
		})
	}
}

// wholeSchedule is that of the fixture.
func wholeSchedule(t *testing.T) atlasapi.Schedule {
	t.Helper()
	return atlasapi.Schedule{
		AutoExportEnabled: set(true), ExportFrequency: "monthly", ExportBucketID: objectID(t, "6a794342c0eb9e7a17729455"),
		PolicyItems: []atlasapi.PolicyItem{
			{ID: "6a7942765a068714fc067fe1", FrequencyType: "hourly", FrequencyInterval: 6},
			{ID: "6a7942765a068714fc067fe2", FrequencyType: "daily", FrequencyInterval: 1},
			{ID: "6a7942765a068714fc067fe3", FrequencyType: "weekly", FrequencyInterval: 6},
			{ID: "6a7942765a068714fc067fe4", FrequencyType: "monthly", FrequencyInterval: 40},
			{ID: "6a7942765a068714fc067fe5", FrequencyType: "yearly", FrequencyInterval: 12},
		},
		NextSnapshot: at(t, "2026-08-10T09:16:07Z"), RestoreWindowDays: set(int64(7)),
	}
}

// TestDecodeText checks that names are decoded as valid UTF-8 whatever Atlas sends, because they become labels.
func TestDecodeText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, want string }{
		{`a\"\\\/\u00e9\n`, "a\"\\/é\n"},
		{"caf\xe9", "caf�"},
		{`\ud83d\ude00`, "😀"},
		{`\ud83d`, "�"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.answers(atlassim.OpGetProject, `{"id":"`+jobID+`","name":"`+test.name+`"}`)
			got, err := w.client.Project(t.Context(), w.project.ID)
			if err != nil || got.Name != test.want || !utf8.ValidString(got.Name) {
				t.Errorf("%q is read as %q, want %q (%v)", test.name, got.Name, test.want, err)
			}
		})
	}
}

// TestOddOrders checks members in any order, repeated, on several lines and beside unknown ones.
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
