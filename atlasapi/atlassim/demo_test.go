package atlassim_test

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// reading is everything that an exporter reads of an organization, by the name of the cluster, pipeline or project.
type reading struct {
	clusters, schedules, pipelines     map[string]map[string]any
	exports, restores, snapshots, runs map[string][]map[string]any // each newest first
	flexSnapshots                      map[string][]map[string]any // oldest first
	buckets                            map[string][]string
	collectionRestores, flexRestores   map[string]int // by state
}

func (c *client) readAll() reading {
	c.t.Helper()
	objects := func() map[string]map[string]any { return map[string]map[string]any{} }
	lists := func() map[string][]map[string]any { return map[string][]map[string]any{} }
	r := reading{
		clusters: objects(), schedules: objects(), pipelines: objects(),
		exports: lists(), restores: lists(), snapshots: lists(), runs: lists(), flexSnapshots: lists(),
		buckets: map[string][]string{}, collectionRestores: map[string]int{}, flexRestores: map[string]int{},
	}
	for _, project := range c.all("/groups") {
		group := "/groups/" + text(project, "id")
		r.buckets[text(project, "name")] = c.page(group + "/backup/exportBuckets").ids()
		for _, cluster := range c.all(group + "/clusters") {
			name := text(cluster, "name")
			r.clusters[name] = cluster
			if !flag(cluster, "backupEnabled") {
				continue
			}
			path := group + "/clusters/" + name
			r.schedules[name] = c.object(path + "/backup/schedule")
			r.exports[name] = c.all(path + "/backup/exports")
			r.restores[name] = c.all(path + "/backup/restoreJobs")
			r.snapshots[name] = c.all(path + "/backup/snapshots")
			for _, job := range c.page(path + "/collectionRestoreJobs").Results {
				r.collectionRestores[text(job, "state")]++
			}
		}
		for _, flex := range c.all(group + "/flexClusters") {
			path := group + "/flexClusters/" + text(flex, "name") + "/backup"
			r.flexSnapshots[text(flex, "name")] = c.all(path + "/snapshots")
			for _, job := range c.all(path + "/restoreJobs") {
				r.flexRestores[text(job, "deliveryType")+" "+text(job, "status")]++
			}
		}
		var pipelines []map[string]any
		c.good(group+"/pipelines", &pipelines)
		for _, pl := range pipelines {
			name := text(pl, "name")
			r.pipelines[name] = pl
			r.runs[name] = c.all(group + "/pipelines/" + url.PathEscape(name) + "/runs")
		}
	}
	return r
}

// age returns how long ago a time of an item was.
func age(t *testing.T, item map[string]any, member string, now time.Time) time.Duration {
	t.Helper()
	text, _ := item[member].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatalf("%s of %v: %v", member, item, err)
	}
	return now.Sub(at)
}

// newestIn returns the newest item in which the member has a value, of a list that is newest first.
func newestIn(list []map[string]any, member, value string) map[string]any {
	for _, item := range list {
		if item[member] == value {
			return item
		}
	}
	return nil
}

