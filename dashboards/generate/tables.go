package main

import (
	"fmt"
	"slices"
)

// column is a column of a table: a label of the series of the first query, or another query.
type column struct {
	title string
	// label is the label to show. With exprs, it is a label that only their series have, such as a state.
	label string
	// exprs together have at most one series for each row. Without label, their value is shown. Usually it is one: several
	// replace an expression that would be too long for a data source that uses GET.
	exprs      []string
	properties []property
}

// The kinds of columns.
func labelColumn(title, label string, properties ...property) column {
	return column{title: title, label: label, properties: properties}
}

func statedColumn(title, label, expr string, properties ...property) column {
	return column{title: title, label: label, exprs: []string{expr}, properties: properties}
}

// projectColumn and clusterColumn take the width that the numbers leave. Longer names wrap. Their links contain the project's
// id, which is in a hidden column.
func projectColumn() column {
	links := []options{
		{"title": "Details of this project", "url": "/d/" + projectUID + "?var-project=${__data.fields.group_id}&var-cluster=$__all&" + kept},
		{"title": "This project in Atlas", "url": "${atlas}/v2/${__data.fields.group_id}", "targetBlank": true},
	}
	return nameColumn("Project", "group_name", "all", links)
}

func clusterColumn() column {
	links := []options{
		{"title": "Details of this cluster", "url": "/d/" + projectUID + "?var-project=${__data.fields.group_id}&var-cluster=${__value.raw}&" + kept},
		{"title": "This cluster in Atlas", "url": "${atlas}/v2/${__data.fields.group_id}#/clusters/detail/${__value.raw}", "targetBlank": true},
	}
	return nameColumn("Cluster", "cl_name", "-", links)
}

func nameColumn(title, label, none string, links []options) column {
	return labelColumn(title, label, property{"links", links}, minWidth(230), property{"custom.wrapText", true}, mappings(missing(none), empty(none)))
}

func stateColumn(title, label, expr string, states ...string) column {
	return statedColumn(title, label, expr, mappings(stateMapping(states...), missing("-")), coloured("color-text"), width(115))
}

func valueColumn(title, unit, expr string, properties ...property) column {
	return column{title: title, exprs: []string{expr}, properties: append([]property{{"unit", unit}, mappings(missing("-"))}, properties...)}
}

func durationColumn(title, expr string, properties ...property) column {
	return valueColumn(title, unitDuration, expr, append([]property{{"decimals", 1}, width(125)}, properties...)...)
}

// sinceColumn shows how long ago something was, and "never" for -1.
func sinceColumn(title, since string) column {
	return durationColumn(title, since, mappings(values(-1, "never", "orange"), missing("-")))
}

// coloured colors the cells of a column by their mapping or threshold: "color-text" or "color-background".
func coloured(kind string) property {
	cell := options{"type": kind}
	if kind == "color-background" {
		cell["mode"] = "basic"
	}
	return property{"custom.cellOptions", cell}
}

func width(pixels int) property    { return property{"custom.width", pixels} }
func minWidth(pixels int) property { return property{"custom.minWidth", pixels} }

func mappings(mapping ...options) property { return property{"mappings", mapping} }

// The orders of rows.
func ascending(title string) options  { return options{"displayName": title, "desc": false} }
func descending(title string) options { return options{"displayName": title, "desc": true} }

// table has a row for each set of the key labels. All expressions have exactly these labels, plus at most one label to
// show. The columns have the given order. group_id is hidden, and used in the links.
func table(title, description, none string, columns []column, sorting ...options) *panel {
	var queries []query
	rename, index, exclude := options{}, options{}, options{"Time": true}
	p := newPanel("table", title, description, unitCount, nil)
	p.override("group_id", property{"custom.hideFrom", options{"viz": true, "legend": false, "tooltip": false}})
	p.Transformations = []options{{"id": "merge", "options": options{}}}
	for position, c := range columns {
		var results []string
		for _, expr := range c.exprs {
			result := "Value #" + string(rune('A'+len(queries))) // Grafana's name
			results = append(results, result)
			exclude[result] = true
			queries = append(queries, query{expr: expr})
		}
		name := c.label
		switch {
		case len(results) > 1:
			name = c.title
			p.Transformations = append(p.Transformations, options{"id": "calculateField", "options": options{
				"alias": name, "mode": "reduceRow", "reduce": options{"reducer": "max", "include": results}, "replaceFields": false,
			}})
		case name == "":
			name = results[0]
			delete(exclude, name)
		}
		rename[name], index[name] = c.title, position
		// Without its own mapping, an empty cell would show the text of an empty panel.
		p.override(c.title, lastOfEach(append([]property{mappings(missing("-"), empty("-"))}, c.properties...))...)
	}
	if len(queries) < 2 || len(queries) > 26 {
		panic(fmt.Sprintf("%s: %d queries", title, len(queries))) // a slip of whoever writes a table
	}
	index["group_id"] = len(columns)
	p.Targets = targets(queries, options{"format": "table", "instant": true})
	p.Transformations = append(p.Transformations, options{"id": "organize", "options": options{
		"excludeByName": exclude, "indexByName": index, "renameByName": rename,
	}})
	p.Options = options{"showHeader": true, "cellHeight": "sm", "sortBy": sorting}
	return p.standard("noValue", none).
		custom("align", "auto", "cellOptions", options{"type": "auto"}, "inspect", false, "filterable", true)
}

// lastOfEach lets a column's own property replace the property of its kind.
func lastOfEach(properties []property) []property {
	var result []property
	for _, p := range properties {
		if i := slices.IndexFunc(result, func(earlier property) bool { return earlier.ID == p.ID }); i >= 0 {
			result[i] = p
		} else {
			result = append(result, p)
		}
	}
	return result
}
