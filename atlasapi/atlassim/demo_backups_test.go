package atlassim_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// chain is what an exporter reads of the backups of one cluster.
type chain struct {
	cluster, schedule  map[string]any
	snapshots, exports []map[string]any
}

// chains returns the backups of every cluster that has any.
func (r reading) chains() map[string]chain {
	chains := map[string]chain{}
	for name, schedule := range r.schedules {
		chains[name] = chain{r.clusters[name], schedule, r.snapshots[name], r.exports[name]}
	}
	return chains
}

// seconds returns a time of an item, or 0 if it has none.
func seconds(item map[string]any, member string) int64 {
	at, err := time.Parse(time.RFC3339, text(item, member))
	if err != nil {
		return 0
	}
	return at.Unix()
}

// newestMoment returns the creation of the newest snapshot that completed and is not a fallback.
func (ch chain) newestMoment() int64 {
	var newest int64
	for _, s := range ch.snapshots {
		if s["status"] == "completed" && s["snapshotType"] != "fallback" {
			newest = max(newest, seconds(s, "createdAt"))
		}
	}
	return newest
}

// missing returns the creation of the oldest snapshot that should have been exported after the newest export, and was not.
func (ch chain) missing() int64 {
	frequency := text(child(ch.schedule, "export"), "frequencyType")
	if frequency == "" || !flag(ch.schedule, "autoExportEnabled") {
		return 0
	}
	items := map[string]bool{}
	for _, item := range children(children(ch.schedule, "policies")[0], "policyItems") {
		items[text(item, "id")] = item["frequencyType"] == frequency
	}
	exported, newest := map[string]bool{}, int64(0)
	for _, job := range ch.exports {
		exported[text(job, "snapshotId")] = true
	}
	if len(ch.exports) > 0 {
		// The snapshot may be gone: its id still contains its time.
		newest, _ = strconv.ParseInt(text(ch.exports[0], "snapshotId")[:8], 16, 64)
	}
	var oldest int64
	for _, s := range ch.snapshots {
		covered := s["frequencyType"] == frequency
		for _, id := range elements(s, "policyItems") {
			name, _ := id.(string)
			covered = covered || items[name]
		}
		created := seconds(s, "createdAt")
		if covered && s["status"] == "completed" && s["snapshotType"] != "fallback" && !exported[text(s, "id")] && created > newest &&
			(oldest == 0 || created < oldest) {
			oldest = created
		}
	}
	return oldest
}

// TestDemoTellsTheTruth looks for clusters whose restorable moment is old, and for snapshots without an export: there must be
// exactly those that the demo means to show, whatever the time of day at which it is started.
func TestDemoTellsTheTruth(t *testing.T) {
	starts := []time.Time{
		time.Date(2026, 3, 1, 0, 0, 5, 0, time.UTC), noon().Add(37*day + 5*time.Hour + 13*time.Minute),
		noon(), noon().Add(11*time.Hour + 59*time.Minute + 40*time.Second), time.Date(2027, 1, 1, 3, 30, 0, 0, time.UTC),
	}
	if testing.Short() {
		starts = starts[:2]
	}
	for _, start := range starts {
		t.Run(start.Format(time.RFC3339), func(t *testing.T) {
			clock := atlassim.NewManualClock(start)
			c := serve(t, atlassim.Demo(clock), atlassim.Options{NoRateLimits: true, TokenLifetime: 1000 * time.Hour})
			for range 2 {
				var old, missing, behind []string
				for name, ch := range c.readAll().chains() {
					created := seconds(ch.cluster, "createDate")
					if !flag(ch.cluster, "paused") && clock.Now().Unix()-max(ch.newestMoment(), created) > int64((6*time.Hour+10*time.Minute)/time.Second) {
						old = append(old, name)
					}
					if at := ch.missing(); at != 0 && clock.Now().Unix()-at > int64(15*time.Minute/time.Second) {
						missing = append(missing, name)
					}
					if next := seconds(ch.schedule, "nextSnapshot"); next != 0 && next < clock.Now().Unix() {
						behind = append(behind, name)
					}
					for _, s := range ch.snapshots {
						if seconds(s, "createdAt") > clock.Now().Unix() {
							t.Errorf("a snapshot of %s has a date in the future: %v", name, s)
						}
					}
				}
				slices.Sort(old)
				slices.Sort(missing)
				// Those that have failed since seven hours before the start may need another hour.
				may := []string{"commerce-archive", "commerce-catalog", "commerce-checkout", "commerce-inventory", "commerce-search"}
				strange := func(name string) bool { return !slices.Contains(may, name) }
				if slices.ContainsFunc(old, strange) || !slices.Contains(old, "commerce-archive") || !slices.Contains(old, "commerce-catalog") {
					t.Errorf("the restorable moment of %v is old", old)
				}
				if !slices.Equal(missing, []string{"commerce-reports", "platform-legacy", "platform-sessions"}) {
					t.Errorf("an export of %v is missing", missing)
				}
				if !slices.Equal(behind, []string{"commerce-catalog"}) {
					t.Errorf("the schedule of %v is behind", behind)
				}
				clock.Advance(20 * time.Minute)
			}
		})
	}
}

