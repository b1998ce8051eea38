package atlassim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

// wait is how long the tests wait for something that never happens.
const wait = 100 * time.Millisecond

// hung sends a request and returns how much of the answer arrived before the client gave up.
func (c *client) hung(request *http.Request) (headers bool, body string, hung bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), wait)
	defer cancel()
	response, err := http.DefaultClient.Do(request.WithContext(ctx))
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			c.t.Fatal(err)
		}
		return false, "", true
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	return true, string(read), errors.Is(err, context.DeadlineExceeded)
}

func TestHangs(t *testing.T) {
	_, org, p, cluster := small()
	other := org.AddProject("other")
	requests := func(c *client) map[string]*http.Request {
		return map[string]*http.Request{
			"projects":      c.signed(http.MethodGet, "/groups", nil),
			"project":       c.signed(http.MethodGet, group(p), nil),
			"snapshots":     c.signed(http.MethodGet, snapshots(cluster), nil),
			"other project": c.signed(http.MethodGet, group(other), nil),
			"token":         c.oauth("token", account(), grant()),
		}
	}
	for _, scope := range []struct {
		name  string
		fault atlassim.Fault
		hangs []string
	}{
		{"everything", atlassim.Fault{}, []string{"projects", "project", "snapshots", "other project", "token"}},
		{"one project", atlassim.Fault{Project: p.ID}, []string{"project", "snapshots"}},
		{"one endpoint", atlassim.Fault{Operation: atlassim.OpListBackupSnapshots}, []string{"snapshots"}},
		{"the token endpoint", atlassim.Fault{Operation: atlassim.OpToken}, []string{"token"}},
	} {
		for _, form := range []struct {
			name    string
			hang    atlassim.Hang
			headers bool
			isBody  func(string) bool
		}{
			{"silent", atlassim.HangSilent, false, func(body string) bool { return body == "" }},
			{"headers", atlassim.HangHeaders, true, func(body string) bool { return body == "" }},
			{"halfway", atlassim.HangHalfway, true, func(body string) bool { return body != "" && !json.Valid([]byte(body)) }},
			{"trickling", atlassim.HangTrickling, true, func(body string) bool { return len(body) <= 4 }},
		} {
			t.Run(scope.name+" "+form.name, func(t *testing.T) {
				c := serve(t, org, atlassim.Options{})
				fault := scope.fault
				fault.Hang, fault.Every = form.hang, wait/4
				remove := c.server.Inject(fault)
				for name, request := range requests(c) {
					headers, body, hung := c.hung(request)
					if hung != slices.Contains(scope.hangs, name) {
						t.Errorf("%s hangs: %t", name, hung)
					}
					if hung && (headers != form.headers || !form.isBody(body)) {
						t.Errorf("%s has headers: %t, and the body %q", name, headers, body)
					}
				}
				remove()
				c.page("/groups")
			})
		}
	}
}

// TestTricklingIsWhole reads a trickling answer to its end.
func TestTricklingIsWhole(t *testing.T) {
	_, org, p, _ := small()
	c := serve(t, org, atlassim.Options{})
	want := c.object("/groups/" + p.ID)
	c.server.Inject(atlassim.Fault{Hang: atlassim.HangTrickling, Every: time.Microsecond})
	if got := c.object("/groups/" + p.ID); got["id"] != want["id"] || len(got) != len(want) {
		t.Errorf("the answer is %v", got)
	}
}

// TestTokenRate requests ten tokens at once, which is the limit, and then one at each of the seconds after that.
func TestTokenRate(t *testing.T) {
	type step struct {
		second, status int
		retryAfter     string
	}
	refused := func(second, wait int) step { return step{second, http.StatusTooManyRequests, strconv.Itoa(wait)} }
	for _, test := range []struct {
		name  string
		rate  atlassim.TokenRate
		steps []step
	}{
		{
			"with Retry-After",
			atlassim.TokenRate{Requests: 10, RetryAfter: true},
			[]step{refused(0, 60), refused(1, 59), refused(59, 1), {60, 200, ""}, {61, 200, ""}},
		},
		{"without", atlassim.TokenRate{Requests: 10}, []step{{0, 429, ""}, {59, 429, ""}, {60, 200, ""}}},
		{
			// After a minute the ten are forgotten, and the nine refusals are not: one more fits.
			"refusals counted",
			atlassim.TokenRate{Requests: 10, RetryAfter: true, CountRefused: true},
			[]step{
				refused(1, 59), refused(2, 58), refused(3, 57), refused(4, 56), refused(5, 55), refused(6, 54), refused(7, 53),
				refused(8, 52), refused(9, 51),
				{60, 200, ""},
				refused(60, 2), refused(61, 2),
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock, org, _, _ := small()
			c := serve(t, org, atlassim.Options{TokenRate: test.rate}) // takes the first one
			for range 9 {
				c.signIn()
			}
			start := clock.Now()
			for _, step := range test.steps {
				clock.Set(start.Add(time.Duration(step.second) * time.Second))
				response, body := c.send(c.oauth("token", account(), grant()))
				if retry := response.Header.Get("Retry-After"); response.StatusCode != step.status || retry != step.retryAfter {
					t.Errorf("%d, Retry-After %q, want %+v", response.StatusCode, retry, step)
				}
				if response.StatusCode != http.StatusTooManyRequests {
					continue
				}
				var answer map[string]any
				decode(t, body, &answer)
				wantJSON(t, answer, `{"errorCode": "RATE_LIMITED", "error": 429}`)
				if answer["detail"] == nil {
					t.Errorf("the refusal is %s", body)
				}
			}
			other := atlassim.ServiceAccount{ClientID: "other", ClientSecret: "x"}
			if status, _ := c.mint(other, grant()); status != http.StatusUnauthorized {
				t.Errorf("another client is answered %d", status)
			}
		})
	}
}

