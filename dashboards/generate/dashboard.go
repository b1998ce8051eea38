package main

import (
	"fmt"
	"strings"
)

// schemaVersion is the version of Grafana 12.2 and 13. Newer versions of Grafana migrate the file when they load it.
const schemaVersion = 42

// These types are the part of Grafana's classic dashboard JSON that is used here. Maps contain the settings that differ
// between panel types.
type (
	options map[string]any

	dashboard struct {
		UID           string    `json:"uid"`
		Title         string    `json:"title"`
		Description   string    `json:"description"`
		Tags          []string  `json:"tags"`
		SchemaVersion int       `json:"schemaVersion"`
		Editable      bool      `json:"editable"`
		GraphTooltip  int       `json:"graphTooltip"`
		Refresh       string    `json:"refresh"`
		Time          options   `json:"time"`
		Timezone      string    `json:"timezone"`
		Annotations   options   `json:"annotations"`
		Links         []options `json:"links"`
		Templating    options   `json:"templating"`
		Panels        []*panel  `json:"panels"`
	}

	panel struct {
		ID              int          `json:"id"`
		Type            string       `json:"type"`
		Title           string       `json:"title"`
		Description     string       `json:"description,omitempty"`
		GridPos         gridPos      `json:"gridPos"`
		Collapsed       *bool        `json:"collapsed,omitempty"`
		Panels          []*panel     `json:"panels,omitzero"`
		Datasource      any          `json:"datasource,omitempty"`
		Targets         []options    `json:"targets,omitempty"`
		FieldConfig     *fieldConfig `json:"fieldConfig,omitempty"`
		Options         options      `json:"options,omitempty"`
		Transformations []options    `json:"transformations,omitempty"`
	}

	gridPos struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}

	fieldConfig struct {
		Defaults  options   `json:"defaults"`
		Overrides []options `json:"overrides"`
	}

	property struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	}
)

// The uids of the dashboards. They are in the URLs that people bookmark, so do not change them.
const (
	overviewUID = "mongodbatlas-backup-overview"
	projectUID  = "mongodbatlas-backup-project"
	exporterUID = "mongodbatlas-backup-exporter"
)

// The base URLs of the links. They are constants of each dashboard, so that one value changes all links. The chart
// replaces them.
const (
	atlasURL    = "https://cloud.mongodb.com"
	runbooksURL = "https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/blob/main/docs/runbooks.md#"
)

func newDashboard(uid, title, description string, l layout, variables ...options) dashboard {
	return dashboard{
		UID:           uid,
		Title:         title,
		Description:   description,
		Tags:          []string{"mongodbatlas", "backup"},
		SchemaVersion: schemaVersion,
		Editable:      true,
		GraphTooltip:  1, // one crosshair for all panels
		Refresh:       "1m",
		Time:          options{"from": "now-7d", "to": "now"}, // most jobs run once a day
		Timezone:      "browser",
		Annotations:   options{"list": annotations(uid)},
		Links:         links(uid),
		Templating:    options{"list": append(sharedVariables(), variables...)},
		Panels:        l.panels,
	}
}

// links returns the links to the other dashboards.
func links(from string) []options {
	var others []options
	for _, to := range []struct{ uid, title, tooltip string }{
		{overviewUID, "Overview", "All projects and clusters"},
		{projectUID, "Project", "The clusters, restores, pipelines and targets of a project"},
		{exporterUID, "Exporter", "Calls to Atlas, age of the values, targets"},
	} {
		if to.uid != from {
			others = append(others, options{
				"title": to.title, "url": "/d/" + to.uid, "type": "link", "icon": "dashboard", "tooltip": to.tooltip,
				"includeVars": true, "keepTime": true,
			})
		}
	}
	return others
}

// annotations marks failures at the time when they happened, and alerts while they fire. In a fleet, all failures
// together would cover a graph, so the overview shows them on demand.
func annotations(uid string) []options {
	annotation := func(name, colour, expr, title, text string, enabled, valueIsTime bool) options {
		return options{
			"name": name, "datasource": datasource(), "enable": enabled, "hide": false, "iconColor": colour, "expr": selected(expr), "step": "5m",
			"titleFormat": title, "textFormat": text, "tagKeys": "group_name,cl_name", "useValueForTime": valueIsTime,
		}
	}
	list := []options{annotation("Critical alerts", "dark-red",
		`max by (alertname, group_name, cl_name) (ALERTS{alertname=~"MongoDBAtlas.*",alertstate="firing",severity="critical",group_id=~"$project|",cl_name=~"$cluster|"})`,
		"{{alertname}}", "{{group_name}} {{cl_name}}", true, false)}
	if uid == exporterUID {
		return list
	}
	for _, k := range kinds() {
		list = append(list, annotation("Failed "+k.nouns(), "red", fmt.Sprintf("1000 * (%s > 0)", k.value(lastFailure)),
			strings.ToUpper(k.Noun[:1])+k.Noun[1:]+" failed", "{{group_name}} {{cl_name}} {{pipeline}} {{delivery_type}}", uid == projectUID, true))
	}
	return list
}

// datasource is the data source that the reader has selected.
func datasource() options {
	return options{"type": "prometheus", "uid": "${datasource}"}
}

func sharedVariables() []options {
	return []options{
		{
			"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "regex": "",
			"multi": false, "includeAll": false, "current": options{}, "options": []any{},
		},
		queryVariable("job", "Job", `label_values(mongodbatlas_target_up, job)`, ""),
		// Queries filter by the id, because names change and two organizations may use the same name. The reader sees
		// the name.
		queryVariable("project", "Project",
			`query_result(max by (group_id, group_name) (mongodbatlas_targets{job=~"$job",group_id!=""}))`,
			`/group_id="(?<value>[^"]+)".*group_name="(?<text>[^"]*)"/`),
		queryVariable("cluster", "Cluster",
			`label_values({__name__=~"mongodbatlas_(flex_)?cluster_created_timestamp_seconds",job=~"$job",group_id=~"$project"}, cl_name)`, ""),
		constant("atlas", "Address of Atlas", atlasURL),
		constant("runbooks", "Address of the runbooks", runbooksURL),
	}
}

func queryVariable(name, label, query, regex string) options {
	kind := 1 // the editor's number for label_values
	if regex != "" {
		kind = 3 // for query_result
	}
	return options{
		"name": name, "label": label, "type": "query",
		"query":      options{"qryType": kind, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
		"definition": query,
		"datasource": datasource(),
		"regex":      regex,
		"refresh":    2, // when the time range changes, too: projects and clusters come and go
		"sort":       5, // by text, whatever its case
		"multi":      true, "includeAll": true, "allValue": ".+",
		"current": options{"text": "All", "value": "$__all"},
		"options": []any{},
	}
}

// constant is a value that nobody selects. Whoever installs the dashboards may change it in the file.
func constant(name, label, value string) options {
	choice := options{"text": value, "value": value, "selected": true}
	return options{
		"name": name, "label": label, "type": "constant", "query": value, "hide": 2, "skipUrlSync": true,
		"current": choice, "options": []any{choice},
	}
}
