package faultmatrix

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
)

// document is the true answer as JSON, to be spoiled. Numbers keep their spelling.
type document struct {
	whole any
	// items are what a list lists, or the one thing that the answer is about.
	items  []map[string]any
	random *rand.Rand
}

func parse(body []byte, random *rand.Rand) (*document, error) {
	d := &document{random: random}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&d.whole); err != nil {
		return nil, err
	}
	list, _ := d.whole.([]any)
	if o, ok := d.whole.(map[string]any); ok {
		var isPage bool
		if list, isPage = o["results"].([]any); !isPage {
			d.items = []map[string]any{o}
		}
	}
	for _, item := range list {
		if o, ok := item.(map[string]any); ok {
			d.items = append(d.items, o)
		}
	}
	return d, nil
}

// item is one of the items, any one.
func (d *document) item() map[string]any {
	if len(d.items) == 0 {
		return map[string]any{}
	}
	return d.items[d.random.IntN(len(d.items))]
}

// one chooses one of several.
func one[T any](random *rand.Rand, choices ...T) T { return choices[random.IntN(len(choices))] }

// with replaces the members of this name wherever the item has them.
func replace(value any, name string, with any) {
	switch v := value.(type) {
	case map[string]any:
		for member := range v {
			if member == name {
				v[member] = with
			} else {
				replace(v[member], name, with)
			}
		}
	case []any:
		for _, element := range v {
			replace(element, name, with)
		}
	}
}

// numbers replaces every number in a value.
func numbers(value any, with json.Number) any {
	switch v := value.(type) {
	case json.Number:
		return with
	case map[string]any:
		for member := range v {
			v[member] = numbers(v[member], with)
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i], with)
		}
	}
	return value
}

// appendDoubled writes a value with every member of every object twice.
func appendDoubled(b []byte, value any) []byte {
	switch v := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			for twice := range 2 {
				if i+twice > 0 {
					b = append(b, ',')
				}
				b = append(append(b, encoded(name)...), ':')
				b = appendDoubled(b, v[name])
			}
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendDoubled(b, v[i])
		}
		return append(b, ']')
	}
	return append(b, encoded(value)...)
}

// encoded writes what was read as JSON as JSON again, which cannot fail.
func encoded(value any) []byte {
	raw, _ := json.Marshal(value)
	return raw
}