// TestListsThatMove deletes from each kind of list while it is read: later items move to a page that was already read.
func TestListsThatMove(t *testing.T) {
	type world struct {
		org     *atlassim.Organization
		project *atlassim.Project
		cluster *atlassim.Cluster
		flex    *atlassim.FlexCluster
	}
	for _, test := range []struct {
		name string
		add  func(w world, n int) (remove func())
		path func(w world) string
	}{
		{"projects", func(w world, n int) func() {
			p := w.org.AddProject("a-" + strconv.Itoa(n)) // before every other by name
			return func() { w.org.RemoveProject(p) }
		}, func(world) string { return "/groups" }},
		{"clusters", func(w world, n int) func() {
			c := w.project.AddCluster("cluster-"+strconv.Itoa(n), atlassim.ClusterOptions{})
			return func() { w.project.RemoveCluster(c) }
		}, func(w world) string { return "/groups/" + w.project.ID + "/clusters" }},
		{"flex clusters", func(w world, n int) func() {
			f := w.project.AddFlexCluster("flex-"+strconv.Itoa(n), time.Time{})
			return func() { w.project.RemoveFlexCluster(f) }
		}, func(w world) string { return "/groups/" + w.project.ID + "/flexClusters" }},
		{"snapshots", func(w world, n int) func() {
			s := w.cluster.AddSnapshot(atlassim.Snapshot{CreatedAt: noon().Add(-time.Duration(n) * time.Hour)})
			return func() { w.cluster.RemoveSnapshot(s) }
		}, func(w world) string { return snapshots(w.cluster) }},
		{"collection restores", func(w world, n int) func() {
			r := w.cluster.AddCollectionRestore(atlassim.CollectionRestore{CreatedAt: noon().Add(-time.Duration(n) * time.Hour)})
			return func() { w.cluster.RemoveCollectionRestore(r) }
		}, func(w world) string { return collectionRestores(w.cluster) }},
		{"flex snapshots", func(w world, n int) func() {
			s := w.flex.AddSnapshot(atlassim.FlexSnapshot{ScheduledTime: noon().Add(time.Duration(n) * time.Hour)})
			return func() { w.flex.RemoveSnapshot(s) }
		}, func(w world) string { return flexPath(w.flex) + "/snapshots" }},
		{"flex restores", func(w world, n int) func() {
			r := w.flex.AddRestore(atlassim.FlexRestore{ScheduledDate: noon().Add(-time.Duration(n) * time.Hour)})
			return func() { w.flex.RemoveRestore(r) }
		}, func(w world) string { return flexPath(w.flex) + "/restoreJobs" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, org, p, cluster := small()
			w := world{org, org.AddProject("empty"), cluster, p.AddFlexCluster("flex", time.Time{})}
			removeFirst := test.add(w, 0)
			for n := 1; n < 6; n++ {
				test.add(w, n)
			}
			c := serve(t, org, atlassim.Options{})
			listed := len(c.all(test.path(w)))
			c.server.SetBeforePage(func(_ string, page int) {
				if page == 2 {
					org.Do(removeFirst)
				}
			})
			seen := map[string]bool{}
			for number := 1; ; number++ {
				page := c.page(test.path(w) + "?itemsPerPage=3&pageNum=" + strconv.Itoa(number))
				for _, id := range page.ids() {
					seen[id] = true
				}
				if page.link("next") == "" {
					break
				}
			}
			if len(seen) != listed-1 {
				t.Errorf("of %d items %d are seen, want all but the one that moved", listed, len(seen))
			}
		})
	}
}

// TestFarPages requests pages whose offset exceeds 32 bits.
func TestFarPages(t *testing.T) {
	_, org, _, _ := small()
	c := serve(t, org, atlassim.Options{})
	for _, number := range []string{"2", "1000000", "2147483647"} {
		if p := c.page("/groups?itemsPerPage=500&pageNum=" + number); len(p.Results) != 0 || p.link("next") != "" {
			t.Errorf("page %s is %v", number, p)
		}
	}
	c.fails("/groups?pageNum=2147483648", http.StatusBadRequest, "INVALID_QUERY_PARAMETER")
}
