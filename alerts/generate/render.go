package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"
)

//go:embed rules.yml.tmpl
var rulesTemplate string

// threshold is a time as the template writes it: in seconds, or as a range.
type threshold struct {
	seconds, duration string
}

func (t threshold) String() string { return t.seconds }

// Range returns the threshold as a Prometheus duration.
func (t threshold) Range() string { return t.duration }

// Rules returns the rules for some values.
func Rules(values Values) ([]byte, error) {
	written := map[string]threshold{}
	for name, text := range thresholds() {
		if changed, ok := values.Thresholds[name]; ok {
			text = changed
		}
		written[name] = threshold{text, text}
		if seconds, ok := inSeconds(text); ok {
			written[name] = threshold{strconv.FormatInt(seconds, 10), text}
		}
	}
	rules, err := render(values, strings.Join(append([]string{""}, values.AggregationLabels...), ", "), written)
	if err != nil {
		return nil, err
	}
	return adjust(rules, values)
}

// chartRules returns the rules for the chart, with names for the Helm values: @runbookUrl@, @exportStuck@ in seconds,
// @exportStuck:range@ as a duration.
func chartRules() ([]byte, error) {
	written := map[string]threshold{}
	for name := range thresholds() {
		written[name] = threshold{"@" + name + "@", "@" + name + ":range@"}
	}
	return render(Values{RunbookURL: "@runbookUrl@", DashboardURL: "@dashboardUrl@", AtlasURL: "@atlasUrl@"}, "@aggregation@", written)
}

func render(values Values, by string, written map[string]threshold) ([]byte, error) {
	data := map[string]any{"By": by}
	for name, value := range written {
		data[strings.ToUpper(name[:1])+name[1:]] = value
	}
	parsed, err := template.New("rules").Delims("[[", "]]").Option("missingkey=error").Funcs(functions(values, by)).Parse(rulesTemplate)
	if err != nil {
		return nil, err
	}
	var rules bytes.Buffer
	if err := parsed.Execute(&rules, data); err != nil {
		return nil, err
	}
	return trailing.ReplaceAll(rules.Bytes(), nil), nil
}

// trailing is the space at the end of lines, which an expression over several lines leaves.
var trailing = regexp.MustCompile(`(?m) +$`)

// adjust applies the values: it leaves out, relabels and renames alerts. Rules without changes keep every byte.
func adjust(rules []byte, values Values) ([]byte, error) {
	if len(values.Disabled)+len(values.Overrides)+len(values.Severities)+len(values.AdditionalRuleLabels) == 0 {
		return rules, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(rules, &document); err != nil {
		return nil, err
	}
	unknown := map[string]bool{}
	for name := range values.Disabled {
		unknown[name] = true
	}
	for name := range values.Overrides {
		unknown[name] = true
	}
	for _, group := range field(document.Content[0], "groups").Content {
		list := field(group, "rules")
		list.Content = slices.DeleteFunc(list.Content, func(rule *yaml.Node) bool {
			alert := field(rule, "alert")
			if alert == nil {
				return false
			}
			delete(unknown, alert.Value)
			if values.Disabled[alert.Value] {
				return true
			}
			adjustAlert(rule, values, values.Overrides[alert.Value])
			return false
		})
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("there is no alert %s", strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&document), encoder.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func adjustAlert(rule *yaml.Node, values Values, override Override) {
	labels := field(rule, "labels")
	severity := field(labels, "severity")
	if override.Severity != "" {
		severity.Value = override.Severity
	}
	if renamed, ok := values.Severities[severity.Value]; ok {
		severity.Value = renamed
	}
	for _, added := range []map[string]string{values.AdditionalRuleLabels, override.Labels} {
		for _, name := range slices.Sorted(maps.Keys(added)) {
			set(labels, name, added[name])
		}
	}
	if override.For != "" {
		set(rule, "for", override.For)
	}
}

// field returns the value of a mapping's key, or nil.
func field(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func set(mapping *yaml.Node, key, value string) {
	node := field(mapping, key)
	if node == nil {
		node = &yaml.Node{Kind: yaml.ScalarNode}
		mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, node)
	}
	*node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
