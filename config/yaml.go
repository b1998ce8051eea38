package config

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// Error is a fault in a configuration file: where it is, and what to do about it.
type Error struct {
	Line int
	Key  string // the path of the key, such as "atlas.base_url"
	Err  error
}

// Error says the line, the key and the fault.
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d: %s: %v", e.Line, e.Key, e.Err)
}

// Unwrap returns the fault.
func (e *Error) Unwrap() error { return e.Err }

// at puts a place on an error that has none, and a key before the key of one that has.
func at(n *yaml.Node, key string, err error) error {
	var placed *Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &placed):
		return &Error{Line: n.Line, Key: key, Err: err}
	case placed.Key != "" && placed.Key[0] != '[':
		placed.Key = "." + placed.Key
	}
	placed.Key = key + placed.Key
	return placed
}

// keys says how each key of a mapping is read.
type keys map[string]func(*yaml.Node) error

// read reads a mapping. A key that is not among them, or stands twice, is an error; null is an empty mapping.
func (k keys) read(n *yaml.Node) error {
	if n = resolve(n); isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return at(n, "", fmt.Errorf("a mapping with the keys %s is expected here", strings.Join(k.names(), ", ")))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := resolve(key).Value
		known := k[name]
		switch {
		case known == nil:
			return at(key, shownKey(name), errors.New("unknown key: "+k.hint(name)))
		case seen[name]:
			return at(key, name, errors.New("this key stands twice"))
		}
		seen[name] = true
		if err := known(value); err != nil {
			return at(value, name, err)
		}
	}
	return nil
}

func (k keys) names() []string {
	names := make([]string, 0, len(k))
	for name := range k {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// shownKey returns a key as it may be shown: where a colon was forgotten, what is taken for a key may hold a secret.
func shownKey(name string) string {
	if len(name) > 40 || strings.Contains(name, "mdb_sa_sk") || strings.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' }) {
		return ""
	}
	return name
}

// hint names the known keys, since the one that was meant is among them.
func (k keys) hint(unknown string) string {
	for _, name := range k.names() {
		if strings.EqualFold(strings.ReplaceAll(unknown, "-", "_"), name) {
			return "did you mean " + name + "?"
		}
	}
	return "known here are " + strings.Join(k.names(), ", ")
}

// list reads a sequence, entry by entry; null is an empty one.
func list(n *yaml.Node, read func(*yaml.Node) error) error {
	if n = resolve(n); isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return errors.New("a list is expected here")
	}
	for i, entry := range n.Content {
		if err := read(entry); err != nil {
			return at(entry, fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

func scalar(n *yaml.Node) (string, error) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || isNull(n) {
		return "", errors.New("a value is expected here")
	}
	return n.Value, nil
}

func text[S ~string](into *S) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		if err == nil && strings.TrimSpace(s) == "" {
			err = errors.New("an empty value: write one, or leave the key out")
		}
		*into = S(s)
		return err
	}
}

func boolean(into *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n = resolve(n); n.Tag != "!!bool" || n.Decode(into) != nil {
			return errors.New("true or false is expected here")
		}
		return nil
	}
}

func integer(into *int, least, most int) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n = resolve(n); n.Tag != "!!int" || n.Decode(into) != nil || *into < least || *into > most {
			return fmt.Errorf("a whole number from %d to %d is expected here", least, most)
		}
		return nil
	}
}

func duration(into *time.Duration, least, most time.Duration) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		if err != nil {
			return err
		}
		d, err := model.ParseDuration(s)
		if err != nil {
			return errors.New("a duration is expected here, such as 30s, 10m, 24h or 7d")
		}
		*into = time.Duration(d)
		if *into < least || most > 0 && *into > most {
			if most > 0 {
				return fmt.Errorf("a duration from %s to %s is expected here", model.Duration(least), model.Duration(most))
			}
			return fmt.Errorf("a duration of at least %s is expected here", model.Duration(least))
		}
		return nil
	}
}

func pattern(into *Pattern) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		if err != nil {
			return err
		}
		*into, err = NewPattern(s)
		if fault, ok := errors.AsType[*syntax.Error](err); ok {
			return fmt.Errorf("%q is no regular expression in RE2 syntax: %s", s, fault.Code)
		}
		return err
	}
}

func filter(into *Filter) func(*yaml.Node) error {
	patterns := func(into *[]Pattern) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			return list(n, func(entry *yaml.Node) error {
				*into = append(*into, Pattern{})
				return pattern(&(*into)[len(*into)-1])(entry)
			})
		}
	}
	return keys{"include": patterns(&into.Include), "exclude": patterns(&into.Exclude)}.read
}
