package docs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestAlertTable checks that alerting.md lists every alert, with the severities and the summary that the rules give it.
func TestAlertTable(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Labels      struct{ Severity string }
				Annotations struct{ Summary string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(harness.ReadFile(t, "../alerts/mongodbatlas.rules.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	severities, summaries := map[string][]string{}, map[string]string{}
	var names []string
	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			if r.Alert == "" {
				continue
			}
			if summaries[r.Alert] == "" {
				names = append(names, r.Alert)
			}
			summaries[r.Alert] = r.Annotations.Summary
			if !slices.Contains(severities[r.Alert], r.Labels.Severity) {
				severities[r.Alert] = append(severities[r.Alert], r.Labels.Severity)
			}
		}
	}
	var want strings.Builder
	for _, name := range names {
		fmt.Fprintf(&want, "| [`%s`](runbooks.md#%s) | %s | %s |\n",
			name, strings.ToLower(name), strings.Join(severities[name], ", "), summaries[name])
	}
	got := section(t, "alerting.md", "The alerts")
	if !strings.Contains(got, "|---|---|---|\n"+want.String()) {
		t.Errorf("the table is not\n%s", want.String())
	}
}
