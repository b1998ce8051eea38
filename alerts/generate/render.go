package main

import (
	"bytes"
	"embed"
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

//go:embed rules.yml.tmpl parts.tmpl
var sources embed.FS

// render returns the rules for the chart. They have names for the Helm values: @runbookUrl@, @exportStuck@ in seconds,
// @exportStuck:range@ as a duration.
func render() (string, error) {
	parsed := template.New("").Delims("[[", "]]").Option("missingkey=error")
	parsed.Funcs(template.FuncMap{
		"current": current, "open": open, "lower": strings.ToLower,
		// include returns a part of parts.tmpl, indented for the expression of a rule.
		"include": func(name string, data any) (string, error) {
			var part strings.Builder
			err := parsed.ExecuteTemplate(&part, name, data)
			return lineEnds.ReplaceAllString(strings.TrimSpace(part.String()), "$0          "), err
		},
	})
	if _, err := parsed.ParseFS(sources, "*.tmpl"); err != nil {
		return "", err
	}
	data := kinds()
	data["spares"] = []bool{false, true}
	var rules strings.Builder
	err := parsed.ExecuteTemplate(&rules, "rules.yml.tmpl", data)
	return rules.String(), err
}

// lineEnds matches several line ends together, so that empty lines stay empty.
var lineEnds = regexp.MustCompile(`\n+`)

// Rules returns the rules for some values.
func Rules(values Values) ([]byte, error) {
	rules, err := render()
	if err != nil {
		return nil, err
	}
	pairs := []string{
		"@runbookUrl@", values.RunbookURL, "@dashboardUrl@", values.DashboardURL, "@atlasUrl@", values.AtlasURL,
		"@aggregation@", strings.Join(append([]string{""}, values.AggregationLabels...), ", "),
	}
	for name, text := range values.Thresholds {
		written := text
		if seconds, ok := inSeconds(text); ok {
			written = strconv.FormatInt(seconds, 10)
		}
		pairs = append(pairs, "@"+name+"@", written, "@"+name+":range@", text)
	}
	rules = strings.NewReplacer(pairs...).Replace(rules)
	if unknown := valueName.FindString(rules); unknown != "" {
		return nil, fmt.Errorf("no value has the name %s", unknown)
	}
	return adjust([]byte(rules), values)
}

var valueName = regexp.MustCompile(`@[A-Za-z:]+@`)

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
