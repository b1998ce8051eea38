package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// families lists the names of the metrics in an exposition.
func families(body string) []string {
	var names []string
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			names = append(names, name)
		}
	}
	return names
}

// hasFamilies checks that an answer is a scrape with some families, and without others.
func (a *answer) hasFamilies(t *testing.T, with, without []string) {
	t.Helper()
	names := families(a.body)
	for _, name := range with {
		if a.status != http.StatusOK || !slices.Contains(names, name) {
			t.Errorf("answers %d without %s", a.status, name)
		}
	}
	for _, name := range without {
		if slices.Contains(names, name) {
			t.Errorf("has %s", name)
		}
	}
}

func TestCollect(t *testing.T) {
	org, _, _ := small()
	e := start(t, org, func(c *config.Config) { c.Collectors.Enable("backup_restores", false) })
	const (
		export    = "mongodbatlas_backup_export_jobs"
		run       = "mongodbatlas_pipeline_runs"
		cluster   = "mongodbatlas_cluster_paused"
		own       = "mongodbatlas_up"
		process   = "mongodbatlas_exporter_config_last_reload_successful"
		collector = "mongodbatlas_scrape_collector_success"
	)
	for _, test := range []struct {
		query      string
		with, less []string
	}{
		{"", []string{export, run, cluster, own, process, collector}, nil},
		{"?collect[]=backup_exports", []string{export, cluster, collector}, []string{run, own, process}},
		{"?collect[]=pipeline_runs", []string{run, collector}, []string{export, cluster, own, process}},
		{"?collect[]=pipeline_runs&collect[]=backup_exports", []string{run, export, collector}, []string{own, process}},
		{"?collect[]=exporter", []string{own, process, collector}, []string{run, export, cluster}},
		{"?collect%5B%5D=exporter", []string{own}, []string{export}},
	} {
		t.Run("/metrics"+test.query, func(t *testing.T) {
			got := e.get(t, "/metrics"+test.query)
			got.hasFamilies(t, test.with, test.less)
		})
	}
	for _, query := range []string{"backup_restores", "projects", "nonsense", "", "backup_exports&collect[]=nonsense"} {
		got := e.get(t, "/metrics?collect[]="+query)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, "no collector of that name is enabled; there are ") {
			t.Errorf("collect[]=%s answers %d %s", query, got.status, got.body)
		}
	}
}

func TestProbe(t *testing.T) {
	org, first, second := small()
	e := start(t, org, nil)
	e.ready(t)
	for _, test := range []struct {
		query  string
		status int
	}{
		{"", 400},
		{"?target=", 400},
		{"?target=first", 400},
		{"?target=" + strings.ToUpper(first.ID[:23]) + "G", 400},
		{"?target=" + first.ID + "0", 400},
		{"?target=0123456789abcdef01234567", 404},
		{"?target=" + first.ID, 200},
	} {
		t.Run("/probe"+test.query, func(t *testing.T) {
			if got := e.get(t, "/probe"+test.query); got.status != test.status {
				t.Errorf("answers %d %s, want %d", got.status, got.body, test.status)
			}
		})
	}
	got := e.get(t, "/probe?target="+first.ID)
	for _, name := range families(got.body) {
		for _, prefix := range []string{"go_", "process_", "promhttp_", "mongodbatlas_api_", "mongodbatlas_exporter_"} {
			if strings.HasPrefix(name, prefix) || name == "mongodbatlas_up" {
				t.Errorf("a project's own scrape has %s", name)
			}
		}
	}
	if !strings.Contains(got.body, `mongodbatlas_backup_export_jobs{cl_name="cluster",group_id="`+first.ID+`",group_name="first",state="Queued"} 1`) {
		t.Errorf("a project's own scrape lacks its export: %s", got.body)
	}
	if strings.Contains(got.body, second.ID) {
		t.Error("a project's own scrape has another project")
	}
}

// TestCollectOfProbe checks that collect[] restricts the scrape of a project in the same way as that of everything.
func TestCollectOfProbe(t *testing.T) {
	org, first, second := small()
	e := start(t, org, func(c *config.Config) { c.Collectors.Enable("backup_restores", false) })
	e.ready(t)
	const (
		export  = "mongodbatlas_backup_export_jobs"
		run     = "mongodbatlas_pipeline_runs"
		cluster = "mongodbatlas_cluster_paused"
		info    = "mongodbatlas_project_info"
	)
	probe := "/probe?target=" + first.ID
	for _, test := range []struct {
		query      string
		with, less []string
	}{
		{"", []string{export, run, cluster, info}, nil},
		{"&collect[]=backup_exports", []string{export, cluster}, []string{run, info}},
		{"&collect[]=pipeline_runs", []string{run}, []string{export, cluster, info}},
		{"&collect[]=pipeline_runs&collect[]=backup_exports", []string{run, export}, []string{info}},
		{"&collect[]=exporter", []string{info}, []string{run, export, "mongodbatlas_up", "mongodbatlas_exporter_config_last_reload_successful", "go_goroutines"}},
	} {
		t.Run("/probe"+test.query, func(t *testing.T) {
			got := e.get(t, probe+test.query)
			got.hasFamilies(t, test.with, test.less)
			if strings.Contains(got.body, second.ID) {
				t.Error("has another project")
			}
		})
	}
	for _, query := range []string{"backup_restores", "projects", "nonsense", "", "backup_exports&collect[]=nonsense"} {
		got := e.get(t, probe+"&collect[]="+query)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, "no collector of that name is enabled") {
			t.Errorf("collect[]=%s answers %d %s", query, got.status, got.body)
		}
	}
}

