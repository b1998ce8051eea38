package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/web"
)

// shown loads the page until check accepts it, and returns it.
func (e *exporter) shown(t *testing.T, want string) answer {
	t.Helper()
	var got answer
	harness.Eventually(t, func() error {
		if got = e.get(t, "/"); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			return fmt.Errorf("the page answers %d, without %s:\n%s", got.status, want, got.body)
		}
		return nil
	})
	return got
}

// storyOf returns the rows of a cluster or a pipeline, their cells separated by "|", without markup.
func storyOf(t *testing.T, page answer, name string) []string {
	t.Helper()
	for body := range strings.SplitSeq(page.body, "<tbody") {
		if !strings.Contains(body, ">"+name+"</a>") {
			continue
		}
		var rows []string
		body, _, _ = strings.Cut(body, "</table>")
		for row := range strings.SplitSeq(body, "<tr") {
			cells := regexp.MustCompile(`<t[dh]( [^>]*)?>`).Split(row, -1)[1:]
			for i, cell := range cells {
				cell, _, _ = strings.Cut(cell, "\n")
				cells[i] = strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(cell, ""))
			}
			if len(cells) > 0 {
				rows = append(rows, strings.Join(cells, "|"))
			}
		}
		return rows
	}
	t.Fatalf("the page has no %s:\n%s", name, page.body)
	return nil
}

// problemsOf returns the lines about what cannot be read, without markup.
func problemsOf(page answer) []string {
	_, list, _ := strings.Cut(page.body, `<ul id="problems">`)
	list, _, _ = strings.Cut(list, "</ul>")
	var lines []string
	for line := range strings.SplitSeq(list, "<li>") {
		if line = strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(line, "")); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestPageHeaders checks that the page may run and fetch nothing except its own script and style.
func TestPageHeaders(t *testing.T) {
	org, _, _ := small()
	got := start(t, org, nil).get(t, "/")
	source := func(element string) string {
		_, rest, _ := strings.Cut(got.body, "<"+element+">")
		text, _, found := strings.Cut(rest, "</"+element+">")
		if !found || text == "" || strings.Count(got.body, "<"+element) != 1 {
			t.Errorf("the page has no %s, or more than one", element)
		}
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := "default-src 'none'; script-src " + source("script") + "; style-src " + source("style") +
		"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": policy,
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Cache-Control":           "no-store",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %s, want %s", name, got.header.Get(name), want)
		}
	}
	for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(got.body, -1) {
		// An absolute path would leave the prefix of a proxy.
		to, err := url.Parse(link[1])
		elsewhere := strings.HasPrefix(link[1], "https://cloud.mongodb.com/v2/") || strings.Contains(link[1], "/docs/runbooks.md#")
		if err != nil || !elsewhere && (to.Host != "" || to.Scheme != "" && to.Scheme != "data" || strings.HasPrefix(to.Path, "/")) {
			t.Errorf("the page links to another site: %s", link[1])
		}
	}
}

