package main

// schemaVersion is that of Grafana 12.2 and 13; a newer Grafana migrates the file while loading it.
const schemaVersion = 42

// The part of Grafana's classic dashboard JSON that is used here. Maps hold what differs from one panel type to the next.
type (
	options map[string]any

	dashboard struct {
		UID           string   `json:"uid"`
		Title         string   `json:"title"`
		Description   string   `json:"description"`
		Tags          []string `json:"tags"`
		SchemaVersion int      `json:"schemaVersion"`
		Editable      bool     `json:"editable"`
		GraphTooltip  int      `json:"graphTooltip"`
		Refresh       string   `json:"refresh"`
		Time          options  `json:"time"`
		Timezone      string   `json:"timezone"`
		Annotations   options  `json:"annotations"`
		Links         []link   `json:"links"`
		Templating    options  `json:"templating"`
		Panels        []panel  `json:"panels"`
	}

	// link leads to another dashboard, with variables and time, or from a value to its details.
	link struct {
		Title       string `json:"title"`
		URL         string `json:"url"`
		Type        string `json:"type,omitempty"`
		Icon        string `json:"icon,omitempty"`
		Tooltip     string `json:"tooltip,omitempty"`
		IncludeVars bool   `json:"includeVars,omitempty"`
		KeepTime    bool   `json:"keepTime,omitempty"`
	}

	variable struct {
		Name       string  `json:"name"`
		Label      string  `json:"label"`
		Type       string  `json:"type"`
		Query      any     `json:"query"`
		Definition string  `json:"definition,omitempty"`
		Datasource any     `json:"datasource,omitempty"`
		Regex      string  `json:"regex"`
		Refresh    int     `json:"refresh"`
		Sort       int     `json:"sort,omitempty"`
		Multi      bool    `json:"multi"`
		IncludeAll bool    `json:"includeAll"`
		AllValue   string  `json:"allValue,omitempty"`
		Current    options `json:"current"`
		Options    []any   `json:"options"`
	}

	panel struct {
		ID              int          `json:"id"`
		Type            string       `json:"type"`
		Title           string       `json:"title"`
		Description     string       `json:"description,omitempty"`
		GridPos         gridPos      `json:"gridPos"`
		Collapsed       *bool        `json:"collapsed,omitempty"`
		Panels          []panel      `json:"panels,omitzero"`
		Datasource      any          `json:"datasource,omitempty"`
		Targets         []target     `json:"targets,omitempty"`
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

	target struct {
		RefID        string `json:"refId"`
		Datasource   any    `json:"datasource"`
		EditorMode   string `json:"editorMode"`
		Expr         string `json:"expr"`
		Format       string `json:"format"`
		Instant      bool   `json:"instant"`
		Range        bool   `json:"range"`
		Interval     string `json:"interval,omitempty"`
		LegendFormat string `json:"legendFormat,omitempty"`
	}

	fieldConfig struct {
		Defaults  options    `json:"defaults"`
		Overrides []override `json:"overrides"`
	}

	override struct {
		Matcher    matcher    `json:"matcher"`
		Properties []property `json:"properties"`
	}

	matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	}

	property struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	}
)

// The dashboards' addresses, which people bookmark.
const (
	overviewUID = "mongodbatlas-backup-overview"
	projectUID  = "mongodbatlas-backup-project"
	exporterUID = "mongodbatlas-backup-exporter"
)

func newDashboard(uid, title, description string, panels []panel) dashboard {
	return dashboard{
		UID:           uid,
		Title:         title,
		Description:   description,
		Tags:          []string{"mongodbatlas", "backup"},
		SchemaVersion: schemaVersion,
		Editable:      true,
		GraphTooltip:  1, // one crosshair for all panels
		Refresh:       "1m",
		Time:          options{"from": "now-6h", "to": "now"},
		Timezone:      "browser",
		Annotations:   options{"list": []any{}},
		Links:         links(uid),
		Templating:    options{"list": variables()},
		Panels:        panels,
	}
}

// links leads from one dashboard to the others.
func links(from string) []link {
	var others []link
	for _, to := range []struct{ uid, title, tooltip string }{
		{overviewUID, "Overview", "All projects and clusters"},
		{projectUID, "Project", "Clusters, restores, pipelines and targets in detail"},
		{exporterUID, "Exporter", "Calls to Atlas, freshness, targets"},
	} {
		if to.uid != from {
			others = append(others, link{
				Title: to.title, URL: "/d/" + to.uid, Type: "link", Icon: "dashboard", Tooltip: to.tooltip,
				IncludeVars: true, KeepTime: true,
			})
		}
	}
	return others
}

// projectLink leads from a row to its project's details. The row has the project's id, if only in a hidden column.
func projectLink() []link {
	return []link{{
		Title: "Details of this project",
		URL: "/d/" + projectUID + "?${datasource:queryparam}&${job:queryparam}" +
			"&var-project=${__data.fields.group_id}&var-cluster=$__all&${__url_time_range}",
	}}
}

// datasource is the data source that the person who looks has chosen.
func datasource() options {
	return options{"type": "prometheus", "uid": "${datasource}"}
}

func variables() []variable {
	return []variable{
		{
			Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Refresh: 1,
			Current: options{}, Options: []any{},
		},
		queryVariable("job", "Job", `label_values(mongodbatlas_target_up, job)`, ""),
		// The id is what filters, since names change and two organisations may use the same; the name is what people see.
		queryVariable("project", "Project",
			`query_result(max by (group_id, group_name) (mongodbatlas_targets{job=~"$job",group_id!=""}))`,
			`/group_id="(?<value>[^"]+)".*group_name="(?<text>[^"]*)"/`),
		queryVariable("cluster", "Cluster",
			`label_values(mongodbatlas_cluster_created_timestamp_seconds{job=~"$job",group_id=~"$project"}, cl_name)`, ""),
	}
}

func queryVariable(name, label, query, regex string) variable {
	return variable{
		Name: name, Label: label, Type: "query",
		Query:      options{"qryType": variableQueryType(regex), "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
		Definition: query,
		Datasource: datasource(),
		Regex:      regex,
		Refresh:    2, // when the time range changes, too: projects and clusters come and go
		Sort:       5, // by text, whatever its case
		Multi:      true, IncludeAll: true, AllValue: ".*",
		Current: options{"text": "All", "value": "$__all"},
		Options: []any{},
	}
}

// variableQueryType is the editor's number for the kind of the query: 1 for label_values, 3 for query_result.
func variableQueryType(regex string) int {
	if regex != "" {
		return 3
	}
	return 1
}
