package atlassim_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestVersions(t *testing.T) {
	_, org, p, cluster := small()
	sunset := time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)
	c := serve(t, org, atlassim.Options{Deprecations: map[string]atlassim.Deprecation{
		atlassim.OpListClusters: {Deprecated: time.Date(2024, 8, 5, 0, 0, 0, 0, time.UTC), Sunset: sunset},
	}})
	const prefix = "application/vnd.atlas."
	clusters := group(p) + "/clusters"
	for _, test := range []struct {
		path, accept string
		status       int
		served       string
	}{
		{clusters, prefix + "2024-08-05+json", 200, "2024-08-05"},
		{clusters, prefix + "2024-08-04+json", 200, "2023-02-01"},
		{clusters, prefix + "2026-01-01+json", 200, "2024-08-05"},
		{clusters, prefix + "2022-12-31+json", 406, ""},
		{clusters, prefix + "2024-13-01+json", 400, ""},
		{clusters, "application/json", 406, ""},
		{clusters, "*/*", 406, ""},
		{exports(cluster), prefix + "2023-11-15+json", 200, "2023-01-01"},
		{schedule(cluster), prefix + "2023-11-15+json", 200, "2023-01-01"},
		{schedule(cluster), prefix + "2024-08-05+json", 200, "2024-08-05"},
	} {
		t.Run(test.accept+" of "+test.path, func(t *testing.T) {
			c := c.in(t)
			request := c.signed(http.MethodGet, test.path, nil)
			request.Header.Set("Accept", test.accept)
			response, body := c.send(request)
			want := "application/json"
			if test.served != "" {
				want = prefix + test.served + "+json;charset=utf-8"
			}
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != want {
				t.Errorf("answers %d %s %s", response.StatusCode, response.Header.Get("Content-Type"), body)
			}
			got := response.Header.Get("Deprecation") + "|" + response.Header.Get("Sunset")
			ageing := "|"
			if test.path == clusters {
				ageing = "Mon, 5 Aug 2024 00:00:00 GMT|Thu, 1 Jul 2027 00:00:00 GMT"
			}
			if got != ageing {
				t.Errorf("ages with %s", got)
			}
		})
	}
}

func TestExportShape(t *testing.T) {
	_, org, p, cluster := small()
	created := time.Date(2026, 8, 10, 3, 28, 25, 0, time.UTC)
	queued := cluster.AddExport(atlassim.Export{CreatedAt: created})
	done := cluster.AddExport(atlassim.Export{CreatedAt: created, FinishedAt: created.Add(14*time.Minute + 40*time.Second)})
	failed := cluster.AddExport(atlassim.Export{
		CreatedAt: created, State: atlassim.ExportFailed, Reason: &atlassim.StateReason{ErrorCode: "BUCKET", Message: `say "no"`},
	})
	odd := cluster.AddExport(atlassim.Export{CreatedAt: created, State: "Paused", OmitCreatedAt: true, OmitExportStatus: true})
	sharded := p.AddCluster("sharded", atlassim.ClusterOptions{Shards: 2})
	parts := sharded.AddExport(atlassim.Export{CreatedAt: created, State: atlassim.ExportSuccessful})
	c := serve(t, org, atlassim.Options{})

	read := func(e *atlassim.Export) map[string]any { return c.object(exports(cluster) + "/" + e.ID) }
	const nothing = `"exportStatus": {"exportedCollections": 0, "totalCollections": 0}`
	job := read(queued)
	wantJSON(t, job, `{"state": "Queued", "createdAt": "2026-08-10T03:28:25Z", `+nothing+`}`)
	absent(t, job, "finishedAt")
	if seconds, _ := strconv.ParseInt(queued.ID[:8], 16, 64); seconds != created.Unix() {
		t.Errorf("id %s does not begin with the creation", queued.ID)
	}
	prefix, suffix := text(job, "prefix"), "/prod-eu/2026-08-10T0327/"+strconv.FormatInt(created.Unix(), 10)
	if !strings.HasPrefix(prefix, "exported_snapshots/") || !strings.HasSuffix(prefix, suffix) {
		t.Errorf("prefix is %s", prefix)
	}
	wantJSON(t, read(done), `{"state": "Successful", "finishedAt": "2026-08-10T03:43:05Z", "stateReason": null, `+nothing+`}`)
	wantJSON(t, read(failed), `{"stateReason": {"errorCode": "BUCKET", "message": "say \"no\""}, `+nothing+`}`)
	wantJSON(t, read(odd), `{"state": "Paused", "exportStatus": null}`)
	absent(t, read(odd), "createdAt")
	wantJSON(t, c.page(exports(sharded)).Results[0], `{"id": "`+parts.ID+`", "exportStatus": null, "components": [{}, {}]}`)
	c.fails(exports(cluster)+"/0123456789abcdef01234567", http.StatusNotFound, "RESOURCE_NOT_FOUND")
}

