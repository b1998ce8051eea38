package atlasapi

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// endpointReading is an endpoint, read by the client and by the reference.
type endpointReading[T any] struct {
	name  string
	read  func(context.Context, *Client) (T, error)
	again func(reread, *node) T
}

// check reads a body with the client, then another that uses the same buffer, and compares the result with the reference: a
// malformed answer must be rejected, any other must be decoded exactly.
func (e endpointReading[T]) check(t *testing.T, w *fuzzedWire, body []byte) {
	t.Helper()
	want, good := by(w.again, e.again, body)
	w.body, w.asked = body, 0
	before := allocated()
	first, err := e.read(t.Context(), w.client)
	if grown := allocated() - before; w.alone && grown > 1<<20+256*uint64(len(body)) {
		t.Errorf("%d bytes were allocated for a body of %d", grown, len(body))
	}
	if w.asked != 1 {
		t.Errorf("requested %d times", w.asked)
	}
	w.body = poison(len(body))
	_, _ = e.read(t.Context(), w.client)
	w.body = body
	second, again := e.read(t.Context(), w.client)
	if (err == nil) != good || (again == nil) != good {
		t.Fatalf("%s: the body is an answer: %t, but read with %v and %v", e.name, good, err, again)
	}
	if err != nil {
		w.checkRefusal(t, e.name, err)
		return
	}
	want = plain(want)
	for _, got := range []T{plain(first), plain(second)} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", e.name, got, want)
		}
	}
}

// checkRefusal checks that the error of a malformed answer says only what it may.
func (w *fuzzedWire) checkRefusal(t *testing.T, endpoint string, err error) {
	t.Helper()
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Kind != KindBadResponse || failure.Status != 0 || failure.Endpoint != endpoint ||
		failure.Code+failure.Detail != "" || failure.Err == nil {
		t.Fatalf("%+v", err)
	}
	if text := failure.Err.Error(); len(text) > 1000 || !w.shape.MatchString(text) || strings.Contains(text, canary) {
		t.Errorf("the error says %q", text)
	}
}

func ofList[T any](name string, list func(*Client) List[T], again func(reread, *node) T) endpointReading[Page[T]] {
	return endpointReading[Page[T]]{
		name:  name,
		read:  func(ctx context.Context, c *Client) (Page[T], error) { return list(c).Page(ctx, 1, MaxPageSize) },
		again: pageAgain(again),
	}
}

// fuzzedWire is a client on a wire with given bodies, and the checks of what it reads.
type fuzzedWire struct {
	bodies
	client *Client
	again  reread
	shape  *regexp.Regexp
	alone  bool // a target runs alone, so that all allocations are its own
}

func newFuzzedWire(tb testing.TB) *fuzzedWire {
	tb.Helper()
	_, alone := tb.(*testing.F)
	w := &fuzzedWire{again: newReread(), shape: errorShape(), alone: alone}
	w.client = clientOn(tb, Options{}, w.answer)
	return w
}

func projectAgain(r reread, n *node) Project {
	return Project{ID: r.id(n, "id"), Name: r.text(n, "name"), OrgID: r.text(n, "orgId")}
}

func FuzzProjects(f *testing.F) {
	seedWith(f, []string{"projects.json", "project.json"}, []string{
		`{"id":"6a7953692c88faeba59d5e01","name":"Payments – EU","orgId":"6a7953692c88faeba59d5e02","clusterCount":3}`,
		`{"id":"6a7953692c88faeba59d5e01","name":5}`, `{"id":"6a7953692c88faeba59d5e01","orgId":{"CANARY":1}}`,
	}, `{"results":[%s],"totalCount":1}`)
	list := ofList("list_projects", (*Client).Projects, projectAgain)
	one := endpointReading[Project]{
		name:  "get_project",
		read:  func(ctx context.Context, c *Client) (Project, error) { return c.Project(ctx, fuzzedGroup) },
		again: func(r reread, n *node) Project { return projectAgain(r, r.object(n)) },
	}
	fuzz(f, list.check, one.check)
}

