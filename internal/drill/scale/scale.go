// Package scale divides every time in a file of Prometheus rules by one factor, so that a day passes in minutes.
//
// It relies on the format of times in the shipped rules: a range, an offset, an interval, a for or a keep_firing_for is a
// Prometheus duration, and inside an expression every plain integer of four digits or more is a number of seconds. The rules
// contain no other times.
package scale

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// Rules returns the rules with every time divided by factor, which must be positive. It returns an error with the line
// number if a result is not a whole number of milliseconds, the resolution of Prometheus.
func Rules(rules []byte, factor float64) ([]byte, error) {
	if !(factor > 0) || math.IsInf(factor, 0) {
		return nil, fmt.Errorf("factor %v is not above 0", factor)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(rules, &document); err != nil {
		return nil, fmt.Errorf("rules are not YAML: %w", err)
	}
	if err := divide(&document, factor); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&document), encoder.Close()); err != nil {
		return nil, fmt.Errorf("scaled rules: %w", err)
	}
	return out.Bytes(), nil
}

// divide divides the times in a node and its children.
func divide(n *yaml.Node, factor float64) error {
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			if err := divide(child, factor); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		var err error
		switch key.Value {
		case "for", "keep_firing_for", "interval", "query_offset":
			value.Value, err = duration(value.Value, factor)
		case "expr":
			value.Value, err = Expr(value.Value, factor)
		default:
			err = divide(value, factor)
			if err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
		}
	}
	return nil
}

// words matches the tokens of an expression: a comment, a string, a name, a duration or number, or any other character.
// Names come before numbers, because they may contain digits.
var words = regexp.MustCompile(`(?s)#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|` + "`[^`]*`" +
	`|[a-zA-Z_][a-zA-Z0-9_:]*|[0-9][0-9a-zA-Z_.]*|.`)

var (
	durationPattern = regexp.MustCompile(`^(?:[0-9]+(?:ms|[smhdwy]))+$`)
	secondsPattern  = regexp.MustCompile(`^[0-9]{4,}$`)
)

// Expr returns a PromQL expression with every time divided by factor: durations, and plain integers of four digits or more.
func Expr(expr string, factor float64) (string, error) {
	var out strings.Builder
	for _, word := range words.FindAllString(expr, -1) {
		switch {
		case durationPattern.MatchString(word):
			scaled, err := duration(word, factor)
			if err != nil {
				return "", err
			}
			out.WriteString(scaled)
		case secondsPattern.MatchString(word):
			seconds, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return "", err
			}
			out.WriteString(strconv.FormatFloat(seconds/factor, 'f', -1, 64))
		default:
			out.WriteString(word)
		}
	}
	return out.String(), nil
}

// duration divides a Prometheus duration. With factor 1, it returns the text unchanged.
func duration(text string, factor float64) (string, error) {
	if factor == 1 {
		return text, nil
	}
	whole, err := Duration(text)
	if err != nil {
		return "", err
	}
	scaled := float64(whole) / factor
	rounded := time.Duration(math.Round(scaled))
	if rounded%time.Millisecond != 0 || math.Abs(scaled-float64(rounded)) > 1e-3 || rounded == 0 && whole != 0 {
		return "", fmt.Errorf("%s divided by %v is no whole number of milliseconds", text, factor)
	}
	return Text(rounded), nil
}

// Duration parses a Prometheus duration, such as 1h30m or 2d.
func Duration(text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	return time.Duration(d), err
}

// Text formats a duration of whole milliseconds as a Prometheus duration.
func Text(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(int64(d/time.Millisecond), 10) + "ms"
}