// TestDemo looks for every situation that the demo is meant to show.
func TestDemo(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	c := serve(t, atlassim.Demo(clock), atlassim.Options{NoRateLimits: true})
	r := c.readAll()
	newestIsState := func(cluster, state string, youngest, oldest time.Duration) {
		t.Helper()
		job := r.exports[cluster][0]
		if got := age(t, job, "createdAt", noon()); job["state"] != state || got < youngest || got > oldest {
			t.Errorf("newest export of %s is %v, %v ago", cluster, job["state"], got)
		}
	}
	if len(r.clusters) != 23 || len(r.pipelines) != 6 {
		t.Errorf("%d clusters and %d pipelines", len(r.clusters), len(r.pipelines))
	}
	if n := len(r.exports["payments-prod-eu"]); n != 400 {
		t.Errorf("the long history has %d exports", n)
	}
	newestIsState("payments-prod-eu", "Successful", time.Hour, 12*time.Hour)
	newestIsState("platform-core", "Successful", time.Hour, 12*time.Hour)
	newestIsState("payments-prod-us", "Failed", time.Hour, 12*time.Hour)
	if reason := child(r.exports["payments-prod-us"][0], "stateReason"); reason["errorCode"] == nil {
		t.Errorf("the failed export gives no reason: %v", reason)
	}
	newestIsState("payments-ledger", "Queued", time.Hour, 12*time.Hour)
	if stuck := r.exports["payments-ledger"][1]; stuck["state"] != "InProgress" || age(t, stuck, "createdAt", noon()) < 12*time.Hour {
		t.Errorf("stuck export: %v", stuck)
	}
	newestIsState("platform-sessions", "Successful", 90*time.Hour, 100*time.Hour)
	if policy := child(r.schedules["platform-sessions"], "export"); policy["frequencyType"] != "daily" {
		t.Errorf("the overdue cluster's policy is %v", policy)
	}
	if flag(r.schedules["platform-search"], "autoExportEnabled") || len(r.exports["platform-search"]) == 0 {
		t.Error("auto export of platform-search is enabled, or never was")
	}
	if !flag(r.schedules["platform-legacy"], "autoExportEnabled") || len(r.exports["platform-legacy"]) != 0 {
		t.Error("platform-legacy has exports")
	}
	if got := age(t, r.clusters["platform-next"], "createDate", noon()); got != time.Hour || len(r.exports["platform-next"]) != 0 {
		t.Errorf("the new cluster is %v old", got)
	}
	if !flag(r.clusters["analytics-seasonal"], "paused") || len(r.exports["analytics-seasonal"]) == 0 {
		t.Error("analytics-seasonal is not paused")
	}
	if flag(r.clusters["sandbox-lab"], "backupEnabled") || flag(r.clusters["sandbox-free"], "backupEnabled") {
		t.Error("the sandbox is backed up")
	}
	if r.clusters["analytics-warehouse"]["clusterType"] != "SHARDED" || r.exports["analytics-warehouse"][0]["components"] == nil {
		t.Error("analytics-warehouse is not sharded")
	}
	if newestIn(r.exports["analytics-stream"], "state", "InProgress") == nil {
		t.Error("no export is in flight")
	}
	demoRestores(t, r)
	demoPipelines(t, r)
}

func demoRestores(t *testing.T, r reading) {
	t.Helper()
	kinds := map[string]int{}
	for _, list := range r.restores {
		for _, job := range list {
			state := "running"
			switch {
			case flag(job, "cancelled"):
				state = "cancelled"
			case flag(job, "failed"):
				state = "failed"
			case job["finishedAt"] != nil:
				state = "completed"
			case flag(job, "expired"):
				state = "expired"
			case len(elements(job, "deliveryUrl")) > 0:
				state = "ready"
			}
			kinds[text(job, "deliveryType")+" "+state]++
		}
	}
	for _, kind := range []string{
		"automated running", "automated completed", "automated cancelled", "download ready", "download expired",
		"download cancelled", "pointInTime completed", "pointInTime failed",
	} {
		if kinds[kind] == 0 {
			t.Errorf("no restore is %s: %v", kind, kinds)
		}
	}
}

