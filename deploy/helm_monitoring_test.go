package deploy_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestChartCarriesRulesAndDashboards checks that rendering leaves rules and dashboards unchanged, and small enough for kubectl
// apply, which keeps a copy in an annotation.
func TestChartCarriesRulesAndDashboards(t *testing.T) {
	manifests := render(t, values("service-account"))
	var got, want map[string]any
	one(t, manifests, "PrometheusRule", &got)
	unmarshal(t, readFile(t, "../alerts/mongodbatlas.rules.yml"), &want)
	if !reflect.DeepEqual(got, want) {
		t.Error("the rules in the PrometheusRule are not those of the file")
	}

	dashboards := map[string]string{}
	for _, m := range manifests["ConfigMap"] {
		if m.Metadata.Labels["grafana_dashboard"] != "1" {
			continue
		}
		maps.Copy(dashboards, m.Data)
		const annotationLimit = 256 << 10
		if raw, err := json.Marshal(m.Data); err != nil || len(raw) > annotationLimit-1<<10 {
			t.Errorf("ConfigMap %s has %d bytes (%v), too many for kubectl apply", m.Metadata.Name, len(raw), err)
		}
	}
	originals, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(originals) == 0 || len(dashboards) != len(originals) {
		t.Fatalf("the ConfigMaps have %d dashboards, the project has %d (%v)", len(dashboards), len(originals), err)
	}
	for _, original := range originals {
		var got, want map[string]any
		if err := json.Unmarshal([]byte(dashboards["mongodbatlas-"+filepath.Base(original)]), &got); err != nil {
			t.Errorf("%s: %v", original, err)
			continue
		}
		if err := json.Unmarshal([]byte(readFile(t, original)), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the ConfigMap differs (%v)", original, err)
		}
	}
}

// TestChartDashboardAddresses checks that the links of the dashboards begin with the same addresses as those of the alerts.
func TestChartDashboardAddresses(t *testing.T) {
	manifests := render(t, values("service-account"), "--set=prometheusRule.atlasUrl=https://cloud.mongodbgov.com/", `--set=prometheusRule.runbookUrl=https://wiki.example.com/?a&b="c"#`)
	want := map[string]string{"atlas": "https://cloud.mongodbgov.com", "runbooks": `https://wiki.example.com/?a&b="c"#`}
	dashboards := 0
	for _, m := range manifests["ConfigMap"] {
		if m.Metadata.Labels["grafana_dashboard"] != "1" {
			continue
		}
		for name, content := range m.Data {
			dashboards++
			var d struct {
				Templating struct {
					List []struct {
						Name    string
						Query   any
						Current struct{ Value any }
						Options []struct{ Value any }
					}
				}
			}
			if err := json.Unmarshal([]byte(content), &d); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found := 0
			for _, v := range d.Templating.List {
				address, ok := want[v.Name]
				if !ok {
					continue
				}
				found++
				if v.Query != address || v.Current.Value != address || len(v.Options) != 1 || v.Options[0].Value != address {
					t.Errorf("%s: variable %s is %+v", name, v.Name, v)
				}
			}
			if found != len(want) {
				t.Errorf("%s has %d addresses", name, found)
			}
			for _, standard := range []string{"cloud.mongodb.com", "docs/runbooks.md"} {
				if strings.Contains(content, standard) {
					t.Errorf("%s still links to %s", name, standard)
				}
			}
		}
	}
	if dashboards == 0 {
		t.Error("no dashboards")
	}
}

// TestChartInhibits checks that the AlertmanagerConfig has the inhibition rules of the compose configuration, with renamed
// severities, and that the alerts have the namespace that the Operator requires.
func TestChartInhibits(t *testing.T) {
	manifests := render(t, values("alerting"))
	type matcher struct {
		Name      string `yaml:"name"`
		MatchType string `yaml:"matchType"`
		Value     string `yaml:"value"`
	}
	var got struct {
		InhibitRules []struct {
			SourceMatch []matcher `yaml:"sourceMatch"`
			TargetMatch []matcher `yaml:"targetMatch"`
			Equal       []string  `yaml:"equal"`
		} `yaml:"inhibitRules"`
	}
	one(t, manifests, "AlertmanagerConfig", &got)
	var want struct {
		InhibitRules []struct {
			SourceMatchers []string `yaml:"source_matchers"`
			TargetMatchers []string `yaml:"target_matchers"`
			Equal          []string `yaml:"equal"`
		} `yaml:"inhibit_rules"`
	}
	unmarshal(t, readFile(t, "compose/alertmanager.yml"), &want)
	if len(got.InhibitRules) != len(want.InhibitRules) || len(want.InhibitRules) == 0 {
		t.Fatalf("%d inhibit rules, want %d", len(got.InhibitRules), len(want.InhibitRules))
	}
	plain := strings.NewReplacer(`"`, "", " ", "", "critical", "page")
	text := func(matchers []matcher) []string {
		var texts []string
		for _, m := range matchers {
			texts = append(texts, m.Name+m.MatchType+m.Value)
		}
		return texts
	}
	for i, rule := range want.InhibitRules {
		for _, side := range []struct {
			got  []matcher
			want []string
		}{{got.InhibitRules[i].SourceMatch, rule.SourceMatchers}, {got.InhibitRules[i].TargetMatch, rule.TargetMatchers}} {
			var wanted []string
			for _, m := range side.want {
				wanted = append(wanted, plain.Replace(m))
			}
			if !slices.Equal(text(side.got), wanted) {
				t.Errorf("inhibit rule %d matches %q, want %q", i+1, text(side.got), wanted)
			}
		}
		if !slices.Equal(got.InhibitRules[i].Equal, rule.Equal) {
			t.Errorf("inhibit rule %d compares %q, want %q", i+1, got.InhibitRules[i].Equal, rule.Equal)
		}
	}

	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert  string            `yaml:"alert"`
				For    string            `yaml:"for"`
				Expr   string            `yaml:"expr"`
				Labels map[string]string `yaml:"labels"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	one(t, manifests, "PrometheusRule", &rules)
	found := map[string]bool{}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			found[rule.Alert] = true
			if rule.Labels["namespace"] != "monitoring" || rule.Labels["team"] != "dba" {
				t.Errorf("%s has the labels %v", rule.Alert, rule.Labels)
			}
			switch rule.Alert {
			case "MongoDBAtlasBackupExportOverdue":
				if rule.For != "30m" || rule.Labels["severity"] != "page" || rule.Labels["service"] != "reports" {
					t.Errorf("%s waits %s and has the labels %v", rule.Alert, rule.For, rule.Labels)
				}
			case "MongoDBAtlasBackupExportStuck":
				if !strings.Contains(rule.Expr, "* 0 + 86400") || !strings.Contains(rule.Expr, "cl_name, namespace, environment") {
					t.Errorf("%s is %s", rule.Alert, rule.Expr)
				}
			case "MongoDBAtlasBackupRestoreFailed":
				if rule.Labels["severity"] != "warning" {
					t.Errorf("%s has the labels %v", rule.Alert, rule.Labels)
				}
			}
		}
	}
	if found["MongoDBAtlasPipelineRunStuck"] || !found["MongoDBAtlasBackupExportOverdue"] || !found["MongoDBAtlasBackupRestoreFailed"] {
		t.Errorf("the rules have the alerts %v", found)
	}
}