func TestRestoreShape(t *testing.T) {
	clock, org, _, cluster := small()
	automated := cluster.AddRestore(atlassim.Restore{FinishedAt: noon().Add(-time.Minute), CreatedAt: noon().Add(-time.Hour)})
	download := cluster.AddRestore(atlassim.Restore{DeliveryType: atlassim.RestoreDownload})
	c := serve(t, org, atlassim.Options{})

	job := c.object(restores(cluster) + "/" + automated.ID)
	wantJSON(t, job, `{"targetClusterName": "prod-eu", "finishedAt": "2026-11-20T11:59:00Z"}`)
	desired := child(job, "desiredTimestamp")
	if value, ok := desired["time"]; !ok || value != nil || len(desired) != 3 {
		t.Errorf("desiredTimestamp is %v", desired)
	}
	if job["timestamp"] == job["finishedAt"] {
		t.Errorf("automated restore is %v", job)
	}
	read := func() map[string]any { return c.object(restores(cluster) + "/" + download.ID) }
	wantJSON(t, read(), `{"targetClusterName": null, "deliveryUrl": [], "expiresAt": null}`)
	org.Do(func() { download.MakeReady(clock.Now()) })
	job = read()
	wantJSON(t, job, `{"expiresAt": "2026-11-20T13:00:00Z", "finishedAt": null, "expired": false}`)
	urls := elements(job, "deliveryUrl")
	if len(urls) != 1 {
		t.Fatalf("ready download is %v", job)
	}
	if secret, _ := urls[0].(string); len(secret) < 120 {
		t.Errorf("download URL %v contains no secret", urls[0])
	}
	clock.Advance(time.Hour)
	c.signIn()
	wantJSON(t, read(), `{"expired": true, "deliveryUrl": [], "finishedAt": null}`)
}

func TestClusterShapes(t *testing.T) {
	_, org, p, cluster := small()
	free := p.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
	flex := p.AddCluster("flex", atlassim.ClusterOptions{Provider: "FLEX"})
	off := p.AddCluster("off", atlassim.ClusterOptions{BackupDisabled: true, Paused: true})
	p.AddCluster("sharded", atlassim.ClusterOptions{Shards: 3})
	cluster.Schedule = atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "weekly"}
	bare := p.AddCluster("bare", atlassim.ClusterOptions{Schedule: atlassim.Schedule{Items: atlassim.NothingScheduled()}})
	c := serve(t, org, atlassim.Options{})

	byName := map[string]any{}
	for _, item := range c.page(group(p) + "/clusters?includeDeletedWithRetainedBackups=false").Results {
		byName[text(item, "name")] = item
	}
	wantJSON(t, byName, `{
		"free":    {"backupEnabled": false, "replicationSpecs": [
			{"regionConfigs": [{"providerName": "TENANT", "electableSpecs": {"instanceSize": "M0"}}]}
		]},
		"off":     {"backupEnabled": false, "paused": true},
		"prod-eu": {"backupEnabled": true},
		"sharded": {"clusterType": "SHARDED", "replicationSpecs": [{}, {}, {}]}
	}`)
	c.refuses(t, []refusal{
		{exports(free), 400, "PROVIDER_BACKUP_NOT_SUPPORTED"},
		{restores(flex), 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"},
		{exports(off), 404, "BACKUP_CONFIG_NOT_FOUND"},
		{schedule(off), 404, "BACKUP_CONFIG_NOT_FOUND"},
		{group(p) + "/clusters/none/backup/exports", 404, "CLUSTER_NOT_FOUND"},
		{"/groups/0123456789abcdef01234567/clusters", 404, "GROUP_NOT_FOUND"},
		{"/groups/nonsense", 404, "INVALID_GROUP_ID"},
		{"/nothing", 404, "RESOURCE_NOT_FOUND"},
	}...)
	weekly := c.object(schedule(cluster))
	wantJSON(t, weekly, `{"autoExportEnabled": true, "export": {"frequencyType": "weekly"}}`)
	if next, err := time.Parse(time.RFC3339, text(weekly, "nextSnapshot")); err != nil || !next.After(noon()) {
		t.Errorf("next snapshot at %v, %v", next, err)
	}
	wantJSON(t, c.object(schedule(bare)), `{"autoExportEnabled": false, "export": null, "nextSnapshot": null}`)
	const code = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"
	org.Do(func() { p.ClustersRefusal = atlassim.Refusal{Status: 400, Code: code} })
	c.fails(group(p)+"/clusters", http.StatusBadRequest, code)
}