func TestServiceDiscovery(t *testing.T) {
	org, first, second := small()
	e := start(t, org, nil)
	e.ready(t)
	host := strings.TrimPrefix(e.url, "http://")
	group := func(id string) string {
		return fmt.Sprintf(`{"targets":[%[1]q],"labels":{"__metrics_path__":"/probe","__param_target":%[2]q,"__scheme__":"http","instance":"%[1]s/%[2]s"}}`, host, id)
	}
	ids := []string{first.ID, second.ID}
	slices.Sort(ids)
	got := e.get(t, "/sd")
	if want := "[" + group(ids[0]) + "," + group(ids[1]) + "]\n"; got.body != want || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("/sd answers %s %s, want %s", got.header.Get("Content-Type"), got.body, want)
	}
}

func TestBeforeTheFirstDiscovery(t *testing.T) {
	org, first, _ := small()
	e := start(t, org, func(c *config.Config) { c.Refresh.DiscoveryInterval = 0 })
	up := e.atlas.Inject(atlassim.Fault{
		Status: http.StatusForbidden, Authenticated: true,
		Body: `{"error": 403, "errorCode": "ORG_REQUIRES_ACCESS_LIST", "detail": "This organization requires access through an access list: 192.0.2.7"}`,
	})
	paths := []string{"/sd", "/-/ready", "/probe?target=" + first.ID}
	for _, path := range paths {
		// One of them begins the discovery, and the next reports its failure.
		if got := e.get(t, path); got.status != http.StatusServiceUnavailable || !strings.HasPrefix(got.body, "the first discovery ") {
			t.Errorf("%s answers %d %s before the first discovery", path, got.status, got.body)
		}
	}
	harness.Eventually(t, func() error {
		if got := e.get(t, "/-/ready"); !strings.Contains(got.body, "ip_not_allowed (ORG_REQUIRES_ACCESS_LIST)") {
			return errors.New("/-/ready does not say why: " + got.body)
		}
		return nil
	})
	if got := e.get(t, "/"); !strings.Contains(got.body, "ip_not_allowed (ORG_REQUIRES_ACCESS_LIST)") || strings.Contains(got.body, "192.0.2.7") {
		t.Error("the page does not give the reason, or shows too much")
	}
	if got := e.get(t, "/-/healthy"); got.status != http.StatusOK {
		t.Errorf("/-/healthy answers %d", got.status)
	}
	up()
	e.ready(t)
	for _, path := range paths {
		if got := e.get(t, path); got.status != http.StatusOK {
			t.Errorf("%s answers %d %s after the first discovery", path, got.status, got.body)
		}
	}
}

func TestReload(t *testing.T) {
	org, _, second := small()
	e := start(t, org, nil)
	e.ready(t)
	do := func(method string) answer {
		t.Helper()
		got, err := e.do(t.Context(), method, "/-/reload")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := do(http.MethodGet); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST, PUT" {
		t.Errorf("GET /-/reload answers %d, Allow: %s", got.status, got.header.Get("Allow"))
	}
	e.configure(func(c *config.Config) error {
		c.Projects = []config.Project{{ID: second.ID}}
		return errors.New("line 7: nonsense: unknown key")
	})
	if got := do(http.MethodPost); got.status != http.StatusInternalServerError || !strings.Contains(got.body, "line 7: nonsense: unknown key") {
		t.Errorf("a bad configuration answers %d %s", got.status, got.body)
	}
	if got := e.get(t, "/sd"); strings.Count(got.body, "__param_target") != 2 {
		t.Errorf("a bad configuration is in use: %s", got.body)
	}
	e.configure(func(*config.Config) error { return nil })
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		if got := do(method); got.status != http.StatusOK {
			t.Errorf("%s /-/reload answers %d %s", method, got.status, got.body)
		}
	}
	if got := e.get(t, "/sd"); strings.Count(got.body, "__param_target") != 1 || !strings.Contains(got.body, second.ID) {
		t.Errorf("a good configuration is not in use: %s", got.body)
	}
}

// hang makes Atlas answer only requests for tokens, and returns a function that counts the hanging requests and one that ends
// the fault.
func hang(e *exporter) (hanging func() int, end func()) { return hangWith(e, true) }

// hangWith is hang, but requests for tokens hang, too, if authenticated is false.
func hangWith(e *exporter, authenticated bool) (hanging func() int, end func()) {
	waiting, release := make(chan struct{}, 1000), make(chan struct{})
	remove := e.atlas.Inject(atlassim.Fault{Authenticated: authenticated, Handler: func(_ http.ResponseWriter, r *http.Request) {
		select {
		case waiting <- struct{}{}:
		default:
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}})
	return func() int { return len(waiting) }, func() {
		remove()
		close(release)
	}
}

// TestTimeout checks that a scrape is answered within the time in its header although Atlas hangs.
func TestTimeout(t *testing.T) {
	t.Parallel()
	org, first, _ := small()
	e := start(t, org, func(c *config.Config) { c.Refresh.DiscoveryInterval = 0 })
	e.ready(t)
	e.get(t, "/metrics")
	hanging, end := hang(e)
	defer end()
	for _, path := range []string{"/metrics", "/probe?target=" + first.ID} {
		for _, timeout := range []string{"0.6", "0.1"} { // the latter is less than the offset
			got := e.get(t, path, "X-Prometheus-Scrape-Timeout-Seconds", timeout)
			if got.status != http.StatusOK || !strings.Contains(got.body, "\nmongodbatlas_backup_export_jobs{") {
				t.Errorf("%s answers %d, without the last values, while Atlas hangs", path, got.status)
			}
		}
	}
	if got := e.get(t, "/"); got.status != http.StatusOK || !strings.Contains(got.body, "Queued") {
		t.Errorf("the page answers %d while Atlas hangs", got.status)
	}
	if hanging() == 0 {
		t.Error("Atlas got no request")
	}
}
