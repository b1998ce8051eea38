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
	clusters := "/groups/" + p.ID + "/clusters"
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
			request := c.request(http.MethodGet, "/api/atlas/v2"+test.path, nil)
			request.Header.Set("Accept", test.accept)
			request.Header.Set("Authorization", "Bearer "+c.token)
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

	job := c.object(exports(cluster) + "/" + queued.ID)
	epoch := strconv.FormatInt(created.Unix(), 10)
	if job["state"] != "Queued" || job["createdAt"] != "2026-08-10T03:28:25Z" {
		t.Errorf("queued job is %v", job)
	}
	if _, ok := job["finishedAt"]; ok {
		t.Error("a queued job has a finishedAt")
	}
	if seconds, _ := strconv.ParseInt(queued.ID[:8], 16, 64); seconds != created.Unix() {
		t.Errorf("id %s does not begin with the creation", queued.ID)
	}
	prefix := text(job, "prefix")
	if !strings.HasPrefix(prefix, "exported_snapshots/") || !strings.HasSuffix(prefix, "/prod-eu/2026-08-10T0327/"+epoch) {
		t.Errorf("prefix is %s", prefix)
	}
	for _, e := range []*atlassim.Export{queued, done, failed} {
		status := child(c.object(exports(cluster)+"/"+e.ID), "exportStatus")
		if status["exportedCollections"] != 0.0 || status["totalCollections"] != 0.0 {
			t.Errorf("exportStatus is %v", status)
		}
	}
	job = c.object(exports(cluster) + "/" + done.ID)
	if job["state"] != "Successful" || job["finishedAt"] != "2026-08-10T03:43:05Z" || job["stateReason"] != nil {
		t.Errorf("done job is %v", job)
	}
	reason := child(c.object(exports(cluster)+"/"+failed.ID), "stateReason")
	if reason["errorCode"] != "BUCKET" || reason["message"] != `say "no"` {
		t.Errorf("stateReason is %v", reason)
	}
	job = c.object(exports(cluster) + "/" + odd.ID)
	if _, ok := job["createdAt"]; ok || job["state"] != "Paused" || job["exportStatus"] != nil {
		t.Errorf("odd job is %v", job)
	}
	job = c.page(exports(sharded)).Results[0]
	if job["exportStatus"] != nil || len(elements(job, "components")) != 2 || job["id"] != parts.ID {
		t.Errorf("sharded job is %v", job)
	}
	if code := c.fails(exports(cluster)+"/0123456789abcdef01234567", http.StatusNotFound); code != "RESOURCE_NOT_FOUND" {
		t.Errorf("an unknown job answers %s", code)
	}
}

