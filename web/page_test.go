package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// shown loads the page until it holds what is wanted, and returns it.
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

// rowOf returns the row of a thing and a kind of job, its cells separated by "|", without markup and ages.
func rowOf(t *testing.T, page answer, name, kind string) string {
	t.Helper()
	for row := range strings.SplitSeq(page.body, "<tr") {
		cells := regexp.MustCompile(`<t[dh]( [^>]*)?>`).Split(row, -1)[1:]
		for i, cell := range cells {
			cell, _, _ = strings.Cut(cell, "\n")
			cells[i] = strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(cell, ""))
		}
		if len(cells) == 9 && cells[2] == name && cells[3] == kind {
			return strings.Join(cells, "|")
		}
	}
	t.Fatalf("the page has no row of %s %s:\n%s", kind, name, page.body)
	return ""
}

// TestPageHeaders holds that the page may run and fetch nothing but its own script and style.
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
		"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
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
		if to, err := url.Parse(link[1]); err != nil || to.Host != "" || to.Scheme != "" && to.Scheme != "data" || strings.HasPrefix(to.Path, "/") {
			t.Errorf("the page leads elsewhere: %s", link[1])
		}
	}
}

// TestPageTells holds what the page says of projects, of jobs, and of what cannot be read.
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
	hidden := p.AddCluster("hidden", atlassim.ClusterOptions{})
	hidden.BackupRefusal = atlassim.UserUnauthorized()
	e := start(t, org, nil)
	e.atlas.Inject(atlassim.Fault{
		Path:   "/api/atlas/v2/groups/*/clusters/hidden/backup/*",
		Status: http.StatusForbidden, Authenticated: true,
		Body: `{"error": 403, "errorCode": "USER_UNAUTHORIZED", "detail": "Caller 203.0.113.9 is not authorized, see https://example.com/help"}`,
	})
	e.read(t)
	page := e.get(t, "/")
	for _, want := range []string{
		"failed|shop|failing|export|InProgress|2 min ago|3 of 9 collections · BUCKET_GONE · auto export off|never|just now",
		"failed|shop|talking|export|Failed|1 h ago|auto export off|never|just now",
		"overdue|shop|overdue|export|none||expected every 24 h|never|just now",
		"not served|shop|free|export|||free_tier||never",
		"off|shop|paused|export|Successful|3 days ago|cluster paused|2 days ago|just now",
		"no job yet|shop|restored|export|none|||never|just now",
		"fine|shop|restored|restore|completed|1 h ago|automated|30 min ago|just now",
		"stuck|shop|orders|pipeline run|IN_PROGRESS|7 h ago|INGESTION, 3.0 GiB, 1.2 million documents|never|just now",
		"unreadable|shop|hidden|export|||forbidden USER_UNAUTHORIZED||never",
		"unreadable|shop|hidden|restore|||forbidden USER_UNAUTHORIZED||never",
		"unreadable|shop|hidden|backup schedule|||forbidden USER_UNAUTHORIZED||never",
	} {
		cells := strings.Split(want, "|")
		got := rowOf(t, page, cells[2], cells[3])
		// A slow machine may show the row a second or a minute later.
		got = regexp.MustCompile(`\|\d+ s ago$`).ReplaceAllString(got, "|just now")
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	for _, secret := range []string{"203.0.113.9", "example.com", "bucket/path", "198.51.100.7", clientSecret, e.atlas.URL()} {
		if strings.Contains(page.body, secret) {
			t.Errorf("the page tells %s", secret)
		}
	}
	if n := strings.Count(page.body, `<th scope="row">free<td>`); n != 1 {
		t.Errorf("a cluster without backups has %d rows, want 1", n)
	}
	if want := fmt.Sprintf(`<tr><th scope="row">shop<td><a href="probe?target=%[1]s">%[1]s</a><td>7 clusters, 1 pipeline`, p.ID); !strings.Contains(page.body, want) {
		t.Errorf("the page lacks the project: %s", want)
	}
}

// TestPageWithoutProjects holds what the page says when there is nothing to show.
func TestPageWithoutProjects(t *testing.T) {
	org, first, _ := small()
	e := start(t, org, func(c *config.Config) { c.Projects = []config.Project{{ID: first.ID}} })
	org.Do(func() { first.Hide(atlassim.NotInGroup()) })
	if got := rowOf(t, e.shown(t, "NOT_IN_GROUP"), "", "project"); !strings.HasPrefix(got, "unreadable|"+first.ID+"||project|||forbidden ") {
		t.Errorf("a configured project that cannot be read is %s", got)
	}
	e = start(t, atlassim.NewOrganization(atlassim.WallClock{}), nil)
	e.shown(t, "The credentials see no project")
}