func clusterAgain(r reread, n *node) Cluster {
	c := Cluster{
		ID: r.id(n, "id"), Name: r.text(n, "name"), StateName: r.text(n, "stateName"),
		Paused: optionally(r, n, "paused", r.bool), BackupEnabled: optionally(r, n, "backupEnabled", r.bool),
		PITEnabled: optionally(r, n, "pitEnabled", r.bool), CreateDate: r.date(n, "createDate"),
	}
	for _, m := range n.members {
		if m.name == "replicationSpecs" {
			c.Providers = nil
			if m.value != nil {
				elements(r, func(spec *node) any {
					for _, regions := range r.all(r.object(spec), "regionConfigs") {
						elements(r, func(region *node) any {
							for _, m := range r.object(region).members {
								if m.name == "providerName" {
									c.Providers = append(c.Providers, r.text(&node{members: []member{m}}, "providerName"))
								}
							}
							return nil
						})(regions)
					}
					return nil
				})(m.node)
			}
		}
	}
	if c.Name == "" {
		r.refuse()
	}
	return c
}

func FuzzClusters(f *testing.F) {
	const head = `{"id":"6a7953692c88faeba59d5e01","name":"prod-orders",`
	seedWith(f, []string{"clusters.json"}, []string{
		head + `"paused":true,"backupEnabled":null,"createDate":"0001-01-01T00:00:00Z"}`,
		head + `"createDate":"9999-12-31T23:59:59.999999999Z"}`, head + `"createDate":"2026-08-10T24:00:00Z"}`,
		head + `"createDate":"2026-08-10T03:02:48+23:59"}`, head + `"createDate":"2026-08-10t03:02:48z"}`,
		head + `"replicationSpecs":[{"regionConfigs":[{"providerName":"TENANT","electableSpecs":{"instanceSize":"M0"}}]},{"regionConfigs":null}]}`,
		head + `"replicationSpecs":[{"regionConfigs":[{"providerName":null,"providerName":"FLEX"}],"regionConfigs":[{}]}]}`,
		head + `"replicationSpecs":[{"regionConfigs":[{"providerName":"AWS"}]}],"replicationSpecs":null}`,
		head + `"replicationSpecs":[null]}`, head + `"paused":"false"}`, head + `"backupEnabled":0}`, `{"id":"6a7953692c88faeba59d5e01"}`,
	}, `{"links":[{"rel":"self"}],"results":[%s]}`)
	list := ofList("list_clusters", func(c *Client) List[Cluster] { return c.Clusters(fuzzedGroup) }, clusterAgain)
	fuzz(f, list.check)
}

func scheduleAgain(r reread, n *node) Schedule {
	export := r.merged(r.object(n), "export")
	s := Schedule{
		AutoExportEnabled: optionally(r, n, "autoExportEnabled", r.bool),
		ExportFrequency:   r.text(export, "frequencyType"), ExportBucketID: r.reference(export, "exportBucketId"),
		NextSnapshot: r.date(n, "nextSnapshot"), RestoreWindowDays: r.number(n, "restoreWindowDays"),
		PolicyItems: slices.Concat(listAgain(r, n, "policies", func(policy *node) []PolicyItem {
			var items []PolicyItem
			for _, list := range r.all(r.object(policy), "policyItems") {
				items = append(items, elements(r, func(item *node) PolicyItem {
					r.object(item)
					interval := int(r.number(item, "frequencyInterval").Value)
					return PolicyItem{ID: r.text(item, "id"), FrequencyType: r.text(item, "frequencyType"), FrequencyInterval: interval}
				})(list)...)
			}
			return items
		})...),
	}
	if !s.AutoExportEnabled.Set {
		r.refuse()
	}
	return s
}

