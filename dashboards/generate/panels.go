package main

import (
	"fmt"
	"maps"
	"strings"
)

// The names of units in Grafana.
const (
	unitCount    = "none"
	unitDuration = "s"
	unitBytes    = "bytes"
	unitShare    = "percentunit"
	unitRate     = "reqps"
)

// neutral is the color of states that are neither good nor bad.
const neutral = "#7b8087"

// layout places panels from left to right, and starts a new line when one is full.
type layout struct {
	panels     []*panel
	folded     *panel // the folded row that contains the panels
	ids        int
	x, y, tall int
}

func (l *layout) add(width, height int, p *panel) {
	if l.x+width > 24 {
		l.line()
	}
	l.ids++
	p.ID, p.GridPos = l.ids, gridPos{H: height, W: width, X: l.x, Y: l.y}
	if l.folded != nil {
		l.folded.Panels = append(l.folded.Panels, p)
	} else {
		l.panels = append(l.panels, p)
	}
	l.x += width
	l.tall = max(l.tall, height)
}

func (l *layout) line() {
	l.x, l.y, l.tall = 0, l.y+l.tall, 0
}

// row starts a section with a heading.
func (l *layout) row(title string) {
	l.line()
	l.folded = nil
	l.add(24, 1, &panel{Type: "row", Title: title, Collapsed: new(false), Panels: []*panel{}})
	l.line()
}

// fold starts a section that is closed until the reader opens it.
func (l *layout) fold(title string) {
	l.row(title)
	l.folded = l.panels[len(l.panels)-1]
	*l.folded.Collapsed = true
}

// query is an expression and the legend of its series.
type query struct {
	expr, legend string
}

// targets names the queries A, B, C and so on. The extra options say what they return.
func targets(queries []query, extra options) []options {
	result := make([]options, len(queries))
	for i, q := range queries {
		result[i] = options{
			"refId": string(rune('A' + i)), "datasource": datasource(), "editorMode": "code", "expr": selected(q.expr),
			"format": "time_series", "instant": false, "range": false,
		}
		if q.legend != "" {
			result[i]["legendFormat"] = q.legend
		}
		maps.Copy(result[i], extra)
	}
	return result
}

func instant() options { return options{"instant": true} }

// overTime has the shortest usual scrape interval of this exporter. With it, $__rate_interval contains enough samples,
// whatever the data source says.
func overTime() options { return options{"range": true, "interval": "1m"} }

func newPanel(kind, title, description, unit string, targets []options) *panel {
	return &panel{
		Type: kind, Title: title, Description: description, Datasource: datasource(), Targets: targets,
		FieldConfig: &fieldConfig{
			Defaults: options{
				"unit": unit, "mappings": []any{}, "thresholds": thresholds("green"),
				"noValue": "No data: no exporter is scraped, or it has read nothing yet.",
			},
			Overrides: []options{},
		},
	}
}

