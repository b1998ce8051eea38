package atlasapi

import (
	"encoding/json"
	"strings"
)

// pieces are values that replace others: what Atlas might send instead, and what it never should.
func pieces() []string {
	return []string{
		"null", "true", "false", "0", "-0", "1", "-1", "1.0", "1e3", "2147483647", "2147483648", "-2147483649", "6000000000",
		"9223372036854775807", "9223372036854775808", "23058430092136939520", "99999999999999999999", "1e999", "00", "-",
		`""`, `" "`, `"` + canary + `"`, `"\ud800"`, "\"\xff\xfe\"", "\"\x01\"", `"true"`, `"5"`, `"next"`, `"6a7953692c88faeba59d5e01"`,
		`"6A7953692C88FAEBA59D5E01"`, `"000000000000000000000000"`, `"2026-08-10T03:28:25Z"`, `"0001-01-01T00:00:00Z"`,
		`"9999-12-31T23:59:59.999999999Z"`, `"10000-01-01T00:00:00Z"`, `"2026-02-30T00:00:00Z"`, `"2026-08-10T03:28:25,5+23:59"`, `"2026-08-10"`,
		"[]", "[null]", "[[]]", "[{}]", `["` + canary + `"]`, `["",null]`, "{}", `{"` + canary + `":1}`, `{"rel":"next"}`, `[{"rel":"next"}]`, "tru", "",
	}
}

// slot is a value of a tree, and its place.
type slot struct {
	parent *node
	index  int
}

func (n *node) slots() []slot {
	var all []slot
	for i, m := range n.members {
		all = append(append(all, slot{n, i}), m.slots()...)
	}
	for i, item := range n.items {
		all = append(append(all, slot{n, i}), item.slots()...)
	}
	return all
}

// verbatim is a value that is written unchanged.
type verbatim string

// vary changes one value of a document: mutations that know nothing of JSON hardly ever change a value and leave the document
// JSON. 0 changes nothing, and neither does any number if the document is not JSON. Any other number has a value to change.
func vary(body []byte, place, piece uint16) []byte {
	tree := parseTree(body)
	if place == 0 || tree == nil {
		return body
	}
	slots := tree.slots()
	if len(slots) == 0 {
		return body
	}
	at := slots[int(place-1)%len(slots)]
	choice := pieces()
	value := &node{value: verbatim(choice[int(piece)%len(choice)])}
	way := int(piece) / len(choice) % 4
	switch n := at.parent; {
	case n.items != nil && way == 0:
		n.items[at.index] = value
	case n.items != nil:
		n.items = append(n.items, value)
	case way == 0:
		n.members[at.index].node = value
	case way == 1: // once more, behind
		n.members = append(n.members, member{n.members[at.index].name, value})
	case way == 2: // once more, before
		n.members = append([]member{{n.members[at.index].name, value}}, n.members...)
	default: // away
		n.members = append(n.members[:at.index:at.index], n.members[at.index+1:]...)
	}
	var b strings.Builder
	tree.write(&b)
	return []byte(b.String())
}

func (n *node) write(b *strings.Builder) {
	switch v := n.value.(type) {
	case verbatim:
		b.WriteString(string(v))
	case isObject:
		b.WriteByte('{')
		for i, m := range n.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(must(json.Marshal(m.name)))
			b.WriteByte(':')
			m.write(b)
		}
		b.WriteByte('}')
	case isArray:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	default:
		b.Write(must(json.Marshal(v)))
	}
}