func FuzzSchedule(f *testing.F) {
	seedWith(f, []string{"schedule.json"}, []string{
		`null`, `[]`, `"CANARY"`, `{}`, `{"frequencyType":"yearly","exportBucketId":null}`, `{"frequencyType":5}`,
		`{"exportBucketId":"6a794342c0eb9e7a17729455"},"export":{"frequencyType":"weekly"}`,
		`{"exportBucketId":"6a794342c0eb9e7a17729455","exportBucketId":"6A"}`, `{},"policies":null`, `{},"policies":[]`, `{},"policies":["CANARY"]`,
		`{},"policies":[{"policyItems":[{"id":"a","frequencyType":"hourly","frequencyInterval":6}]},{}],"restoreWindowDays":7`,
		`{},"policies":[{"policyItems":[{"frequencyInterval":40},{"frequencyInterval":1.5}]}]`, `{},"restoreWindowDays":1e9`,
		`{},"policies":[{"policyItems":[{"frequencyType":null}],"policyItems":null,"policyItems":[{}]}],"policies":[{"policyItems":[{"id":"b"}]}]`,
		`{},"nextSnapshot":"CANARY"`, `{},"nextSnapshot":null`,
	}, `{"clusterName":"prod","export":%s,"autoExportEnabled":true,"nextSnapshot":"2026-08-10T09:16:07Z"}`)
	one := endpointReading[Schedule]{
		name:  "get_backup_schedule",
		read:  func(ctx context.Context, c *Client) (Schedule, error) { return c.Schedule(ctx, fuzzedGroup, "prod") },
		again: scheduleAgain,
	}
	fuzz(f, one.check)
}

func pipelineAgain(r reread, n *node) Pipeline {
	source := r.merged(r.object(n), "source")
	p := Pipeline{
		ID: r.id(n, "_id"), Name: r.text(n, "name"), State: r.text(n, "state"),
		SourceType: r.text(source, "type"), ClusterName: r.text(source, "clusterName"),
	}
	if p.Name == "" {
		r.refuse()
	}
	return p
}

func FuzzPipelines(f *testing.F) {
	const head = `{"_id":"6a7000000000000000000001","name":"orders?daily#1",`
	seedWith(f, []string{"pipelines.json"}, []string{
		head + `"state":"ACTIVE","source":{"type":"PERIODIC_CPS","clusterName":"prod"},"createdDate":"2026-01-02T03:04:05Z"}`,
		head + `"source":null,"createdDate":null,"state":null}`, head + `"source":"CANARY"}`, head + `"createdDate":"2026-02-30T00:00:00Z"}`,
		head + `"source":{"type":"ON_DEMAND_CPS"},"source":{"clusterName":"prod"}}`, `null`, `{"name":"n"}`, head[:len(head)-1] + `},[]`,
	}, `[%s]`)
	all := endpointReading[[]Pipeline]{
		name: "list_pipelines",
		read: func(ctx context.Context, c *Client) ([]Pipeline, error) { return c.Pipelines(ctx, fuzzedGroup) },
		again: func(r reread, n *node) []Pipeline {
			return elements(r, func(n *node) Pipeline { return pipelineAgain(r, n) })(n)
		},
	}
	fuzz(f, all.check)
}

func runAgain(r reread, n *node) PipelineRun {
	stats := r.merged(n, "stats")
	return PipelineRun{
		ID: r.id(n, "_id"), GroupID: r.reference(n, "groupId"), PipelineID: r.reference(n, "pipelineId"), SnapshotID: r.reference(n, "snapshotId"),
		State: r.text(n, "state"), Phase: r.text(n, "phase"), BackupFrequencyType: r.text(n, "backupFrequencyType"),
		CreatedDate: r.date(n, "createdDate"), LastUpdatedDate: r.date(n, "lastUpdatedDate"), ScheduledDeletionDate: r.date(n, "scheduledDeletionDate"),
		DatasetName: r.text(n, "datasetName"),
		RetentionPolicy: optionally(r, n, "datasetRetentionPolicy", func(n *node) RetentionPolicy {
			value := r.number(r.object(n), "value")
			return RetentionPolicy{Units: r.text(n, "units"), Value: value.Value, LastModifiedDate: r.date(n, "lastModifiedDate")}
		}),
		Stats: RunStats{BytesExported: r.number(stats, "bytesExported"), NumDocs: r.number(stats, "numDocs")},
	}
}