// stat shows current numbers.
func stat(title, description, unit string, queries ...query) *panel {
	p := newPanel("stat", title, description, unit, targets(queries, instant()))
	p.Options = options{
		"reduceOptions": options{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		"colorMode":     "value", "graphMode": "none", "justifyMode": "center", "orientation": "auto", "textMode": "auto",
		"wideLayout": true, "showPercentChange": false,
	}
	return p.standard("noValue", "no data")
}

// count shows the number of series of an expression, in color if there are any. It links to the panel with the rows.
func count(title, description, expr, colour, rows string) *panel {
	return stat(title, description, unitCount, query{orZero("count(" + expr + ")"), title}).
		limits(1, colour).option("colorMode", "background_solid").standard("links", []options{toPanel(rows)})
}

// timeseries shows numbers over time.
func timeseries(title, description, unit string, queries ...query) *panel {
	p := newPanel("timeseries", title, description, unit, targets(queries, overTime()))
	p.Options = options{
		"legend":  options{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": options{"mode": "multi", "sort": "desc"},
	}
	return p.custom("drawStyle", "line", "lineWidth", 2, "fillOpacity", 0, "showPoints", "auto", "spanNulls", false).
		standard("color", options{"mode": "palette-classic"}).standard("min", 0)
}

// perCluster shows a line for each cluster. The legend is a table, because it can scroll.
func (p *panel) perCluster() *panel {
	return p.option("legend", options{
		"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull"}, "sortBy": "Last *", "sortDesc": true,
	}).standard("decimals", 1)
}

// stacked stacks the areas, so that state sets add up.
func (p *panel) stacked() *panel {
	return p.custom("stacking", options{"mode": "normal", "group": "A"}, "fillOpacity", 60, "lineWidth", 1, "lineInterpolation", "stepAfter")
}

// stateTimeline shows the state of each series over time. The values are the numbers of states.
func stateTimeline(title, description string, mapping options, queries ...query) *panel {
	p := newPanel("state-timeline", title, description, unitCount, targets(queries, overTime()))
	p.Options = options{
		"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.8, "perPage": 20,
		"legend":  options{"displayMode": "list", "placement": "bottom", "showLegend": true},
		"tooltip": options{"mode": "single", "sort": "none"},
	}
	return p.custom("fillOpacity", 80, "lineWidth", 0, "spanNulls", false).mapped(mapping)
}

// alertList shows the alerts of this exporter, with Grafana's own panel.
func alertList(title, description string) *panel {
	return &panel{Type: "alertlist", Title: title, Description: description, Options: options{
		"viewMode": "list", "groupMode": "default", "groupBy": []any{}, "maxItems": 50, "sortOrder": 3, "dashboardAlerts": false,
		"alertName": "MongoDBAtlas", "alertInstanceLabelFilter": "", "showInactiveAlerts": false,
		"stateFilter": options{"firing": true, "pending": true, "recovering": true, "error": true, "noData": false, "normal": false},
	}}
}

// custom sets field options of the panel's type. Each pair is a name and a value.
func (p *panel) custom(pairs ...any) *panel {
	custom, ok := p.FieldConfig.Defaults["custom"].(options)
	if !ok {
		custom = options{}
		p.FieldConfig.Defaults["custom"] = custom
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		custom[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return p
}

// colouredByState gives the series of each state the color that the state has everywhere.
func (p *panel) colouredByState(states ...string) *panel {
	for _, state := range states {
		p.override(state, property{"color", fixed(stateColour(state))})
	}
	return p
}

func fixed(colour string) options { return options{"mode": "fixed", "fixedColor": colour} }

// limits colors values, starting with green. Each pair is a value and the color from there on.
func (p *panel) limits(steps ...any) *panel {
	return p.standard("thresholds", thresholds("green", steps...)).standard("color", options{"mode": "thresholds"})
}

func (p *panel) mapped(mapping ...options) *panel { return p.standard("mappings", mapping) }

// option sets an option of the panel's type.
func (p *panel) option(name string, value any) *panel {
	p.Options[name] = value
	return p
}

// standard sets a field option that is the same for all types.
func (p *panel) standard(name string, value any) *panel {
	p.FieldConfig.Defaults[name] = value
	return p
}

func (p *panel) override(name string, properties ...property) {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, options{
		"matcher": options{"id": "byName", "options": name}, "properties": properties,
	})
}

func thresholds(base string, steps ...any) options {
	result := []options{{"color": base, "value": nil}}
	for i := 0; i+1 < len(steps); i += 2 {
		result = append(result, options{"value": steps[i], "color": steps[i+1]})
	}
	return options{"mode": "absolute", "steps": result}
}

// stateColour returns the color that a state of a job, run, pipeline or target has everywhere, whatever its spelling.
func stateColour(state string) string {
	switch strings.ToLower(strings.ReplaceAll(state, "_", "")) {
	case "successful", "done", "completed", "active", "up":
		return "green"
	case "ready":
		return "dark-green"
	case "inprogress", "running", "initializing", "finalizing":
		return "blue"
	case "queued", "pending":
		return "super-light-blue"
	case "failed", "down":
		return "red"
	case "cancelled", "canceled":
		return "orange"
	case "datasetdeleted", "expired", "paused", "unsupported":
		return neutral
	}
	return "yellow"
}

// stateMapping colors the names of states in a table.
func stateMapping(states ...string) options {
	mapping := options{}
	for i, state := range states {
		mapping[state] = options{"color": stateColour(state), "index": i}
	}
	return options{"type": "value", "options": mapping}
}

// values maps numbers to words. Each triple is a number, a word and a color.
func values(triples ...any) options {
	mapping := options{}
	for i := 0; i+2 < len(triples); i += 3 {
		mapping[fmt.Sprint(triples[i])] = options{"text": triples[i+1], "color": triples[i+2], "index": i / 3}
	}
	return options{"type": "value", "options": mapping}
}

// between maps a range of numbers to a word.
func between(from, to float64, word, colour string) options {
	return options{"type": "range", "options": options{"from": from, "to": to, "result": options{"text": word, "color": colour, "index": 0}}}
}

// missing shows a word in cells without a value, empty in cells with an empty label.
func missing(word string) options { return special("null+nan", word) }
func empty(word string) options   { return special("empty", word) }

func special(match, word string) options {
	return options{"type": "special", "options": options{"match": match, "result": options{"text": word, "color": neutral, "index": 99}}}
}

// kept passes variables and time to another dashboard.
const kept = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"

// toPanel links a number to the panel of the same dashboard that has its rows. The link contains the panel's title,
// until encode replaces it by the panel's number.
func toPanel(title string) options {
	return options{"title": "Rows: " + title, "url": "/d/{uid}?viewPanel={" + title + "}&${project:queryparam}&${cluster:queryparam}&" + kept}
}
