package atlasapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// badDocuments are bodies that every endpoint must reject.
func badDocuments() []string {
	return []string{
		"", " \n", "null", "true", "17", `"https://` + marker + `"`, `["https://` + marker + `"]`, `[null]`, `[[]]`,
		"{", `{"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, "[", `[{`, "]", "}", `{]`,
		`{"results":[`, `{"results":[{"id":"` + jobID + `"}`, `{"id":"` + jobID + `"`, `[{"_id":"` + jobID + `","name":"https://` + marker + `"`,
		marker, "<html>" + marker + "</html>", "\x00\x01\x02", "\xef\xbb\xbf{}",
		`{"detail":"https://` + marker + `","error":500,"errorCode":"UNEXPECTED_ERROR"}`,
		`{"a":tru` + marker + `}`, `{"a":"\u12` + marker + `"}`, `{"a":1e` + marker + `}`, "{\"a\":\"" + marker + "\x01\"}",
	}
}

// badPages are bodies that every list must reject. ID is a placeholder for the name of the items' id.
func badPages() []string {
	const item = `{"ID":"` + jobID + `","name":"n"}`
	return []string{
		`{}`, `[]`, `{"links":[]}`, `{"totalCount":0}`, `{"Results":[]}`,
		`{"results":null}`, `{"results":{}}`, `{"results":"https://` + marker + `"}`, `{"results":0}`, `{"results":false}`,
		`{"results":[null]}`, `{"results":["https://` + marker + `"]}`, `{"results":[[]]}`, `{"results":[1]}`,
		`{"results":[{}]}`, `{"results":[` + item + `,{"name":"n"}]}`, `{"results":[{"ID":null,"name":"n"}]}`,
		`{"results":[{"ID":"","name":"n"}]}`, `{"results":[{"ID":5,"name":"n"}]}`, `{"results":[{"ID":["` + jobID + `"],"name":"n"}]}`,
		`{"results":[{"ID":"https://` + marker + `/","name":"n"}]}`, `{"results":[{"ID":"` + strings.ToUpper(jobID) + `","name":"n"}]}`,
		`{"results":[{"ID":"` + jobID + `0","name":"n"}]}`, `{"results":[{"ID":"` + jobID[1:] + `","name":"n"}]}`,
		`{"results":[{"ID":"000000000000000000000000","name":"n"}]}`,
		`{"results":[` + item + `],` + `"links":{}}`, `{"results":[` + item + `],"links":["https://` + marker + `"]}`,
		`{"results":[` + item + `],"links":[{"rel":5}]}`, `{"results":[` + item + `],"links":"https://` + marker + `"}`,
		`{"results":[],` + nextLink + `}`, `{` + nextLink + `,"results":[]}`,
		`{"results":[` + item + `]}x`, `{"results":[` + item + `]}}`, `{"results":[]}]`, `{"results":[]},`, `{"results":[]}` + marker,
		`{"results":[]}{"results":[]}`, `{"results":[]}<!-- ` + marker + ` -->`, `{"results":[]}null`, `{"results":[]}"` + marker + `"`,
		`{"results":[` + item + `],}`, `{"results":[` + item + `,]}`, `{"results":[` + item + item + `]}`, `{"results":[],"x":01}`,
	}
}

// badFields are bodies with a member of the wrong type, for single endpoints.
func badFields() map[string][]string {
	items := func(members ...string) []string {
		bodies := make([]string, len(members))
		for i, member := range members {
			bodies[i] = `{"results":[{"id":"` + jobID + `","_id":"` + jobID + `","name":"n",` + member + `}]}`
		}
		return bodies
	}
	const url = `"https://` + marker + `/x"`
	return map[string][]string{
		atlassim.OpListProjects: items(`"orgId":5`, `"orgId":{}`),
		atlassim.OpGetProject: {
			`{}`, `{"name":"n"}`, `{"id":null}`, `{"id":` + url + `}`, `{"id":"` + jobID + `","name":5}`, `{"id":"` + jobID + `"}x`,
		},
		atlassim.OpListClusters: append(items(
			`"stateName":[]`, `"paused":"false"`, `"paused":0`, `"backupEnabled":`+url, `"createDate":`+url, `"createDate":1`,
			`"createDate":"2026-08-10"`, `"replicationSpecs":{}`, `"replicationSpecs":[null]`, `"replicationSpecs":[{"regionConfigs":`+url+`}]`,
			`"replicationSpecs":[{"regionConfigs":[{"providerName":1}]}]`,
		), `{"results":[{"id":"`+jobID+`"}]}`, `{"results":[{"id":"`+jobID+`","name":null}]}`, `{"results":[{"id":"`+jobID+`","name":5}]}`),
		atlassim.OpListBackupExports: items(
			`"state":5`, `"state":null,"createdAt":`+url, `"createdAt":1786332505`, `"createdAt":"2026-02-30T00:00:00Z"`, `"finishedAt":{}`,
			`"exportStatus":[]`, `"exportStatus":{"exportedCollections":"1"}`, `"exportStatus":{"totalCollections":2147483648}`,
			`"exportStatus":{"totalCollections":1.5}`, `"stateReason":`+url, `"stateReason":{"errorCode":5}`,
		),
		atlassim.OpListBackupRestores: items(
			`"cancelled":"no"`, `"failed":0`, `"expired":`+url, `"deliveryType":false`, `"finishedAt":`+url, `"expiresAt":5`,
			`"deliveryUrl":`+url, `"deliveryUrl":[5]`, `"deliveryUrl":[`+url+`,{`+url+`:1}]`, `"components":{}`,
			`"components":[{"downloadUrl":[`+url+`]}]`, `"privateDownloadDeliveryUrls":[`+url+`]`,
			`"privateDownloadDeliveryUrls":[{"deliveryUrl":5}]`, `"deliveryUrl":[`+url+`],"finishedAt":"now"`,
		),
		atlassim.OpListPipelineRuns: items(
			`"state":{}`, `"phase":5`, `"createdDate":`+url, `"stats":[]`, `"stats":{"bytesExported":"5"}`, `"stats":{"numDocs":99999999999999999999}`,
			`"stats":{"numDocs":1.5}`, `"datasetRetentionPolicy":"P6M"`, `"datasetRetentionPolicy":{"value":"6"}`, `"datasetName":5`,
		),
		atlassim.OpListPipelines: {
			`{}`, `{"results":[]}`, `[{}]`, `[{"_id":"` + jobID + `"}]`, `[{"name":"n"}]`, `[{"_id":"` + jobID + `","name":null}]`,
			`[{"_id":"` + jobID + `","name":"n","source":` + url + `}]`, `[{"_id":"` + jobID + `","name":"n","source":{"type":5}}]`,
			`[]x`, `[]]`, `[][]`, `[{"id":"` + jobID + `","name":"n"}]`, `[{"_id":` + url + `,"name":"n"}]`,
		},
		atlassim.OpGetBackupSchedule: {
			`{}`, `{"autoExportEnabled":null}`, `{"autoExportEnabled":"true"}`, `{"autoExportEnabled":true,"export":[]}`,
			`{"autoExportEnabled":true,"export":{"frequencyType":5}}`, `{"autoExportEnabled":true,"export":` + url + `}`,
			`{"export":{"frequencyType":"daily"}}`, `{"autoExportEnabled":true}x`,
		},
	}
}

// TestBadAnswers checks that every endpoint rejects a malformed response at once and shows nothing of it.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.operation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, retrying(1))
			bodies := append(badDocuments(), badFields()[e.operation]...)
			if e.isList() {
				id := "id"
				if e.operation == atlassim.OpListPipelineRuns || e.operation == atlassim.OpListExportBuckets {
					id = "_id"
				}
				for _, page := range badPages() {
					bodies = append(bodies, strings.ReplaceAll(page, `"ID"`, `"`+id+`"`))
				}
			}
			for _, body := range bodies {
				w.answers(e.operation, body)
				before := w.server.Count(e.operation)
				err := e.fails(t.Context(), w)
				if err == nil {
					t.Errorf("%q is accepted as an answer", body)
					continue
				}
				failure := failedAs(t, err, e.operation, atlasapi.KindBadResponse)
				if failure.Status != 0 || failure.Code != "" || failure.Detail != "" {
					t.Errorf("%q: %+v", body, failure)
				}
				if sent := w.server.Count(e.operation) - before; sent != 1 {
					t.Errorf("%q: sent %d times", body, sent)
				}
			}
		})
	}
}

// TestGoodEmptyAnswers checks that every list accepts an empty one.
func TestGoodEmptyAnswers(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		bodies := []string{`{"results":[]}`, `{"links":null,"results":[]}`, "{\"results\":[ ],\"links\":[{\"rel\":\"self\"}]}\r\n\t "}
		switch {
		case e.operation == atlassim.OpListPipelines:
			bodies = []string{"[]", " [ ]\n"}
		case !e.isList():
			continue
		}
		t.Run(e.operation, func(t *testing.T) {
			w := newWorld(t)
			for _, body := range bodies {
				w.answers(e.operation, body)
				if err := e.fails(t.Context(), w); err != nil {
					t.Errorf("%q: %v", body, err)
				}
			}
		})
	}
}

// TestUnreadMembers checks that a member that is not decoded may have any value, as long as it is JSON.
func TestUnreadMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const spoilt = `"exportBucketId":5,"prefix":{},"customData":"x","stateReason":{"message":[1]},"desiredTimestamp":1,"timestamp":"now","n":1e999,"links":{}`
	for _, e := range endpoints() {
		if e.operation != atlassim.OpListBackupExports && e.operation != atlassim.OpListBackupRestores {
			continue
		}
		w.answers(e.operation, `{"results":[{"id":"`+jobID+`",`+spoilt+`}],"totalCount":"many"}`)
		if err := e.fails(t.Context(), w); err != nil {
			t.Errorf("%s: %v", e.operation, err)
		}
	}
}

// TestUnknownNamesStay checks that errors do not show the name of an unknown member: it is part of the body.
func TestUnknownNamesStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []string{
		`{"results":[{"id":"` + jobID + `","` + marker + `":tru}]}`,
		`{"` + marker + `":nope}`,
		`{"results":[{"stateReason":{"` + marker + `":nope}}]}`,
	} {
		w.answers(atlassim.OpListBackupExports, body)
		_, err := w.exportIDs()
		wantFailure(t, err, atlassim.OpListBackupExports, atlasapi.KindBadResponse)
	}
}

// TestUnpagedList checks that a single answer that is not the whole list is not mistaken for it.
func TestUnpagedList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(atlassim.OpListShardedBackupSnapshots, `{"links":[{"rel":"next"}],"results":[{"id":"`+jobID+`"}]}`)
	err := failureOf(w.client.ShardedSnapshots(w.project.ID, shardedName).All(t.Context()))
	failure := failedAs(t, err, atlassim.OpListShardedBackupSnapshots, atlasapi.KindBadResponse)
	if !strings.Contains(failure.Error(), "an answer without paging, but with a link to a next page") {
		t.Errorf("read with %v", failure)
	}
}

func TestHasCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuses(http.StatusBadRequest, atlasapi.CodeIncorrectEndpoint)
	err := w.readProject(t.Context())
	if !atlasapi.HasCode(err, atlasapi.CodeIncorrectEndpoint) || atlasapi.HasCode(err, "") || atlasapi.HasCode(nil, "") ||
		atlasapi.HasCode(context.Canceled, atlasapi.CodeIncorrectEndpoint) {
		t.Errorf("the code of %v is misread", err)
	}
}