func demoPipelines(t *testing.T, r reading) {
	t.Helper()
	newest := func(pipeline, state, phase string, oldest time.Duration) {
		t.Helper()
		run := r.runs[pipeline][0]
		if run["state"] != state || run["phase"] != phase || age(t, run, "createdDate", noon()) > oldest {
			t.Errorf("newest run of %s: %v", pipeline, run)
		}
	}
	newest("orders-daily", "DONE", "INGESTION", 12*time.Hour)
	newest("refunds#eu", "FAILED", "EXPORT", 12*time.Hour)
	newest("embeddings", "IN_PROGRESS", "INGESTION", 12*time.Hour)
	if got := age(t, r.runs["embeddings"][0], "createdDate", noon()); got < 6*time.Hour {
		t.Errorf("the stuck run is only %v old", got)
	}
	newest("sessions-weekly", "DATASET_DELETED", "INGESTION", 60*24*time.Hour)
	if r.pipelines["sessions-weekly"]["state"] != "PAUSED" {
		t.Error("sessions-weekly is not paused")
	}
	if len(r.runs["audit-log"]) != 0 || r.pipelines["audit-log"]["state"] != "ACTIVE" {
		t.Error("audit-log has runs")
	}
	if newestIn(r.runs["orders-daily"], "state", "DATASET_DELETED") == nil {
		t.Error("no dataset of orders-daily expired")
	}
	clicks := r.runs["clickstream"]
	if newestIn(clicks, "state", "DONE") == nil || clicks[0]["state"] == "DONE" {
		t.Errorf("clickstream is not in flight: %v", clicks[0])
	}
}

// TestDemoLives looks at an hour of the demo: some job changes every half minute, no date is in the future, new jobs take one
// to three minutes, and an ended job does not change again unless its dataset is deleted.
func TestDemoLives(t *testing.T) {
	for _, start := range []time.Time{noon(), noon().Add(11*time.Hour + 59*time.Minute + 59500*time.Millisecond)} {
		t.Run(start.Format(time.TimeOnly), func(t *testing.T) {
			clock := atlassim.NewManualClock(start)
			org := atlassim.Demo(clock)
			before := snapshot(t, org)
			for range 120 {
				now := clock.Advance(30 * time.Second)
				after := snapshot(t, org)
				changed := 0
				for id, job := range after {
					if job.text != before[id].text {
						changed++
					}
					if job.latest.After(now) {
						t.Fatalf("%s has a date after %v", job.text, now)
					}
					if old, known := before[id]; known && old.terminal && old.state != job.state && job.state != "DATASET_DELETED" &&
						job.state != "expired" {
						t.Errorf("%s became %s", old.text, job.state)
					}
					if took := job.latest.Sub(job.created); !job.noEnd && !before[id].terminal && job.terminal && job.state != "expired" &&
						job.state != "DATASET_DELETED" && (took < time.Minute-time.Second || took > 3*time.Minute+time.Second) {
						t.Errorf("%s took %v", job.text, took)
					}
				}
				if changed == 0 {
					t.Fatalf("nothing changed in the half minute before %v", now)
				}
				before = after
			}
		})
	}
}

// seenJob is a job at one moment.
type seenJob struct {
	text            string
	state           string
	terminal        bool
	noEnd           bool // it does not say when it ended
	created, latest time.Time
}

