package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Values configure the rules. The keys are those of the chart's prometheusRule block.
type Values struct {
	// Disabled names alerts that are left out.
	Disabled map[string]bool `yaml:"disabled"`
	// Overrides change single alerts.
	Overrides map[string]Override `yaml:"overrides"`
	// Severities rename severities: {critical: page}.
	Severities map[string]string `yaml:"severities"`
	// AdditionalRuleLabels are added to every alert.
	AdditionalRuleLabels map[string]string `yaml:"additionalRuleLabels"`
	// AggregationLabels are labels of scrape targets that alerts keep.
	AggregationLabels []string `yaml:"aggregationLabels"`
	// RunbookURL is a prefix; the alert's name in lower case follows.
	RunbookURL string `yaml:"runbookUrl"`
	// DashboardURL is the address of Grafana.
	DashboardURL string `yaml:"dashboardUrl"`
	// AtlasURL is the address of Atlas's pages.
	AtlasURL string `yaml:"atlasUrl"`
	// Thresholds are durations of one number with one unit, and numbers.
	Thresholds map[string]string `yaml:"thresholds"`
}

// Override changes one alert. Empty fields change nothing.
type Override struct {
	Severity string            `yaml:"severity"`
	For      string            `yaml:"for"`
	Labels   map[string]string `yaml:"labels"`
}

// defaults returns the values of the plain rules file.
func defaults() Values {
	return Values{
		AggregationLabels: []string{"namespace"},
		RunbookURL:        "https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/blob/main/docs/runbooks.md#",
		DashboardURL:      "http://localhost:3000",
		AtlasURL:          "https://cloud.mongodb.com",
		Thresholds:        thresholds(),
	}
}

// readValues returns the defaults, overridden by a YAML document.
func readValues(content []byte) (Values, error) {
	values := defaults()
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return Values{}, fmt.Errorf("values: %w", err)
	}
	known := thresholds()
	for name, value := range values.Thresholds {
		standard, ok := known[name]
		if !ok {
			return Values{}, fmt.Errorf("thresholds: there is no %s, only %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if durationPattern.MatchString(standard) != durationPattern.MatchString(value) || !thresholdPattern.MatchString(value) {
			return Values{}, fmt.Errorf("thresholds: %s is %q, want a value such as %s", name, value, standard)
		}
		if seconds, ok := inSeconds(value); durationPattern.MatchString(value) && (!ok || seconds < 1000 || seconds > 10*365*24*3600) {
			return Values{}, fmt.Errorf("thresholds: %s is %q, want 1000s to 3650d", name, value)
		}
	}
	return values, nil
}

var (
	thresholdPattern = regexp.MustCompile(`^[1-9][0-9]*[smhd]?$`)
	durationPattern  = regexp.MustCompile(`^([1-9][0-9]*)([smhd])$`)
)

// inSeconds returns a duration of one number with one unit in seconds, and whether the text is one.
func inSeconds(text string) (int64, bool) {
	match := durationPattern.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	number, err := strconv.ParseInt(match[1], 10, 32)
	if err != nil {
		return 0, false
	}
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[match[2]]
	return number * int64(unit/time.Second), true
}