func TestRestoreShape(t *testing.T) {
	clock, org, _, cluster := small()
	automated := cluster.AddRestore(atlassim.Restore{FinishedAt: noon().Add(-time.Minute), CreatedAt: noon().Add(-time.Hour)})
	download := cluster.AddRestore(atlassim.Restore{DeliveryType: atlassim.RestoreDownload})
	c := serve(t, org, atlassim.Options{})

	job := c.object(restores(cluster) + "/" + automated.ID)
	desired := child(job, "desiredTimestamp")
	if value, ok := desired["time"]; !ok || value != nil || len(desired) != 3 {
		t.Errorf("desiredTimestamp is %v", desired)
	}
	if job["targetClusterName"] != "prod-eu" || job["finishedAt"] == nil || job["timestamp"] == job["finishedAt"] {
		t.Errorf("automated restore is %v", job)
	}
	read := func() map[string]any { return c.object(restores(cluster) + "/" + download.ID) }
	if job = read(); job["targetClusterName"] != nil || len(elements(job, "deliveryUrl")) != 0 || job["expiresAt"] != nil {
		t.Errorf("download in progress is %v", job)
	}
	org.Do(func() { download.MakeReady(clock.Now()) })
	job = read()
	urls := elements(job, "deliveryUrl")
	if len(urls) != 1 || job["expiresAt"] != "2026-11-20T13:00:00Z" || job["finishedAt"] != nil || flag(job, "expired") {
		t.Errorf("ready download is %v", job)
	}
	if secret, _ := urls[0].(string); len(secret) < 120 {
		t.Errorf("download URL %v contains no secret", urls[0])
	}
	clock.Advance(time.Hour)
	c.signIn()
	if job = read(); !flag(job, "expired") || len(elements(job, "deliveryUrl")) != 0 || job["finishedAt"] != nil {
		t.Errorf("expired download is %v", job)
	}
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

	byName := map[string]map[string]any{}
	for _, item := range c.page("/groups/" + p.ID + "/clusters?includeDeletedWithRetainedBackups=false").Results {
		byName[text(item, "name")] = item
	}
	if m0 := byName["free"]; flag(m0, "backupEnabled") {
		t.Errorf("free tier: %v", m0)
	}
	region := children(children(byName["free"], "replicationSpecs")[0], "regionConfigs")[0]
	if region["providerName"] != "TENANT" || child(region, "electableSpecs")["instanceSize"] != "M0" {
		t.Errorf("free tier region: %v", region)
	}
	if flag(byName["off"], "backupEnabled") || !flag(byName["off"], "paused") || !flag(byName["prod-eu"], "backupEnabled") {
		t.Errorf("flags: %v", byName)
	}
	if s := byName["sharded"]; s["clusterType"] != "SHARDED" || len(elements(s, "replicationSpecs")) != 3 {
		t.Errorf("sharded: %v", s)
	}
	for _, test := range []struct {
		path   string
		status int
		code   string
	}{
		{exports(free), 400, "PROVIDER_BACKUP_NOT_SUPPORTED"},
		{restores(flex), 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"},
		{exports(off), 404, "BACKUP_CONFIG_NOT_FOUND"},
		{schedule(off), 404, "BACKUP_CONFIG_NOT_FOUND"},
		{"/groups/" + p.ID + "/clusters/none/backup/exports", 404, "CLUSTER_NOT_FOUND"},
		{"/groups/0123456789abcdef01234567/clusters", 404, "GROUP_NOT_FOUND"},
		{"/groups/nonsense", 404, "INVALID_GROUP_ID"},
		{"/nothing", 404, "RESOURCE_NOT_FOUND"},
	} {
		t.Run(test.path, func(t *testing.T) {
			if code := c.in(t).fails(test.path, test.status); code != test.code {
				t.Errorf("answers %s, want %s", code, test.code)
			}
		})
	}
	weekly := c.object(schedule(cluster))
	if !flag(weekly, "autoExportEnabled") || child(weekly, "export")["frequencyType"] != "weekly" {
		t.Errorf("schedule: %v", weekly)
	}
	if next, err := time.Parse(time.RFC3339, text(weekly, "nextSnapshot")); err != nil || !next.After(noon()) {
		t.Errorf("next snapshot at %v, %v", next, err)
	}
	plain := c.object(schedule(bare))
	if flag(plain, "autoExportEnabled") || plain["export"] != nil || plain["nextSnapshot"] != nil {
		t.Errorf("schedule without policy: %v", plain)
	}
	org.Do(func() {
		p.ClustersRefusal = atlassim.Refusal{Status: 400, Code: "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}
	})
	c.fails("/groups/"+p.ID+"/clusters", http.StatusBadRequest)
}

func TestPipelines(t *testing.T) {
	_, org, p, _ := small()
	const odd = "größe?#%2F&a=b"
	pl := p.AddPipeline(odd, atlassim.PipelineOptions{Cluster: "prod-eu"})
	p.AddPipeline("other", atlassim.PipelineOptions{State: atlassim.PipelinePaused})
	old := pl.AddRun(atlassim.Run{CreatedDate: noon().Add(-48 * time.Hour), State: atlassim.RunDone, Phase: atlassim.PhaseIngestion})
	pl.AddRun(atlassim.Run{CreatedDate: noon().Add(-24 * time.Hour), Stats: &atlassim.RunStats{BytesExported: 1 << 40}})
	c := serve(t, org, atlassim.Options{})

	response, body := c.get("/groups/" + p.ID + "/pipelines")
	var bare []map[string]any
	decode(t, body, &bare)
	if response.Header.Get("RateLimit-Limit") != "" || len(bare) != 2 || bare[0]["name"] != odd || bare[1]["state"] != "PAUSED" {
		t.Errorf("pipelines: %s", body)
	}
	list := c.page(runs(pl))
	if len(list.Results) != 2 || child(list.Results[0], "stats")["bytesExported"] != float64(1<<40) {
		t.Errorf("runs: %v", list)
	}
	if _, ok := list.Results[1]["stats"]; ok {
		t.Error("a run without stats has some")
	}
	if self := list.link("self"); !strings.HasPrefix(self, "https://cloud.mongodb.com/api/atlas/v2"+runs(pl)) {
		t.Errorf("self is %s", self)
	}
	before := c.page(runs(pl) + "?createdBefore=" + url.QueryEscape(noon().Add(-30*time.Hour).Format(time.RFC3339)))
	if ids := before.ids(); len(ids) != 1 || ids[0] != old.ID || *before.TotalCount != 1 {
		t.Errorf("created before: %v", before)
	}
	c.fails(runs(pl)+"?createdBefore=yesterday", http.StatusBadRequest)
	if run := c.object(runs(pl) + "/" + old.ID); run["phase"] != "INGESTION" || run["pipelineId"] != bare[0]["_id"] {
		t.Errorf("run: %v", run)
	}
	for status, code := range map[int]string{404: "RESOURCE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 410: "VERSION_GONE"} {
		org.Do(func() { org.PipelinesGone = status })
		if got := c.fails("/groups/"+p.ID+"/pipelines", status); got != code {
			t.Errorf("%d comes with %s", status, got)
		}
		c.fails(runs(pl), status)
	}
}

func (c *client) trigger(pl *atlassim.Pipeline, body string) (int, map[string]any) {
	c.t.Helper()
	path := "/api/atlas/v2" + strings.TrimSuffix(runs(pl), "/runs") + "/trigger"
	request := c.request(http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
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
	if status != http.StatusOK || run["state"] != "PENDING" || run["snapshotId"] != snapshot ||
		run["backupFrequencyType"] != "ON_DEMAND" || run["scheduledDeletionDate"] != "2026-12-04T12:00:00Z" {
		t.Errorf("trigger answers %d %v", status, run)
	}
	clock.Advance(5 * time.Minute)
	if run = c.object(runs(pl) + "/" + text(run, "_id")); run["state"] != "DONE" {
		t.Errorf("five minutes later the run is %v", run)
	}
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
