package atlasapi

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// node is a JSON value as the standard library reads it. Members are kept in order, including duplicates, and their names are
// case-sensitive, unlike those of the standard library's structs.
type node struct {
	value   any // string, json.Number, bool, nil, or one of the two below
	members []member
	items   []*node
}

type member struct {
	name string
	*node
}

type (
	isObject struct{}
	isArray  struct{}
)

// parseTree returns a document as a tree, or nil if it is not JSON.
func parseTree(body []byte) *node {
	if !json.Valid(body) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return parseNode(d, must(d.Token()))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func parseNode(d *json.Decoder, token json.Token) *node {
	switch token {
	case json.Delim('{'):
		n := &node{value: isObject{}}
		for d.More() {
			name, _ := must(d.Token()).(string)
			n.members = append(n.members, member{name, parseNode(d, must(d.Token()))})
		}
		must(d.Token())
		return n
	case json.Delim('['):
		n := &node{value: isArray{}}
		for d.More() {
			n.items = append(n.items, parseNode(d, must(d.Token())))
		}
		must(d.Token())
		return n
	}
	return &node{value: token}
}

var errReference = errors.New("refused")

// reread reads a tree by the rules of the API, which are implemented a second time here: what may be null, the format of
// values, and which of several members of one name counts. refuse ends the reading.
type reread struct{ strictDate *regexp.Regexp }

func newReread() reread {
	return reread{regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$`)}
}

func (reread) refuse() { panic(errReference) }

// object requires an object.
func (r reread) object(n *node) *node {
	if n.value != (isObject{}) {
		r.refuse()
	}
	return n
}

// all returns the members of one name that are not null.
func (reread) all(n *node, name string) []*node {
	var found []*node
	for _, m := range n.members {
		if m.name == name && m.value != nil {
			found = append(found, m.node)
		}
	}
	return found
}

// last checks every member of one name, and returns the last of them. ok is false if there is none.
func last[T any](r reread, n *node, name string, judge func(*node) T) (v T, ok bool) {
	for _, m := range r.all(n, name) {
		v, ok = judge(m), true
	}
	return v, ok
}

func optionally[T any](r reread, n *node, name string, judge func(*node) T) Optional[T] {
	v, ok := last(r, n, name, judge)
	return Optional[T]{v, ok}
}

func (r reread) string(n *node) string {
	s, ok := n.value.(string)
	if !ok {
		r.refuse()
	}
	return s
}

func (r reread) text(n *node, name string) string {
	s, _ := last(r, n, name, r.string)
	return s
}

func (r reread) bool(n *node) bool {
	b, ok := n.value.(bool)
	if !ok {
		r.refuse()
	}
	return b
}

func (r reread) flag(n *node, name string) bool {
	b, _ := last(r, n, name, r.bool)
	return b
}

// whole requires an integer of this many bits, written without a fraction and an exponent.
func (r reread) whole(bits uint) func(*node) int64 {
	return func(n *node) int64 {
		number, ok := n.value.(json.Number)
		v, isWhole := new(big.Int).SetString(number.String(), 10)
		if !ok || !isWhole {
			r.refuse()
		}
		limit := new(big.Int).Lsh(big.NewInt(1), bits-1)
		if v.Cmp(limit) >= 0 || v.Cmp(limit.Neg(limit)) < 0 {
			r.refuse()
		}
		return v.Int64()
	}
}

func (r reread) number(n *node, name string) Optional[int64] {
	return optionally(r, n, name, r.whole(64))
}

func (r reread) small(n *node, name string) Optional[int32] {
	return optionally(r, n, name, func(n *node) int32 { return int32(r.whole(32)(n)) })
}

// date requires a date. A date in strict RFC 3339 is parsed here; for any other, the standard library decides.
func (r reread) date(n *node, name string) time.Time {
	at, _ := last(r, n, name, func(n *node) time.Time {
		s := r.string(n)
		at, err := time.Parse(time.RFC3339, s)
		if err != nil && len(s) > 19 && s[17:19] == "60" { // a leap second is the next second
			at, err = time.Parse(time.RFC3339, s[:17]+"59"+s[19:])
			at = at.Add(time.Second)
		}
		if err != nil {
			r.refuse()
		}
		if p := r.strictDate.FindStringSubmatch(s); p != nil {
			number := func(i int) int { return must(strconv.Atoi(cmp.Or(p[i], "0"))) }
			fraction := must(strconv.Atoi((p[7] + "000000000")[:9]))
			east := 60 * (60*number(9) + number(10))
			if p[8] == "-" {
				east = -east
			}
			pieced := time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6)-east, fraction, time.UTC)
			if !pieced.Equal(at) {
				panic(fmt.Sprintf("%q is %s to the standard library, and not %s", s, at, pieced))
			}
		}
		return at
	})
	return at
}

// reference reads the id of something else, which may be any string.
func (r reread) reference(n *node, name string) ObjectID {
	id, _ := last(r, n, name, func(n *node) ObjectID { return hexadecimal(r.string(n)) })
	return id
}

// id requires at least one id, and that each is valid.
func (r reread) id(n *node, name string) ObjectID {
	id, _ := last(r, n, name, func(n *node) ObjectID {
		s := r.string(n)
		id := hexadecimal(s)
		if id == (ObjectID{}) && s != strings.Repeat("0", 24) {
			r.refuse()
		}
		return id
	})
	if id == (ObjectID{}) {
		r.refuse()
	}
	return id
}

func hexadecimal(s string) ObjectID {
	if len(s) != 24 || strings.Trim(s, "0123456789abcdef") != "" {
		return ObjectID{}
	}
	return ObjectID(must(hex.DecodeString(s)))
}

// merged returns the members of all objects of one name.
func (r reread) merged(n *node, name string) *node {
	all := &node{value: isObject{}}
	for _, m := range r.all(n, name) {
		all.members = append(all.members, r.object(m).members...)
	}
	return all
}

// elements reads the elements of an array.
func elements[T any](r reread, read func(*node) T) func(*node) []T {
	return func(n *node) []T {
		if n.value != (isArray{}) {
			r.refuse()
		}
		var all []T
		for _, item := range n.items {
			all = append(all, read(item))
		}
		return all
	}
}

func listAgain[T any](r reread, n *node, name string, read func(*node) T) []T {
	all, _ := last(r, n, name, elements(r, read))
	return all
}

// anyOf reports whether read returns true for an element of an array of that name, and reads all of them.
func (r reread) anyOf(n *node, name string, read func(*node) bool) bool {
	found := false
	for _, m := range r.all(n, name) {
		found = slices.Contains(elements(r, read)(m), true) || found
	}
	return found
}

// pageAgain reads a page of a list.
func pageAgain[T any](read func(reread, *node) T) func(reread, *node) Page[T] {
	return func(r reread, n *node) Page[T] {
		p := Page[T]{Number: 1}
		results := false
		for _, m := range r.object(n).members {
			switch m.name {
			case "results":
				results = m.value != nil
			case "links":
				p.More = false
				if m.value != nil {
					for _, rel := range elements(r, func(n *node) string { return r.text(r.object(n), "rel") })(m.node) {
						p.More = p.More || rel == "next"
					}
				}
			}
		}
		p.Items = listAgain(r, n, "results", func(n *node) T { return read(r, r.object(n)) })
		if !results || len(p.Items) == 0 && p.More {
			r.refuse()
		}
		return p
	}
}

// by reads a body a second time. ok is false if it must be rejected.
func by[T any](r reread, read func(reread, *node) T, body []byte) (v T, ok bool) {
	tree := parseTree(body)
	if tree == nil {
		return v, false
	}
	defer func() {
		if refused := recover(); refused != nil && refused != errReference { //nolint:errorlint // the panic has this very value
			panic(refused)
		}
	}()
	v = read(r, tree)
	return v, true
}

// plain makes two readings comparable: a run of invalid UTF-8 is one replacement character or several, a date may have any
// zone, and an empty list may be nil.
func plain[T any](v T) T {
	simplify(reflect.ValueOf(&v).Elem())
	return v
}

func simplify(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		for strings.Contains(s, "\uFFFD\uFFFD") {
			s = strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD")
		}
		v.SetString(s)
	case reflect.Struct:
		if at, ok := reflect.TypeAssert[time.Time](v); ok {
			v.Set(reflect.ValueOf(at.UTC()))
			return
		}
		for _, field := range v.Fields() {
			simplify(field)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
		for i := range v.Len() {
			simplify(v.Index(i))
		}
	default:
	}
}