// TestDemoBackups looks for each situation of snapshots, collection restores and flex clusters.
func TestDemoBackups(t *testing.T) {
	c := serve(t, atlassim.Demo(atlassim.NewManualClock(noon())), atlassim.Options{NoRateLimits: true})
	r := c.readAll()
	newest := func(cluster string) map[string]any { return r.snapshots[cluster][0] }
	for _, test := range []struct {
		name string
		ok   bool
	}{
		{"fresh", newest("commerce-orders")["status"] == "completed" && age(t, newest("commerce-orders"), "createdAt", noon()) < time.Hour},
		{"two days of hourly snapshots", len(r.snapshots["commerce-orders"]) > 48},
		{"overdue", age(t, newest("commerce-catalog"), "createdAt", noon()) > 47*time.Hour},
		{"failed", newest("commerce-checkout")["status"] == "failed"},
		{"hanging", newest("commerce-inventory")["status"] == "inProgress" && newest("commerce-inventory")["createdAt"] == nil},
		{"fallback", newest("commerce-search")["snapshotType"] == "fallback" && newest("commerce-search")["status"] == "completed"},
		{"nothing scheduled", len(elements(children(r.schedules["commerce-archive"], "policies")[0], "policyItems")) == 0},
		{"on demand", newest("commerce-archive")["frequencyType"] == "ondemand"},
		{"continuous backup on", flag(r.clusters["commerce-orders"], "pitEnabled")},
		{"continuous backup off", !flag(r.clusters["commerce-catalog"], "pitEnabled")},
		{"copied", len(elements(newest("commerce-global"), "copyRegions")) == 1},
		{"sharded", newest("commerce-global")["type"] == "shardedCluster"},
		{"bucket gone", !slices.Contains(r.buckets["commerce"], text(child(r.schedules["commerce-billing"], "export"), "exportBucketId"))},
		{"bucket there", slices.Contains(r.buckets["commerce"], text(child(r.schedules["commerce-orders"], "export"), "exportBucketId"))},
		{"backup off", !flag(r.clusters["sandbox-lab"], "backupEnabled")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.ok {
				t.Errorf("the demo does not show: %s", test.name)
			}
		})
	}
	for _, state := range []string{"INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL", "CANCELED", "FAILED"} {
		if r.collectionRestores[state] == 0 {
			t.Errorf("no collection restore is %s: %v", state, r.collectionRestores)
		}
	}
	for _, kind := range []string{
		"RESTORE COMPLETED", "RESTORE FAILED", "RESTORE RUNNING", "DOWNLOAD COMPLETED", "DOWNLOAD FAILED",
	} {
		if r.flexRestores[kind] == 0 {
			t.Errorf("no flex restore is %s: %v", kind, r.flexRestores)
		}
	}
	for name, status := range map[string]string{
		"mobile-app": "COMPLETED", "mobile-push": "FAILED", "mobile-legacy": "COMPLETED", "mobile-staging": "RUNNING", "mobile-new": "",
	} {
		list := r.flexSnapshots[name]
		if status == "" {
			if len(list) != 0 {
				t.Errorf("%s has %d snapshots", name, len(list))
			}
			continue
		}
		if len(list) == 0 || list[len(list)-1]["status"] != status {
			t.Errorf("the snapshots of %s are %v", name, list)
		}
	}
	if n := len(r.flexSnapshots["mobile-app"]); n != 8 {
		t.Errorf("mobile-app keeps %d snapshots", n)
	}
	if last := r.flexSnapshots["mobile-legacy"]; age(t, last[len(last)-1], "scheduledTime", noon()) < 3*day {
		t.Error("mobile-legacy is not overdue")
	}
}
