package atlasapi_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

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
			if err != nil || !slices.Equal(got, []atlasapi.RestoreJob{{ID: objectID(jobID), HasURL: want}}) {
				t.Errorf("%+v (%v), want a URL: %t", got, err, want)
			}
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
			} else if err != nil || len(got) != 1 || !got[0].CreatedAt.Equal(at(want)) {
				t.Errorf("%+v (%v), want %s", got, err, want)
			}
		})
	}
}

func TestDecodeSchedule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       atlasapi.Schedule
	}{
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
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, got, test.want)
			}
		})
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
	if err != nil || !slices.Equal(got, []atlasapi.ExportJob{{ID: objectID(jobID), State: "Queued"}}) {
		t.Errorf("%+v (%v)", got, err)
	}
}
