// Package dashboards_test checks what users who import the Grafana dashboards need: every panel has a description, none is
// empty, and Prometheus understands every expression.
package dashboards_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The part of a dashboard that the tests read.
type (
	dashboard struct {
		file string

		ID            *int   `json:"id"`
		UID           string `json:"uid"`
		Title         string `json:"title"`
		Description   string `json:"description"`
		SchemaVersion int    `json:"schemaVersion"`
		Links         []struct {
			URL         string `json:"url"`
			IncludeVars bool   `json:"includeVars"`
		} `json:"links"`
		Time struct {
			From string `json:"from"`
		} `json:"time"`
		Annotations struct {
			List []annotation `json:"list"`
		} `json:"annotations"`
		Templating struct {
			List []variable `json:"list"`
		} `json:"templating"`
		Panels []panel `json:"panels"`
	}

	variable struct {
		Name       string          `json:"name"`
		Type       string          `json:"type"`
		Query      json.RawMessage `json:"query"`
		Definition string          `json:"definition"`
		Datasource source          `json:"datasource"`
		Regex      string          `json:"regex"`
		Multi      bool            `json:"multi"`
		IncludeAll bool            `json:"includeAll"`
		AllValue   string          `json:"allValue"`
	}

	annotation struct {
		Name       string `json:"name"`
		Datasource source `json:"datasource"`
		Expr       string `json:"expr"`
	}

	source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}

	panel struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		GridPos     struct {
			X, Y, W, H int
		} `json:"gridPos"`
		Datasource  source  `json:"datasource"`
		Collapsed   bool    `json:"collapsed"`
		Panels      []panel `json:"panels"`
		Targets     []query `json:"targets"`
		FieldConfig struct {
			Defaults struct {
				Unit    string `json:"unit"`
				NoValue string `json:"noValue"`
				Custom  struct {
					Filterable bool `json:"filterable"`
				} `json:"custom"`
			} `json:"defaults"`
			Overrides []struct {
				Matcher struct {
					ID      string `json:"id"`
					Options string `json:"options"`
				} `json:"matcher"`
				Properties []struct {
					ID    string          `json:"id"`
					Value json.RawMessage `json:"value"`
				} `json:"properties"`
			} `json:"overrides"`
		} `json:"fieldConfig"`
		Transformations []struct {
			ID      string `json:"id"`
			Options struct {
				RenameByName map[string]string `json:"renameByName"`
			} `json:"options"`
		} `json:"transformations"`
	}

	query struct {
		RefID      string `json:"refId"`
		Expr       string `json:"expr"`
		Format     string `json:"format"`
		Instant    bool   `json:"instant"`
		Range      bool   `json:"range"`
		Legend     string `json:"legendFormat"`
		Datasource source `json:"datasource"`
	}
)

func load(t *testing.T) []dashboard {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no dashboards")
	}
	all := make([]dashboard, len(files))
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, &all[i]); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[i].file = file
	}
	return all
}

func TestStructure(t *testing.T) {
	uids := map[string]string{}
	for _, d := range load(t) {
		t.Run(d.file, func(t *testing.T) {
			if d.ID != nil {
				t.Error("has an id, which is specific to one Grafana")
			}
			if d.UID == "" || len(d.UID) > 40 {
				t.Errorf("uid %q: Grafana takes 1 to 40 characters", d.UID)
			}
			if other, ok := uids[d.UID]; ok {
				t.Errorf("has the uid of %s", other)
			}
			uids[d.UID] = d.file
			if d.Title == "" || d.Description == "" {
				t.Error("lacks a title or a description")
			}
			if d.SchemaVersion != 42 {
				t.Errorf("schemaVersion %d, not 42", d.SchemaVersion)
			}
			if d.Time.From != "now-7d" {
				t.Errorf("opens with the time since %s: jobs that run once a day show nothing in less than a week", d.Time.From)
			}
			checkPanels(t, d.all())
			checkRowsOfPanels(t, d.Panels)
			checkVariables(t, d)
		})
	}
}