// snapshot looks at all jobs of the organization.
func snapshot(t *testing.T, org *atlassim.Organization) map[string]seenJob {
	t.Helper()
	jobs := map[string]seenJob{}
	add := func(id string, seen seenJob, more int64, times ...time.Time) {
		text := []byte(id + " " + seen.state)
		text = strconv.AppendInt(append(text, ' '), more, 10)
		for _, at := range times {
			text = strconv.AppendInt(append(text, ' '), at.Unix(), 10)
			if at.After(seen.latest) {
				seen.latest = at
			}
		}
		seen.text = string(text)
		if _, twice := jobs[id]; twice {
			t.Fatalf("two jobs have the id %s", id)
		}
		jobs[id] = seen
	}
	org.Do(func() {
		for _, p := range org.Projects() {
			for _, c := range p.Clusters() {
				for _, e := range c.Exports() {
					seen := seenJob{state: e.State, created: e.CreatedAt, terminal: !e.FinishedAt.IsZero()}
					add(e.ID, seen, int64(e.ExportedCollections), e.CreatedAt, e.FinishedAt)
				}
				for _, r := range c.Restores() {
					seen := seenJob{state: "running", created: r.CreatedAt}
					seen.terminal = !r.FinishedAt.IsZero() || !r.ExpiresAt.IsZero()
					ended := r.FinishedAt
					switch {
					case r.Expired:
						seen.state, ended = "expired", r.ExpiresAt
					case !r.ExpiresAt.IsZero():
						seen.state, ended = "ready", r.ExpiresAt.Add(-time.Hour)
					case seen.terminal:
						seen.state = "ended"
					}
					add(r.ID, seen, int64(len(r.DeliveryURLs)), r.CreatedAt, ended)
				}
				for _, s := range c.Snapshots() {
					seen := seenJob{state: s.Status, created: s.RequestedAt, noEnd: true}
					seen.terminal = s.Status == atlassim.SnapshotCompleted || s.Status == atlassim.SnapshotFailed
					add(s.ID, seen, s.SizeBytes, s.RequestedAt, s.CreatedAt)
				}
				for _, r := range c.CollectionRestores() {
					seen := seenJob{state: r.State, created: r.CreatedAt, terminal: !r.FinishedAt.IsZero()}
					add(r.ID, seen, r.RestoredDocuments, r.CreatedAt, r.FinishedAt)
				}
			}
			for _, f := range p.FlexClusters() {
				for _, s := range f.Snapshots() {
					seen := seenJob{state: s.Status, created: s.ScheduledTime, terminal: !s.FinishTime.IsZero()}
					add(s.ID, seen, 0, s.ScheduledTime, s.StartTime, s.FinishTime)
				}
				for _, r := range f.Restores() {
					seen := seenJob{state: r.Status, created: r.ScheduledDate, terminal: !r.FinishedDate.IsZero()}
					add(r.ID, seen, 0, r.ScheduledDate, r.FinishedDate)
				}
			}
			for _, pl := range p.Pipelines() {
				for _, r := range pl.Runs() {
					seen := seenJob{state: r.State, created: r.CreatedDate}
					seen.terminal = r.State != atlassim.RunPending && r.State != atlassim.RunInProgress
					var done int64
					if r.Stats != nil {
						done = r.Stats.BytesExported + r.Stats.NumDocs
					}
					add(r.ID, seen, done, r.CreatedDate, r.LastUpdatedDate)
				}
			}
		}
	})
	return jobs
}

func TestDemoIsTheSameEveryTime(t *testing.T) {
	first := snapshot(t, atlassim.Demo(atlassim.NewManualClock(noon())))
	second := snapshot(t, atlassim.Demo(atlassim.NewManualClock(noon())))
	if !maps.Equal(first, second) {
		t.Error("two demos at the same time differ")
	}
}

// TestConcurrently reads the demo from several clients while time passes, faults come and go and the organization changes, for
// the race detector.
func TestConcurrently(t *testing.T) {
	clock := atlassim.NewManualClock(noon())
	org := atlassim.Demo(clock)
	c := serve(t, org, atlassim.Options{NoRateLimits: true, TokenLifetime: 365 * 24 * time.Hour})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, p := range c.all("/groups") {
				for _, cluster := range c.all("/groups/" + text(p, "id") + "/clusters") {
					path := "/groups/" + text(p, "id") + "/clusters/" + text(cluster, "name") + "/backup/exports"
					if response, _ := c.get(path); response.StatusCode == http.StatusInternalServerError {
						t.Errorf("%s answers %d", path, response.StatusCode)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		readers.Wait()
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		clock.Advance(time.Second)
		remove := c.server.Inject(atlassim.Fault{Operation: atlassim.OpGetProject, Status: http.StatusBadGateway})
		org.Do(func() {
			cluster := org.Projects()[0].Clusters()[0]
			cluster.Paused = !cluster.Paused
			cluster.RemoveExport(cluster.AddExport(atlassim.Export{}))
		})
		_ = c.server.Requests()
		remove()
	}
	if len(c.server.Requests()) < 4*14 {
		t.Errorf("only %d requests", len(c.server.Requests()))
	}
}
