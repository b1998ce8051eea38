package atlassim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
	reach := func(c *client, path string) *http.Request {
		request := c.request(http.MethodGet, "/api/atlas/v2"+path, nil)
		request.Header.Set("Authorization", "Bearer "+c.token)
		return request
	}
	tokenRequest := func(c *client) *http.Request {
		form := strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode())
		request := c.request(http.MethodPost, "/api/oauth/token", form)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(account().ClientID, account().ClientSecret)
		return request
	}
	requests := []struct {
		name string
		make func(c *client) *http.Request
	}{
		{"projects", func(c *client) *http.Request { return reach(c, "/groups") }},
		{"project", func(c *client) *http.Request { return reach(c, "/groups/"+p.ID) }},
		{"snapshots", func(c *client) *http.Request { return reach(c, snapshots(cluster)) }},
		{"other project", func(c *client) *http.Request { return reach(c, "/groups/"+other.ID) }},
		{"token", tokenRequest},
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
				for _, request := range requests {
					headers, body, hung := c.hung(request.make(c))
					want := false
					for _, name := range scope.hangs {
						want = want || name == request.name
					}
					if hung != want {
						t.Errorf("%s hangs: %t", request.name, hung)
					}
					if hung && (headers != form.headers || !form.isBody(body)) {
						t.Errorf("%s has headers: %t, and the body %q", request.name, headers, body)
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

func TestTokenRate(t *testing.T) {
	for _, test := range []struct {
		name string
		rate atlassim.TokenRate
		// ten requests at once are let in; each of these is a second after that moment, with its answer
		seconds []int
		status  []int
		retry   []string
	}{
		{
			"with Retry-After",
			atlassim.TokenRate{Requests: 10, RetryAfter: true},
			[]int{0, 1, 59, 60, 61},
			[]int{429, 429, 429, 200, 200},
			[]string{"60", "59", "1", "", ""},
		},
		{
			"without",
			atlassim.TokenRate{Requests: 10},
			[]int{0, 59, 60},
			[]int{429, 429, 200},
			[]string{"", "", ""},
		},
		{
			// After a minute the ten are forgotten, and the nine refusals are not: one more fits.
			"refusals counted",
			atlassim.TokenRate{Requests: 10, RetryAfter: true, CountRefused: true},
			[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 60, 60, 61},
			[]int{429, 429, 429, 429, 429, 429, 429, 429, 429, 200, 429, 429},
			[]string{"59", "58", "57", "56", "55", "54", "53", "52", "51", "", "2", "2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock, org, _, _ := small()
			c := serve(t, org, atlassim.Options{TokenRate: test.rate}) // takes the first one
			form := url.Values{"grant_type": {"client_credentials"}}
			for range 9 {
				if status, body := c.mint(account(), form); status != http.StatusOK {
					t.Fatalf("one of the first ten answers %d %s", status, body)
				}
			}
			start := clock.Now()
			for i, seconds := range test.seconds {
				clock.Set(start.Add(time.Duration(seconds) * time.Second))
				request := c.request(http.MethodPost, "/api/oauth/token", strings.NewReader(form.Encode()))
				request.SetBasicAuth(account().ClientID, account().ClientSecret)
				request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				response, body := c.send(request)
				if retry := response.Header.Get("Retry-After"); response.StatusCode != test.status[i] || retry != test.retry[i] {
					t.Errorf("%d s after the tenth: %d, Retry-After %q, want %d, %q", seconds, response.StatusCode, retry, test.status[i], test.retry[i])
				}
				if response.StatusCode == http.StatusTooManyRequests {
					var answer map[string]any
					decode(t, body, &answer)
					if answer["errorCode"] != "RATE_LIMITED" || answer["error"] != 429.0 || answer["detail"] == nil {
						t.Errorf("the refusal is %s", body)
					}
				}
			}
			if status, _ := c.mint(atlassim.ServiceAccount{ClientID: "other", ClientSecret: "x"}, form); status != http.StatusUnauthorized {
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
	if code := c.fails("/groups?pageNum=2147483648", http.StatusBadRequest); code != "INVALID_QUERY_PARAMETER" {
		t.Errorf("answers %s", code)
	}
}
