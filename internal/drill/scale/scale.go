// Package scale divides every time in a file of Prometheus rules by one factor, so that a day passes in minutes.
//
// It relies on the format of times in the shipped rules: a range, an offset, an interval, a for or a keep_firing_for is a
// Prometheus duration, and inside an expression every plain integer of four digits or more is a number of seconds. The rules
// contain no other times.
package scale

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// Rules returns the rules with every time divided by factor, which must be positive. It returns an error if a result is not a
// whole number of milliseconds, the resolution of Prometheus.
func Rules(rules []byte, factor float64) ([]byte, error) {
	if !(factor > 0) || math.IsInf(factor, 0) {
		return nil, fmt.Errorf("factor %v is not above 0", factor)
	}
	var file any
	if err := yaml.Unmarshal(rules, &file); err != nil {
		return nil, fmt.Errorf("rules are not YAML: %w", err)
	}
	divided, err := divide("", file, factor)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(divided)
}

// divide returns the value of a key with the times in it divided.
func divide(key string, value any, factor float64) (any, error) {
	var failures error
	switch value := value.(type) {
	case map[string]any:
		for name, child := range value {
			divided, err := divide(name, child, factor)
			value[name], failures = divided, errors.Join(failures, err)
		}
	case []any:
		for i, child := range value {
			divided, err := divide("", child, factor)
			value[i], failures = divided, errors.Join(failures, err)
		}
	case string:
		switch key {
		case "for", "keep_firing_for", "interval", "query_offset":
			return duration(value, factor)
		case "expr":
			return Expr(value, factor)
		}
	}
	return value, failures
}

// words matches the tokens of an expression that may contain digits: a comment, a string, a name, a duration or number. Names
// come before numbers, because they may contain digits.
var words = regexp.MustCompile(`#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|` + "`[^`]*`" + `|[a-zA-Z_][a-zA-Z0-9_:]*|[0-9][0-9a-zA-Z_.]*`)

var (
	durationPattern = regexp.MustCompile(`^(?:[0-9]+(?:ms|[smhdwy]))+$`)
	secondsPattern  = regexp.MustCompile(`^[0-9]{4,}$`)
)

// Expr returns a PromQL expression with every time divided by factor: durations, and plain integers of four digits or more.
func Expr(expr string, factor float64) (string, error) {
	var failures error
	divided := words.ReplaceAllStringFunc(expr, func(word string) string {
		switch {
		case durationPattern.MatchString(word):
			text, err := duration(word, factor)
			failures = errors.Join(failures, err)
			return text
		case secondsPattern.MatchString(word):
			seconds, err := strconv.ParseFloat(word, 64)
			failures = errors.Join(failures, err)
			return strconv.FormatFloat(seconds/factor, 'f', -1, 64)
		}
		return word
	})
	return divided, failures
}

// duration divides a Prometheus duration.
func duration(text string, factor float64) (string, error) {
	whole, err := model.ParseDuration(text)
	if err != nil {
		return "", err
	}
	scaled := float64(whole) / factor
	rounded := time.Duration(math.Round(scaled))
	if rounded%time.Millisecond != 0 || math.Abs(scaled-float64(rounded)) > 1e-3 || rounded == 0 && whole != 0 {
		return "", fmt.Errorf("%s divided by %v is no whole number of milliseconds", text, factor)
	}
	return model.Duration(rounded).String(), nil
}