// all returns the panels of a dashboard, including those of collapsed rows.
func (d dashboard) all() []panel {
	var all []panel
	for _, p := range d.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

// checkRowsOfPanels checks that only the row of pipelines, which Atlas has discontinued, is collapsed, and that it is last.
func checkRowsOfPanels(t *testing.T, panels []panel) {
	t.Helper()
	for i, p := range panels {
		pipelines := strings.Contains(p.Title, "pipelines")
		if p.Type == "row" && p.Collapsed != pipelines {
			t.Errorf("row %q: collapsed %t", p.Title, p.Collapsed)
		}
		if pipelines && i != len(panels)-1 {
			t.Errorf("row %q is not the last", p.Title)
		}
		if p.Collapsed != (len(p.Panels) > 0) {
			t.Errorf("row %q: collapsed %t with %d panels", p.Title, p.Collapsed, len(p.Panels))
		}
	}
}

func checkPanels(t *testing.T, panels []panel) {
	t.Helper()
	known := []string{"row", "stat", "table", "timeseries", "state-timeline", "alertlist"}
	ids, titles := map[int]string{}, map[string]bool{}
	for i, p := range panels {
		if other, ok := ids[p.ID]; ok || p.ID == 0 {
			t.Errorf("panel %q: id %d is 0 or that of %q", p.Title, p.ID, other)
		}
		ids[p.ID] = p.Title
		if p.Title == "" || titles[p.Title] {
			t.Errorf("panel %d: title %q is empty or not unique", p.ID, p.Title)
		}
		titles[p.Title] = true
		if !slices.Contains(known, p.Type) {
			t.Errorf("panel %q: type %s", p.Title, p.Type)
		}
		at := p.GridPos
		if at.W <= 0 || at.H <= 0 || at.X < 0 || at.Y < 0 || at.X+at.W > 24 {
			t.Errorf("panel %q: gridPos %+v leaves the grid", p.Title, at)
		}
		for _, q := range panels[:i] {
			other := q.GridPos
			if at.X < other.X+other.W && other.X < at.X+at.W && at.Y < other.Y+other.H && other.Y < at.Y+at.H {
				t.Errorf("panels %q and %q overlap", q.Title, p.Title)
			}
		}
		if p.Type != "row" {
			checkPanel(t, p)
		}
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	if len(p.Description) < 10 {
		t.Errorf("panel %q: description %q", p.Title, p.Description)
	}
	if p.Type == "alertlist" {
		return // queries Grafana itself, not a data source
	}
	if p.FieldConfig.Defaults.Unit == "" {
		t.Errorf("panel %q has no unit", p.Title)
	}
	if p.FieldConfig.Defaults.NoValue == "" {
		t.Errorf("panel %q does not say what it means when it is empty", p.Title)
	}
	if p.Type == "table" {
		checkTable(t, p)
	}
	if len(p.Targets) == 0 {
		t.Errorf("panel %q has no query", p.Title)
	}
	checkSource(t, p.Title, p.Datasource)
	refs := map[string]bool{}
	for _, q := range p.Targets {
		checkSource(t, p.Title+" "+q.RefID, q.Datasource)
		if q.RefID == "" || refs[q.RefID] {
			t.Errorf("panel %q: refId %q is empty or not unique", p.Title, q.RefID)
		}
		refs[q.RefID] = true
		for _, name := range []string{"{{cl_name}}", "{{pipeline}}"} {
			if strings.Contains(q.Legend, name) && !strings.Contains(q.Legend, "{{group_name}}") {
				t.Errorf("panel %q: the legend %q is the same for clusters of several projects", p.Title, q.Legend)
			}
		}
		if q.Instant == q.Range {
			t.Errorf("panel %q %s: instant %t and range %t", p.Title, q.RefID, q.Instant, q.Range)
		}
		// `or vector(0)` would show a reassuring green zero while there is no exporter.
		if strings.Contains(q.Expr, "vector(0)") {
			t.Errorf("panel %q %s fills in zeros even without an exporter", p.Title, q.RefID)
		}
		for _, selector := range regexp.MustCompile(`\{[^}]*\}`).FindAllString(q.Expr, -1) {
			if !strings.Contains(selector, `job=~"$job"`) {
				t.Errorf("panel %q %s: %s ignores the variable job", p.Title, q.RefID, selector)
			}
		}
		if bare := regexp.MustCompile(`\bmongodbatlas_\w+\b[^{\w]`).FindString(q.Expr); bare != "" {
			t.Errorf("panel %q %s: %s selects every series", p.Title, q.RefID, bare)
		}
	}
}

// checkTable checks that columns can be filtered, and have room for names.
func checkTable(t *testing.T, p panel) {
	t.Helper()
	if !p.FieldConfig.Defaults.Custom.Filterable {
		t.Errorf("table %q cannot be filtered", p.Title)
	}
	for _, override := range p.FieldConfig.Overrides {
		words := override.Matcher.Options == "group_id" // it is never shown
		for _, property := range override.Properties {
			words = words || property.ID == "mappings"
		}
		if !words {
			t.Errorf("table %q: an empty cell of %q shows %q", p.Title, override.Matcher.Options, p.FieldConfig.Defaults.NoValue)
		}
		for _, property := range override.Properties {
			var pixels int
			if !strings.HasSuffix(strings.ToLower(property.ID), "width") || json.Unmarshal(property.Value, &pixels) != nil {
				continue
			}
			if name := override.Matcher.Options; (name == "Project" || name == "Cluster") && (property.ID != "custom.minWidth" || pixels < 150) {
				t.Errorf("table %q: the column %q has %s %d", p.Title, name, property.ID, pixels)
			}
		}
	}
}

func checkSource(t *testing.T, where string, s source) {
	t.Helper()
	if s != (source{"prometheus", "${datasource}"}) {
		t.Errorf("%s: data source %+v is not the one chosen", where, s)
	}
}

func checkVariables(t *testing.T, d dashboard) {
	t.Helper()
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		if v.Type == "constant" {
			if !strings.HasPrefix(string(v.Query), `"https://`) {
				t.Errorf("variable %s: %s is not an address", v.Name, v.Query)
			}
			continue
		}
		if v.Name == "datasource" {
			if v.Type != "datasource" || string(v.Query) != `"prometheus"` {
				t.Errorf("variable datasource: %s %s", v.Type, v.Query)
			}
			continue
		}
		checkSource(t, "variable "+v.Name, v.Datasource)
		if !v.Multi || !v.IncludeAll || v.AllValue != ".+" {
			t.Errorf("variable %s: multi %t, includeAll %t, allValue %q", v.Name, v.Multi, v.IncludeAll, v.AllValue)
		}
	}
	want := []string{"datasource", "job", "project", "cluster", "atlas", "runbooks"}
	if d.file == "exporter.json" {
		want = append(want, "instance")
	}
	if !slices.Equal(names, want) {
		t.Errorf("variables %q, not %q", names, want)
	}
}
