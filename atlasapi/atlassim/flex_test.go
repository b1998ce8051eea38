package atlassim_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func TestFlexClusters(t *testing.T) {
	clock, org, p, cluster := small()
	flex := p.AddFlexCluster("flex", noon().Add(-20*day))
	flex.TakeSnapshots(atlassim.FlexRoutine{Outcome: func(scheduled time.Time) string {
		if scheduled.Day() == 15 {
			return atlassim.FlexFailed
		}
		return atlassim.FlexCompleted
	}})
	c := serve(t, org, atlassim.Options{TokenLifetime: 1000 * time.Hour})

	wantJSON(t, c.object(group(p)+"/flexClusters"), `{"results": [{
		"id": "`+flex.ID+`", "createDate": "2026-10-31T12:00:00Z", "backupSettings": {"enabled": true},
		"providerSettings": {"providerName": "FLEX"}
	}]}`)
	clock.Advance(time.Hour)
	items := c.page(flexPath(flex) + "/snapshots").Results
	if len(items) != 8 {
		t.Fatalf("%d snapshots are kept", len(items))
	}
	for i, item := range items {
		if i > 0 && text(item, "scheduledTime") <= text(items[i-1], "scheduledTime") {
			t.Error("the snapshots are not oldest first")
		}
		failed := strings.HasPrefix(text(item, "scheduledTime"), "2026-11-15")
		if (item["status"] == "FAILED") != failed || text(item, "startTime") <= text(item, "scheduledTime") ||
			text(item, "finishTime") <= text(item, "startTime") {
			t.Errorf("snapshot %v", item)
		}
	}
	org.Do(func() { flex.BackupEnabled = false })
	clock.Advance(8 * day)
	if items := c.page(flexPath(flex) + "/snapshots").Results; len(items) != 0 {
		t.Errorf("%d snapshots, eight days after the last", len(items))
	}

	c.refuses(t, []refusal{
		{group(p) + "/flexClusters/" + cluster.Name + "/backup/snapshots", 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"},
		{group(p) + "/clusters/flex/backup/snapshots", 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"},
		{group(p) + "/flexClusters/none/backup/restoreJobs", 404, "CLUSTER_NOT_FOUND"},
	}...)
}

func TestFlexSnapshotLife(t *testing.T) {
	for _, last := range []string{
		atlassim.FlexPending, atlassim.FlexQueued, atlassim.FlexRunning, atlassim.FlexFailed, atlassim.FlexCompleted,
	} {
		t.Run(last, func(t *testing.T) {
			clock, org, p, _ := small()
			flex := p.AddFlexCluster("flex", noon())
			flex.TakeSnapshots(atlassim.FlexRoutine{Outcome: func(time.Time) string { return last }})
			clock.Advance(day)
			var seen []string
			for range 40 {
				org.Do(func() {
					s := flex.Snapshots()[0]
					if !slices.Contains(seen, s.Status) {
						seen = append(seen, s.Status)
					}
					if s.FinishTime.After(clock.Now()) || s.StartTime.After(clock.Now()) {
						t.Errorf("%s has a date in the future", s.ID)
					}
				})
				clock.Advance(5 * time.Second)
			}
			all := []string{"PENDING", "QUEUED", "RUNNING", last}
			if i := slices.Index(all, last); !slices.Equal(seen, all[:i+1]) {
				t.Errorf("the statuses are %v", seen)
			}
		})
	}
}

func TestFlexRestores(t *testing.T) {
	clock, org, p, _ := small()
	flex := p.AddFlexCluster("flex", noon().Add(-3*day))
	flex.TakeSnapshots(atlassim.FlexRoutine{})
	c := serve(t, org, atlassim.Options{})
	org.Do(func() { flex.Restore(atlassim.FlexRestoreDownload, atlassim.FlexCompleted) })
	path := flexPath(flex) + "/restoreJobs"
	job := c.page(path).Results[0]
	absent(t, job, "snapshotUrl", "restoreFinishedDate")
	wantJSON(t, job, `{
		"status": "PENDING", "restoreScheduledDate": "2026-11-20T12:00:00Z", "expirationDate": "2026-11-20T18:00:00Z"
	}`)
	clock.Advance(10 * time.Minute)
	org.Do(func() { flex.Restore(atlassim.FlexRestoreToCluster, atlassim.FlexFailed) })
	clock.Advance(10 * time.Minute)
	list := c.page(path).Results
	wantJSON(t, list[0], `{"deliveryType": "RESTORE", "status": "FAILED"}`)
	absent(t, list[0], "snapshotUrl")
	if list[0]["restoreFinishedDate"] == nil || list[1]["status"] != "COMPLETED" || len(text(list[1], "snapshotUrl")) < 60 {
		t.Errorf("the jobs are %v", list)
	}
	listed := c.page(flexPath(flex) + "/snapshots").ids()
	if !slices.Contains(listed, text(list[1], "snapshotId")) {
		t.Error("the restored snapshot is not listed")
	}
}

func TestCollectionRestores(t *testing.T) {
	for _, test := range []struct {
		last string
		seen []string
	}{
		{"INITIALIZING", []string{"INITIALIZING"}},
		{"IN_PROGRESS", []string{"INITIALIZING", "IN_PROGRESS"}},
		{"FINALIZING", []string{"INITIALIZING", "IN_PROGRESS", "FINALIZING"}},
		{"SUCCESSFUL", []string{"INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL"}},
		{"CANCELED", []string{"INITIALIZING", "IN_PROGRESS", "CANCELED"}},
		{"FAILED", []string{"INITIALIZING", "IN_PROGRESS", "FAILED"}},
	} {
		t.Run(test.last, func(t *testing.T) {
			clock, org, _, cluster := small()
			c := serve(t, org, atlassim.Options{})
			org.Do(func() {
				cluster.RestoreCollections(atlassim.CollectionOutcome{State: test.last, ErrorMessage: "was not found", FailedIndexes: 2})
			})
			var seen []string
			var job map[string]any
			for range 40 {
				job = c.page(collectionRestores(cluster)).Results[0]
				if state := text(job, "state"); !slices.Contains(seen, state) {
					seen = append(seen, state)
				}
				clock.Advance(5 * time.Second)
			}
			if !slices.Equal(seen, test.seen) {
				t.Errorf("the states are %v, want %v", seen, test.seen)
			}
			ended := slices.Contains([]string{"SUCCESSFUL", "CANCELED", "FAILED"}, test.last)
			if (job["finishedAt"] != nil) != ended || job["createdAt"] != "2026-11-20T12:00:00Z" {
				t.Errorf("the job is %v", job)
			}
			switch test.last {
			case "INITIALIZING":
				absent(t, job, "totalDocuments", "restoredDocuments", "indexStatus", "errorMessage")
			case "SUCCESSFUL":
				status := child(job, "indexStatus")
				if number(job, "restoredDocuments") != number(job, "totalDocuments") || status["failedCollectionCount"] != 2.0 || status["state"] != "FAILED" {
					t.Errorf("the job is %v", job)
				}
			}
		})
	}
}

func TestCollectionRestoresKnowLittle(t *testing.T) {
	_, org, _, cluster := small()
	for i := range 3 {
		cluster.AddCollectionRestore(atlassim.CollectionRestore{CreatedAt: noon().Add(-time.Duration(i) * time.Hour), FinishedAt: noon()})
	}
	c := serve(t, org, atlassim.Options{})
	path := collectionRestores(cluster)
	p := c.page(path + "?pageNum=1&itemsPerPage=2")
	if next := p.link("next"); len(p.Results) != 2 || *p.TotalCount != 3 || !strings.HasSuffix(next, "?pageNum=2&itemsPerPage=2") {
		t.Errorf("the page links to %s", next)
	}
	c.rejects(t, path, "?includeCount=false", "?envelope=false", "?pretty=true", "?other=1")
	for status, code := range map[int]string{404: "RESOURCE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 410: "VERSION_GONE"} {
		org.Do(func() { org.CollectionRestoresGone, org.FlexGone = status, status })
		c.refuses(t, refusal{path, status, code}, refusal{group(cluster.Project()) + "/flexClusters", status, code})
		c.page(snapshots(cluster)) // others are supported
	}
}

// TestOrdersOfBackups lists four items that were created in another order than their dates, in each order.
func TestOrdersOfBackups(t *testing.T) {
	_, org, p, cluster := small()
	flex := p.AddFlexCluster("flex", time.Time{})
	for _, n := range []int{2, 0, 3, 1} {
		at := noon().Add(time.Duration(n-4) * time.Hour)
		cluster.AddSnapshot(atlassim.Snapshot{CreatedAt: at, Status: strconv.Itoa(n)})
		cluster.AddCollectionRestore(atlassim.CollectionRestore{CreatedAt: at, State: strconv.Itoa(n)})
		flex.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: at, Status: strconv.Itoa(n)})
		flex.AddRestore(atlassim.FlexRestore{ScheduledDate: at, Status: strconv.Itoa(n)})
	}
	c := serve(t, org, atlassim.Options{})
	for _, list := range []struct {
		path, state string
		order       func(atlassim.Order)
		first       string // in the list's own order
	}{
		{snapshots(cluster), "status", cluster.OrderSnapshots, "3210"},
		{collectionRestores(cluster), "state", cluster.OrderCollectionRestores, "3210"},
		{flexPath(flex) + "/snapshots", "status", flex.OrderSnapshots, "0123"},
		{flexPath(flex) + "/restoreJobs", "status", flex.OrderRestores, "3210"},
	} {
		t.Run(list.path, func(t *testing.T) {
			c := c.in(t)
			read := func() string {
				order := ""
				for _, item := range c.page(list.path).Results {
					order += text(item, list.state)
				}
				return order
			}
			if got := read(); got != list.first {
				t.Errorf("at first the order is %s, want %s", got, list.first)
			}
			for order, want := range map[atlassim.Order]string{
				atlassim.NewestFirst: "3210", atlassim.OldestFirst: "0123", atlassim.AsAdded: "2031",
			} {
				org.Do(func() { list.order(order) })
				if got := read(); got != want {
					t.Errorf("in order %d it is %s, want %s", order, got, want)
				}
			}
		})
	}
}

