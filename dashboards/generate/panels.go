package main

import (
	"fmt"
	"maps"
	"slices"
)

// Grafana's names of units.
const (
	unitCount    = "none"
	unitDuration = "s"
	unitBytes    = "bytes"
	unitShare    = "percentunit"
	unitRate     = "reqps"
)

// neutral is the colour of what is neither good nor bad.
const neutral = "#7b8087"

// rateInterval is the shortest scrape interval that people use with this exporter, so that $__rate_interval has enough
// samples whatever the data source says.
const rateInterval = "1m"

// layout places panels from left to right, and begins a new line where one is full.
type layout struct {
	panels     []panel
	x, y, tall int
}

func (l *layout) add(width, height int, p panel) {
	if l.x+width > 24 {
		l.line()
	}
	p.GridPos = gridPos{H: height, W: width, X: l.x, Y: l.y}
	p.ID = len(l.panels) + 1
	l.panels = append(l.panels, p)
	l.x += width
	l.tall = max(l.tall, height)
}

func (l *layout) line() {
	l.x, l.y, l.tall = 0, l.y+l.tall, 0
}

// row begins a section with a heading.
func (l *layout) row(title string) {
	l.line()
	collapsed := false
	l.add(24, 1, panel{Type: "row", Title: title, Collapsed: &collapsed, Panels: []panel{}})
	l.line()
}

// query is an expression and the legend of its series.
type query struct {
	expr, legend string
}

// targets names the queries A, B, C and so on.
func targets(queries []query, adapt func(*target)) []target {
	result := make([]target, len(queries))
	for i, q := range queries {
		result[i] = target{
			RefID: string(rune('A' + i)), Datasource: datasource(), EditorMode: "code", Expr: q.expr, LegendFormat: q.legend,
		}
		adapt(&result[i])
	}
	return result
}

func newPanel(kind, title, description, unit string, targets []target) panel {
	return panel{
		Type: kind, Title: title, Description: description, Datasource: datasource(), Targets: targets,
		FieldConfig: &fieldConfig{
			Defaults:  options{"unit": unit, "mappings": []any{}, "thresholds": thresholds("green")},
			Overrides: []override{},
		},
	}
}