// TestPageLinks checks that no link leads to the default addresses of Atlas and of the runbooks if others are configured.
func TestPageLinks(t *testing.T) {
	org, first, _ := small()
	first.AddCluster("failing", atlassim.ClusterOptions{}).AddExport(atlassim.Export{State: atlassim.ExportFailed})
	page := startWith(t, org, nil, nil, web.Options{AtlasURL: "https://atlas.example/", RunbookURL: "https://wiki.example/?p="}).get(t, "/").body
	for _, want := range []string{`"https://atlas.example/v2/`, `"https://wiki.example/?p=mongodbatlasbackupexportfailed"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no link that begins with %s", want)
		}
	}
	for _, standard := range []string{"cloud.mongodb.com", "runbooks.md"} {
		if strings.Contains(page, standard) {
			t.Errorf("the page has a link to %s", standard)
		}
	}
}

// TestPageTells checks what the page shows about projects, jobs, and targets that cannot be read.
func TestPageTells(t *testing.T) {
	now := time.Now()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	p := org.AddProject("shop")
	failing := p.AddCluster("failing", atlassim.ClusterOptions{})
	failing.AddExport(atlassim.Export{
		CreatedAt: now.Add(-time.Hour), FinishedAt: now.Add(-50 * time.Minute), State: atlassim.ExportFailed,
		Reason: &atlassim.StateReason{ErrorCode: "BUCKET_GONE", Message: "see s3://bucket/path"},
	})
	failing.AddExport(atlassim.Export{CreatedAt: now.Add(-2 * time.Minute), State: atlassim.ExportInProgress, ExportedCollections: 3, TotalCollections: 9})
	talking := p.AddCluster("talking", atlassim.ClusterOptions{})
	talking.AddExport(atlassim.Export{
		CreatedAt: now.Add(-time.Hour), State: atlassim.ExportFailed, Reason: &atlassim.StateReason{ErrorCode: "no: https://198.51.100.7/"},
	})
	p.AddCluster("overdue", atlassim.ClusterOptions{Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"}})
	p.AddCluster("free", atlassim.ClusterOptions{Provider: "TENANT"})
	p.AddCluster("paused", atlassim.ClusterOptions{Paused: true}).AddExport(atlassim.Export{CreatedAt: now.Add(-72 * time.Hour), FinishedAt: now.Add(-71 * time.Hour)})
	restored := p.AddCluster("restored", atlassim.ClusterOptions{Schedule: atlassim.Schedule{AutoExportEnabled: true}})
	restored.AddRestore(atlassim.Restore{CreatedAt: now.Add(-time.Hour), FinishedAt: now.Add(-30 * time.Minute)})
	p.AddPipeline("orders", atlassim.PipelineOptions{}).AddRun(atlassim.Run{
		CreatedDate: now.Add(-7 * time.Hour), State: atlassim.RunInProgress, Phase: atlassim.PhaseIngestion,
		Stats: &atlassim.RunStats{BytesExported: 3 << 30, NumDocs: 1_250_000},
	})
	p.AddCluster("hidden", atlassim.ClusterOptions{})
	e := start(t, org, nil)
	e.atlas.Inject(atlassim.Fault{
		Path:   "/api/atlas/v2/groups/*/clusters/hidden/backup/*",
		Status: http.StatusForbidden, Authenticated: true,
		Body: `{"error": 403, "errorCode": "USER_UNAUTHORIZED", "detail": "Caller 203.0.113.9 is not authorized, see https://example.com/help"}`,
	})
	e.read(t)
	page := e.get(t, "/")
	for name, want := range map[string][]string{
		"failing": {
			"overdue, failed|shop|failing|never|never|never|auto export off",
			"overdue|snapshot||no snapshot has succeeded, one is expected every 6 h runbook",
			"failed|export ✘…|running 2 min ago|failed 50 min ago: BUCKET_GONE runbook · 3 of 9 collections",
		},
		"talking": { // a code that is free text stays in the log
			"overdue, failed|shop|talking|never|never|never|auto export off",
			"overdue|snapshot||no snapshot has succeeded, one is expected every 6 h runbook",
			"failed|export ✘|failed 1 h ago|failed 1 h ago runbook",
		},
		"overdue": {
			"overdue|shop|overdue|never|never|never|",
			"overdue|snapshot||no snapshot has succeeded, one is expected every 6 h runbook",
			"overdue|export||no export has succeeded, one is expected every 24 h runbook",
		},
		"free": {"unsupported|shop|free||||Atlas does not back up free clusters"},
		"paused": {
			"off|shop|paused|never|3 days ago|never|cluster paused",
			"off|snapshot||",
			"off|export ✓|succeeded 3 days ago|",
		},
		"restored": {
			"overdue|shop|restored|never|never|30 min ago|",
			"overdue|snapshot||no snapshot has succeeded, one is expected every 6 h runbook",
			"no job yet|export||",
			"fine|restore ✓|succeeded (automated) 1 h ago|",
		},
		"orders": {
			"stuck|shop|orders||||",
			"stuck|pipeline run …|running 7 h ago|unfinished for 7 h runbook · phase INGESTION, 3 GiB, 1.2 million documents",
		},
		"hidden": {
			"unreadable|shop|hidden||||",
			"unreadable|snapshot||forbidden USER_UNAUTHORIZED",
			"unreadable|export||forbidden USER_UNAUTHORIZED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := storyOf(t, page, name); !slices.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
		})
	}
	want := []string{
		"unreadable shop: backup schedules and snapshots of hidden (forbidden USER_UNAUTHORIZED; last read never). To do: give the credentials the role Project Read Only in the project. runbook",
		"unreadable shop: exports and restores of hidden (forbidden USER_UNAUTHORIZED; last read never). To do: give the credentials the role Project Backup Manager in the project. runbook",
	}
	for _, line := range want {
		if got := problemsOf(page); !slices.Contains(got, line) {
			t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), line)
		}
	}
	for _, secret := range []string{"203.0.113.9", "example.com", "bucket/path", "198.51.100.7", clientSecret, e.atlas.URL()} {
		if strings.Contains(page.body, secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	if want := fmt.Sprintf(`<tr><th scope="row"><a href="https://cloud.mongodb.com/v2/%[1]s">shop</a><td><a href="probe?target=%[1]s">%[1]s</a><td>7 clusters, 0 Flex clusters, 1 pipeline`, p.ID); !strings.Contains(page.body, want) {
		t.Errorf("the page lacks the project: %s", want)
	}
}

// TestPageWithoutProjects checks the page when there is nothing to show.
func TestPageWithoutProjects(t *testing.T) {
	org, first, _ := small()
	e := start(t, org, func(c *config.Config) { c.Projects = []config.Project{{ID: first.ID}} })
	org.Do(func() { first.Hide(atlassim.NotInGroup()) })
	want := "unreadable " + first.ID + ": the project (forbidden NOT_IN_GROUP; last read never)"
	if got := problemsOf(e.shown(t, "NOT_IN_GROUP")); len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("a configured project that cannot be read is %q, want %s", got, want)
	}
	e = start(t, atlassim.NewOrganization(atlassim.WallClock{}), nil)
	e.shown(t, "The credentials see no project")
}

// TestPageInAnOutage checks that an outage is reported once, with its start, and that rows keep their last state.
func TestPageInAnOutage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	p := org.AddProject("shop")
	for _, name := range []string{"failing", "fine"} {
		c := p.AddCluster(name, atlassim.ClusterOptions{Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"}})
		c.AddSnapshot(atlassim.Snapshot{CreatedAt: now.Add(-time.Hour), Frequency: atlassim.Hourly})
		state := map[string]string{"failing": atlassim.ExportFailed, "fine": atlassim.ExportSuccessful}[name]
		c.AddExport(atlassim.Export{CreatedAt: now.Add(-3 * time.Hour), FinishedAt: now.Add(-2 * time.Hour), State: state})
	}
	for _, test := range []struct {
		name  string
		fault atlassim.Fault
		want  string
	}{
		{"Atlas fails", atlassim.Fault{Authenticated: true, Status: http.StatusServiceUnavailable}, `<p class="notice bad">Atlas cannot be read \(server error\) since \d\d:\d\d UTC \([^)]*\)\. What follows is as of then\. To do: Atlas reports an internal error`},
		{"the credentials are rejected", atlassim.Fault{Authenticated: true, Status: http.StatusUnauthorized}, `<p class="notice bad">Atlas rejects the credentials \(unauthorized\) since \d\d:\d\d UTC`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := start(t, org, func(c *config.Config) { c.Refresh.DiscoveryInterval = 0 })
			e.read(t)
			before := storyOf(t, e.get(t, "/"), "failing")
			e.atlas.Inject(test.fault)
			var page answer
			harness.Eventually(t, func() error {
				page = e.get(t, "/")
				if !regexp.MustCompile(test.want).MatchString(page.body) || strings.Count(page.body, "values of ") < 2 {
					_, main, _ := strings.Cut(page.body, "<main>")
					return fmt.Errorf("the page lacks %s:\n%s", test.want, main)
				}
				return nil
			})
			if lines := problemsOf(page); len(lines) > 0 {
				t.Errorf("an outage has separate lines for what it hides: %q", lines)
			}
			after := storyOf(t, page, "failing")
			if !strings.HasPrefix(after[0], "failed|") || after[0] != before[0] {
				t.Errorf("the rows were\n%s\nand are\n%s", before[0], after[0])
			}
			if fine := storyOf(t, page, "fine"); !strings.HasPrefix(fine[0], "fine|") || !strings.Contains(fine[2], "values of ") {
				t.Errorf("a row that cannot be read again is\n%s\nwant its last state, marked as old", strings.Join(fine, "\n"))
			}
			if want := `href="#attention">2 need attention`; !strings.Contains(page.body, want) { // the outage, and the failure
				t.Errorf("the page lacks %s", want)
			}
		})
	}
}

// TestPageGroupsAMissingRole checks that a missing role is reported in one line, however many clusters and collectors it
// affects.
func TestPageGroupsAMissingRole(t *testing.T) {
	t.Parallel()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	p := org.AddProject("shop")
	for i := range 25 {
		p.AddCluster(fmt.Sprintf("cluster-%02d", i), atlassim.ClusterOptions{})
	}
	e := start(t, org, nil)
	for _, list := range []string{"exports", "restoreJobs", "snapshots"} {
		e.atlas.Inject(atlassim.Fault{Path: "/api/atlas/v2/groups/*/clusters/*/backup/" + list, Authenticated: true, Status: http.StatusForbidden, Code: "USER_UNAUTHORIZED"})
	}
	e.read(t)
	want := []string{
		"unreadable shop: exports and restores of 25 clusters (forbidden USER_UNAUTHORIZED; last read never). To do: give the credentials the role Project Backup Manager in the project. runbook",
		"unreadable shop: snapshots of 25 clusters (forbidden USER_UNAUTHORIZED; last read never). To do: give the credentials the role Project Read Only in the project. runbook",
	}
	if got := problemsOf(e.get(t, "/")); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
