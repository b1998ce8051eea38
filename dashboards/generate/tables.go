package main

import "fmt"

// column is a column of a table: a label of the first query's series, or a query of its own.
type column struct {
	title string
	// label is the label to show. With an expression, it is one that only this expression's series have, such as a state.
	label string
	// expr has at most one series for each row. Without a label, its value is shown.
	expr       string
	properties []property
}

// The kinds of columns.
func labelColumn(title, label string, properties ...property) column {
	return column{title: title, label: label, properties: properties}
}

func stateColumn(title, label, expr string) column {
	return column{title: title, label: label, expr: expr, properties: []property{
		mappings(stateMapping(), missing("-")), coloured("color-text"), width(95),
	}}
}

func valueColumn(title, unit, expr string, properties ...property) column {
	return column{title: title, expr: expr, properties: append([]property{{"unit", unit}}, properties...)}
}

func durationColumn(title, expr string, properties ...property) column {
	return valueColumn(title, unitDuration, expr, append([]property{{"decimals", 1}, width(95)}, properties...)...)
}

// coloured colours the cells of a column by their mapping or threshold: "color-text" or "color-background".
func coloured(kind string) property {
	cell := options{"type": kind}
	if kind == "color-background" {
		cell["mode"] = "basic"
	}
	return property{"custom.cellOptions", cell}
}

func width(pixels int) property { return property{"custom.width", pixels} }

func mappings(mapping ...options) property { return property{"mappings", mapping} }

// table has a row for each set of the key labels, which the series of all its expressions have, and of these alone with the
// exception of one shown label. The columns stand in the order given; group_id is kept out of sight for the link.
func table(title, description string, columns []column, sortBy string, descending bool) panel {
	var queries []query
	rename, index, exclude := options{}, options{}, options{"Time": true}
	overrides := []override{{matcher{"byName", "group_id"}, []property{{"custom.hideFrom", options{"viz": true, "legend": false, "tooltip": false}}}}}
	single := 0
	for _, c := range columns {
		if c.expr != "" {
			single++
		}
	}
	for position, c := range columns {
		value := "Value"
		if c.expr != "" {
			if single > 1 {
				value = "Value #" + string(rune('A'+len(queries)))
			}
			queries = append(queries, query{expr: c.expr})
		}
		name := c.label
		switch {
		case name == "":
			name = value
		case c.expr != "":
			exclude[value] = true
		}
		rename[name], index[name] = c.title, position
		if len(c.properties) > 0 {
			overrides = append(overrides, override{matcher{"byName", c.title}, c.properties})
		}
	}
	index["group_id"] = len(columns)
	p := newPanel("table", title, description, unitCount, targets(queries, func(t *target) { t.Format, t.Instant = "table", true }))
	p.Transformations = []options{
		{"id": "merge", "options": options{}},
		{"id": "organize", "options": options{"excludeByName": exclude, "indexByName": index, "renameByName": rename}},
	}
	p.FieldConfig.Defaults["custom"] = options{"align": "auto", "cellOptions": options{"type": "auto"}, "inspect": false}
	p.FieldConfig.Overrides = overrides
	p.Options = options{
		"showHeader": true, "cellHeight": "sm",
		"sortBy": []options{{"displayName": sortBy, "desc": descending}},
	}
	if len(queries) > 26 {
		panic(fmt.Sprintf("%s: more queries than letters", title)) // a slip of whoever writes a table
	}
	return p
}