// stat shows numbers as they are now.
func stat(title, description, unit string, queries ...query) panel {
	p := newPanel("stat", title, description, unit, targets(queries, func(t *target) {
		t.Format, t.Instant = "time_series", true
	}))
	p.Options = options{
		"reduceOptions": options{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		"colorMode":     "value", "graphMode": "none", "justifyMode": "center", "orientation": "auto", "textMode": "auto",
		"wideLayout": true, "showPercentChange": false,
	}
	return p
}

// barGauge shows numbers as they are now beside each other.
func barGauge(title, description, unit string, queries ...query) panel {
	p := stat(title, description, unit, queries...)
	p.Type = "bargauge"
	p.Options = options{
		"reduceOptions": p.Options["reduceOptions"],
		"displayMode":   "basic", "orientation": "horizontal", "valueMode": "color", "showUnfilled": true,
		"namePlacement": "auto", "sizing": "auto", "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 300,
	}
	p.FieldConfig.Defaults["min"] = 0
	return p
}

// timeseries shows how numbers changed.
func timeseries(title, description, unit string, queries ...query) panel {
	p := newPanel("timeseries", title, description, unit, targets(queries, func(t *target) {
		t.Format, t.Range, t.Interval = "time_series", true, rateInterval
	}))
	p.FieldConfig.Defaults["custom"] = options{
		"drawStyle": "line", "lineWidth": 2, "fillOpacity": 0, "showPoints": "auto", "spanNulls": false,
	}
	p.FieldConfig.Defaults["color"] = options{"mode": "palette-classic"}
	p.FieldConfig.Defaults["min"] = 0
	p.Options = options{
		"legend":  options{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
		"tooltip": options{"mode": "multi", "sort": "desc"},
	}
	return p
}

// stacked makes areas that sum up, as state sets do.
func (p panel) stacked() panel {
	custom := p.FieldConfig.Defaults["custom"].(options)
	custom["stacking"] = options{"mode": "normal", "group": "A"}
	custom["fillOpacity"], custom["lineWidth"], custom["lineInterpolation"] = 60, 1, "stepAfter"
	return p
}

// logarithmic lets ten failures show beside ten thousand successes.
func (p panel) logarithmic() panel {
	p.FieldConfig.Defaults["custom"].(options)["axisSoftMin"] = 0
	delete(p.FieldConfig.Defaults, "min")
	p.FieldConfig.Defaults["custom"].(options)["scaleDistribution"] = options{"type": "symlog", "log": 10, "linearThreshold": 1}
	p.FieldConfig.Defaults["custom"].(options)["lineInterpolation"] = "stepAfter"
	return p
}

// colouredByState gives each state's series the colour that the state has everywhere.
func (p panel) colouredByState() panel {
	for _, state := range slices.Sorted(maps.Keys(stateColours())) {
		p.override(state, property{"color", options{"mode": "fixed", "fixedColor": stateColours()[state]}})
	}
	return p
}

// limits colours values from green on; each pair is a value and the colour from there on.
func (p panel) limits(steps ...any) panel {
	p.FieldConfig.Defaults["thresholds"] = thresholds("green", steps...)
	p.FieldConfig.Defaults["color"] = options{"mode": "thresholds"}
	return p
}

// softMax keeps an axis of nothing but zeros from looking like one of great numbers.
func (p panel) softMax(value float64) panel {
	p.FieldConfig.Defaults["custom"].(options)["axisSoftMax"] = value
	return p
}

func (p panel) mapped(mapping ...options) panel {
	p.FieldConfig.Defaults["mappings"] = mapping
	return p
}

// option sets an option of the panel's type.
func (p panel) option(name string, value any) panel {
	p.Options[name] = value
	return p
}

// standard sets a field option that is the same for all types.
func (p panel) standard(name string, value any) panel {
	p.FieldConfig.Defaults[name] = value
	return p
}

func (p panel) override(name string, properties ...property) {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, override{matcher{"byName", name}, properties})
}

func thresholds(base string, steps ...any) options {
	result := []options{{"color": base, "value": nil}}
	for i := 0; i+1 < len(steps); i += 2 {
		result = append(result, options{"value": steps[i], "color": steps[i+1]})
	}
	return options{"mode": "absolute", "steps": result}
}

// stateColours are the colours of every state that a job, a run, a pipeline or a target can be in.
func stateColours() map[string]string {
	colours := map[string]string{}
	for colour, states := range map[string][]string{
		"green":            {"Successful", "DONE", "completed", "ACTIVE", "up"},
		"dark-green":       {"ready"},
		"blue":             {"InProgress", "IN_PROGRESS", "in_progress"},
		"super-light-blue": {"Queued", "PENDING", "pending"},
		"red":              {"Failed", "FAILED", "failed", "down"},
		"orange":           {"Cancelled", "cancelled"},
		neutral:            {"DATASET_DELETED", "expired", "PAUSED", "unsupported"},
		"yellow":           {"unknown"},
	} {
		for _, state := range states {
			colours[state] = colour
		}
	}
	return colours
}

// stateMapping colours the names of states in a table.
func stateMapping() options {
	mapping := options{}
	for i, state := range slices.Sorted(maps.Keys(stateColours())) {
		mapping[state] = options{"color": stateColours()[state], "index": i}
	}
	return options{"type": "value", "options": mapping}
}

// values maps numbers to words: each triple is a number, a word and a colour.
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

// missing puts a word into a cell without a value, empty into one with an empty label.
func missing(word string) options { return special("null+nan", word) }
func empty(word string) options   { return special("empty", word) }

func special(match, word string) options {
	return options{"type": "special", "options": options{"match": match, "result": options{"text": word, "color": neutral, "index": 99}}}
}
