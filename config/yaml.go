package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// Error is a fault in a configuration file, with its place and what to do about it.
type Error struct {
	Line int
	Key  string // the path of the key, such as "atlas.base_url"
	Err  error
}

// Error returns the line, the key and the fault.
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d: %s: %v", e.Line, e.Key, e.Err)
}

// Unwrap returns the fault.
func (e *Error) Unwrap() error { return e.Err }

// Errors are the faults in a configuration file, by line.
type Errors []*Error

// Error lists the faults.
func (e Errors) Error() string {
	texts := make([]string, 0, len(e))
	for _, fault := range e {
		texts = append(texts, fault.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the faults.
func (e Errors) Unwrap() []error {
	faults := make([]error, 0, len(e))
	for _, fault := range e {
		faults = append(faults, fault)
	}
	return faults
}

// orNil returns the faults by line as an error, nil if there are none.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	return e
}

// at adds a place to an error, as readers of nested keys return. An error without a place gets the line of the node and
// the key. Errors that have a place keep their line, and the key is put before their keys, so that the path of a key is
// built from the inside out: "id", then "[0].id", then "projects[0].id".
//
// It changes the Errors that it is given, which have no other user yet.
func at(n *yaml.Node, key string, err error) Errors {
	if err == nil {
		return nil
	}
	faults, located := errors.AsType[Errors](err)
	if !located {
		return Errors{{Line: n.Line, Key: key, Err: err}}
	}
	for _, fault := range faults {
		if key != "" && fault.Key != "" && fault.Key[0] != '[' {
			fault.Key = "." + fault.Key
		}
		fault.Key = key + fault.Key
	}
	return faults
}

// keys maps each key of a mapping to the function that reads its value.
type keys map[string]func(*yaml.Node) error

// read reads a mapping. An unknown or duplicate key is an error; null is an empty mapping.
func (k keys) read(n *yaml.Node) error {
	if n = resolve(n); isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return at(n, "", fmt.Errorf("a mapping with the keys %s is expected here", strings.Join(k.names(), ", ")))
	}
	var faults Errors
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := resolve(key).Value
		known := k[name]
		switch {
		case known == nil:
			faults = append(faults, at(key, shownKey(name), errors.New("unknown key: "+k.hint(name)))...)
		case seen[name]:
			faults = append(faults, at(key, name, errors.New("duplicate key: keep one"))...)
		default:
			seen[name] = true
			faults = append(faults, at(value, name, known(value))...)
		}
	}
	return faults.orNil()
}

func (k keys) names() []string {
	names := make([]string, 0, len(k))
	for name := range k {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// shownKey returns a key for a message. If the user forgot a colon, the key may contain a secret, which is hidden.
func shownKey(name string) string {
	odd := func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' }
	if len(name) > 40 || strings.Contains(name, "mdb_sa_sk") || strings.ContainsFunc(name, odd) {
		return ""
	}
	return name
}

// hint lists the known keys, after the one that the user probably meant.
func (k keys) hint(unknown string) string {
	names := k.names()
	all := strings.Join(names, ", ")
	if meant := nearest(unknown, names); meant != "" {
		return fmt.Sprintf("did you mean %s? Known here are %s", meant, all)
	}
	return "known here are " + all
}

// nearest returns the name that a misspelled one probably means, "" if no name or more than one is near.
func nearest(misspelled string, names []string) string {
	plain := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(misspelled))
	best, distance, containing := "", 1+len(plain)/4, []string{}
	for _, name := range names {
		switch d := editDistance(plain, name); {
		case d < distance:
			best, distance = name, d
		case d == distance:
			best = ""
		}
		if len(plain) > 3 && strings.Contains(name, plain) {
			containing = append(containing, name)
		}
	}
	if best == "" && len(containing) == 1 {
		return containing[0]
	}
	return best
}

// editDistance returns how many characters of a have to be inserted, deleted, replaced or swapped with their neighbor
// to get b.
func editDistance(a, b string) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range current {
		current[j] = j
	}
	for i := range len(a) {
		before, previous, current = previous, current, before
		current[0] = i + 1
		for j := range len(b) {
			replaced := previous[j]
			if a[i] != b[j] {
				replaced++
			}
			current[j+1] = min(replaced, previous[j+1]+1, current[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				current[j+1] = min(current[j+1], before[j-1]+1)
			}
		}
	}
	return current[len(b)]
}

// list reads a sequence, entry by entry; null is an empty one.
func list(n *yaml.Node, read func(*yaml.Node) error) error {
	if n = resolve(n); isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return errors.New("a list is expected here")
	}
	var faults Errors
	for i, entry := range n.Content {
		faults = append(faults, at(entry, fmt.Sprintf("[%d]", i), read(entry))...)
	}
	return faults.orNil()
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

var errEmpty = errors.New("an empty value: write one, or leave the key out")

func text[S ~string](into *S) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		if err == nil && strings.TrimSpace(s) == "" {
			err = errEmpty
		}
		*into = S(strings.TrimSpace(s))
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

// almostDuration matches mistakes such as 30, 1 hour or 20m30. Other values are not quoted, because a secret in the wrong
// place may be among them.
var almostDuration = regexp.MustCompile(`^[0-9]{1,6}( ?[A-Za-z]{1,7}( ?[0-9]{1,6} ?[a-z]{0,7})?)?$`)

func duration(into *time.Duration, least, most time.Duration) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		if err != nil {
			return err
		}
		d, err := model.ParseDuration(s)
		switch {
		case err != nil && almostDuration.MatchString(s):
			return fmt.Errorf("`%s` is no duration: write it with a unit, like 30s, 10m, 24h or 7d", s)
		case err != nil:
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
		if s == "" {
			return errors.New("an empty pattern matches no name: write one, or leave it out")
		}
		*into, err = NewPattern(s)
		if fault, ok := errors.AsType[*syntax.Error](err); ok {
			return fmt.Errorf("%q is not a regular expression in RE2 syntax: %s", s, fault.Code)
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