func FuzzPipelineRuns(f *testing.F) {
	const head = `{"_id":"6a7953692c88faeba59d5e01","state":"DONE",`
	seedWith(f, []string{"runs.json"}, []string{
		head + `"phase":"INGESTION","createdDate":"2026-08-10T04:28:25Z","stats":{"bytesExported":9223372036854775807,"numDocs":-9223372036854775808}}`,
		head + `"stats":{"numDocs":9223372036854775808}}`, head + `"stats":{"numDocs":23058430092136939520}}`, head + `"stats":{"numDocs":-0}}`,
		head + `"stats":{"numDocs":1.0}}`, head + `"stats":{"numDocs":1e3}}`, head + `"stats":{"numDocs":"5"}}`, head + `"stats":{"numDocs":00}}`,
		head + `"stats":{"numDocs":null},"stats":{"bytesExported":1},"stats":null}`, head + `"stats":[]}`,
		head + `"datasetRetentionPolicy":{"units":"WEEKS","value":6,"lastModifiedDate":"2026-01-02T03:04:05.000000001-11:30"}}`,
		head + `"datasetRetentionPolicy":{"value":null},"datasetRetentionPolicy":{"units":"DAYS"}}`, head + `"datasetRetentionPolicy":"P6M"}`,
		head + `"datasetName":"v1$atlas$snapshot$prod$shop$orders$20260810T042825Z","scheduledDeletionDate":"CANARY"}`,
	}, `{"results":[%s]}`)
	list := ofList("list_pipeline_runs", func(c *Client) List[PipelineRun] { return c.PipelineRuns(fuzzedGroup, "orders") }, runAgain)
	fuzz(f, list.check)
}

// TestDeepNesting checks values that are nested as deeply as a document may be, and deeper. It is not a seed, because it is
// slow to mutate, and is not parallel with other tests, because their allocations would count.
func TestDeepNesting(t *testing.T) {
	list := ofList("list_projects", (*Client).Projects, projectAgain)
	for _, levels := range []int{1000, 9998, 9999, 10000, 10001, 1 << 16} {
		for _, braces := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			t.Run(fmt.Sprintf("%d of %s", levels, braces[0]), func(t *testing.T) {
				body := `{"results":[],"x":` + strings.Repeat(braces[0], levels) + "1" + strings.Repeat(braces[1], levels) + "}"
				list.check(t, newFuzzedWire(t), []byte(body))
				list.check(t, newFuzzedWire(t), []byte(body[:len(body)/2]))
			})
		}
	}
}

// TestNumbersThatWrap checks numbers that are too large, and that the JSON library on its own would decode as smaller ones.
func TestNumbersThatWrap(t *testing.T) {
	t.Parallel()
	w := newFuzzedWire(t)
	runs := ofList("list_pipeline_runs", func(c *Client) List[PipelineRun] { return c.PipelineRuns(fuzzedGroup, "orders") }, runAgain)
	exports := ofList("list_backup_exports", func(c *Client) List[ExportJob] { return c.ExportJobs(fuzzedGroup, "prod") }, exportAgain)
	for _, number := range []string{"23058430092136939520", "18446744073709551616", "184467440737095516150", "-23058430092136939520", "6000000000", "4294967296", "-6000000000"} {
		t.Run(number, func(t *testing.T) {
			runs.check(t, w, []byte(`{"results":[{"_id":"6a7953692c88faeba59d5e01","stats":{"numDocs":`+number+`}}]}`))
			exports.check(t, w, []byte(`{"results":[{"id":"6a7953692c88faeba59d5e01","exportStatus":{"totalCollections":`+number+`}}]}`))
		})
	}
}