// TestNewResources checks what every resource must answer in the same way.
func TestNewResources(t *testing.T) {
	_, org, p, cluster := small()
	sharded := p.AddCluster("sharded", atlassim.ClusterOptions{Shards: 2})
	flex := p.AddFlexCluster("flex", time.Time{})
	reader := atlassim.ServiceAccount{ClientID: "mdb_sa_id_reader", ClientSecret: "mdb_sa_sk_reader", Role: atlassim.ProjectReadOnly}
	c := serve(t, org, atlassim.Options{ServiceAccounts: []atlassim.ServiceAccount{account(), reader}})
	all, readOnly := c.token, c.tokenOf(reader)
	for _, test := range []struct {
		operation, path, version, before string
		manager                          bool // needs Project Backup Manager
	}{
		{atlassim.OpListBackupSnapshots, snapshots(cluster), "2023-01-01", "2022-12-31", false},
		{atlassim.OpListShardedBackupSnapshots, snapshots(sharded) + "/shardedClusters", "2023-01-01", "2022-12-31", false},
		{atlassim.OpListExportBuckets, group(p) + "/backup/exportBuckets", "2024-05-30", "2022-12-31", false},
		{atlassim.OpListFlexClusters, group(p) + "/flexClusters", "2024-11-13", "2024-11-12", false},
		{atlassim.OpListFlexSnapshots, flexPath(flex) + "/snapshots", "2024-11-13", "2024-11-12", false},
		{atlassim.OpListFlexRestores, flexPath(flex) + "/restoreJobs", "2024-11-13", "2024-11-12", false},
		{atlassim.OpListCollectionRestores, collectionRestores(cluster), "2025-03-12", "2025-03-11", true},
	} {
		t.Run(test.operation, func(t *testing.T) {
			c := c.in(t)
			ask := func(version, token, method string) (answered, []byte) {
				c.token = token
				request := c.signed(method, test.path, nil)
				request.Header.Set("Accept", "application/vnd.atlas."+version+"+json")
				return c.send(request)
			}
			c.server.ResetRequests()
			response, body := ask(test.version, all, http.MethodGet)
			if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK ||
				got != "application/vnd.atlas."+test.version+"+json;charset=utf-8" || !strings.Contains(string(body), `"results":[`) {
				t.Errorf("answers %d %s %s", response.StatusCode, got, body)
			}
			if response.Header.Get("RateLimit-Remaining") == "" {
				t.Error("the answer has no rate limit")
			}
			if c.server.Count(test.operation) != 1 {
				t.Errorf("counted as %v", c.server.Requests())
			}
			if response, body := ask(test.before, all, http.MethodGet); response.StatusCode != http.StatusNotAcceptable {
				t.Errorf("an older version answers %d %s", response.StatusCode, body)
			}
			if response, body := ask(test.version, all, http.MethodPost); response.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("POST answers %d %s", response.StatusCode, body)
			}
			want := http.StatusOK
			if test.manager {
				want = http.StatusUnauthorized
			}
			if response, body := ask(test.version, readOnly, http.MethodGet); response.StatusCode != want {
				t.Errorf("Project Read Only is answered %d %s", response.StatusCode, body)
			}
		})
	}
}