func TestPipelines(t *testing.T) {
	_, org, p, _ := small()
	const odd = "größe?#%2F&a=b"
	pl := p.AddPipeline(odd, atlassim.PipelineOptions{Cluster: "prod-eu"})
	p.AddPipeline("other", atlassim.PipelineOptions{State: atlassim.PipelinePaused})
	old := pl.AddRun(atlassim.Run{CreatedDate: noon().Add(-48 * time.Hour), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
	pl.AddRun(atlassim.Run{CreatedDate: noon().Add(-24 * time.Hour), Stats: &atlassim.RunStats{BytesExported: 1 << 40}})
	c := serve(t, org, atlassim.Options{})

	response, body := c.get(group(p) + "/pipelines")
	var bare []any
	decode(t, body, &bare)
	wantJSON(t, bare, `[{"_id": "`+pl.ID+`", "name": "`+odd+`"}, {"state": "PAUSED"}]`)
	if limit := response.Header.Get("RateLimit-Limit"); limit != "" {
		t.Errorf("pipelines have the rate limit %s", limit)
	}
	list := c.page(runs(pl))
	if len(list.Results) != 2 {
		t.Fatalf("runs: %v", list)
	}
	wantJSON(t, list.Results[0], `{"stats": {"bytesExported": 1099511627776}}`)
	absent(t, list.Results[1], "stats")
	if self := list.link("self"); !strings.HasPrefix(self, "https://cloud.mongodb.com/api/atlas/v2"+runs(pl)) {
		t.Errorf("self is %s", self)
	}
	before := c.page(runs(pl) + "?createdBefore=" + url.QueryEscape(noon().Add(-30*time.Hour).Format(time.RFC3339)))
	if ids := before.ids(); len(ids) != 1 || ids[0] != old.ID || *before.TotalCount != 1 {
		t.Errorf("created before: %v", before)
	}
	c.fails(runs(pl)+"?createdBefore=yesterday", http.StatusBadRequest, "INVALID_QUERY_PARAMETER")
	wantJSON(t, c.object(runs(pl)+"/"+old.ID), `{"phase": "INGESTION", "pipelineId": "`+pl.ID+`"}`)
	for status, code := range map[int]string{404: "RESOURCE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 410: "VERSION_GONE"} {
		org.Do(func() { org.PipelinesGone = status })
		c.fails(group(p)+"/pipelines", status, code)
		c.fails(runs(pl), status, code)
	}
}

func (c *client) trigger(pl *atlassim.Pipeline, body string) (int, map[string]any) {
	c.t.Helper()
	request := c.signed(http.MethodPost, strings.TrimSuffix(runs(pl), "/runs")+"/trigger", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	response, answered := c.send(request)
	var answer map[string]any
	decode(c.t, answered, &answer)
	return response.StatusCode, answer
}

func TestTrigger(t *testing.T) {
	clock, org, p, _ := small()
	const snapshot = "0123456789abcdef01234567"
	pl := p.AddPipeline("orders#1", atlassim.PipelineOptions{Snapshots: []string{snapshot}})
	c := serve(t, org, atlassim.Options{})

	status, run := c.trigger(pl, `{"snapshotId":"`+snapshot+`","datasetRetentionPolicy":{"units":"WEEKS","value":2}}`)
	if status != http.StatusOK {
		t.Fatalf("trigger answers %d %v", status, run)
	}
	wantJSON(t, run, `{
		"state": "PENDING", "snapshotId": "`+snapshot+`", "backupFrequencyType": "ON_DEMAND",
		"scheduledDeletionDate": "2026-12-04T12:00:00Z"
	}`)
	clock.Advance(5 * time.Minute)
	wantJSON(t, c.object(runs(pl)+"/"+text(run, "_id")), `{"state": "DONE"}`)
	for body, fields := range map[string]string{
		`{}`:                    "snapshotId",
		`{"snapshotId":"0123"}`: "snapshotId",
		`{"snapshotId":"` + snapshot + `","datasetRetentionPolicy":{"units":"YEARS","value":0}}`: "datasetRetentionPolicy.units " +
			"datasetRetentionPolicy.value",
	} {
		status, answer := c.trigger(pl, body)
		var named []string
		for _, field := range children(child(answer, "badRequestDetail"), "fields") {
			named = append(named, text(field, "field"))
		}
		if status != http.StatusBadRequest || answer["errorCode"] != "VALIDATION_ERROR" || strings.Join(named, " ") != fields {
			t.Errorf("%s answers %d %v", body, status, answer)
		}
	}
	if status, _ := c.trigger(pl, `{`); status != http.StatusBadRequest {
		t.Errorf("half a body answers %d", status)
	}
	if status, answer := c.trigger(pl, `{"snapshotId":"000000000000000000000000"}`); status != http.StatusNotFound {
		t.Errorf("an unknown snapshot answers %d %v", status, answer)
	}
	if len(c.page(runs(pl)).Results) != 1 {
		t.Error("a refused request started a run")
	}
}
