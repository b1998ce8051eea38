package faultmatrix

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// itemFaults are answers of the right form with something in them that cannot be, or hardly.
func itemFaults() []fault {
	lies := outcome{lies: true}
	// What the exporter shows no value of may be looked at, or not.
	ignored := upOr(badResponse)
	shown := outcome{lies: true, reasons: []string{badResponse}}
	undated := map[endpoint]outcome{projects: ignored, project: ignored, schedule: shown, pipelines: ignored, buckets: ignored, flexClusters: shown}
	dated := notOf(but(lies, undated), token)
	countless := map[endpoint]outcome{
		token: {up: true}, projects: ignored, project: ignored, clusters: ignored, schedule: shown, pipelines: ignored, restores: ignored,
		buckets: ignored, flexClusters: ignored, flexSnapshots: ignored, flexRestores: ignored, snapshots: shown, collectionRestores: shown,
	}
	return []fault{
		{name: "wrong types", answer: spoiled(wrongType), expect: everywhere(down(badResponse))},
		{name: "items without ids", answer: spoiled(withoutID), expect: everywhere(down(badResponse))},
		{
			name: "ids that are not ObjectIds", answer: spoiled(badID),
			expect: notOf(but(down(badResponse), map[endpoint]outcome{schedule: ignored}), token), // a schedule's ids are of other things
		},
		{name: "dates in the year 0001", answer: spoiled(dates("0001-01-01T00:00:00Z")), expect: dated},
		{name: "dates in the year 9999", answer: spoiled(dates("9999-12-31T23:59:59Z")), expect: dated},
		{
			name: "malformed dates", answer: spoiled(func(x *exchange, d *document) {
				dates(one(x.random, "2026-13-45T99:99:99Z", "yesterday", "", "1786332505", "2026-08-10"))(x, d)
			}),
			expect: notOf(but(down(badResponse), undated), token),
		},
		{
			name: "negative counts", answer: spoiled(counts("-5")), expect: but(lies, countless),
			lasting: func(e endpoint) bool { return e == token },
		},
		{
			name: "huge counts", answer: spoiled(counts("9223372036854775807")),
			expect:  but(outcome{lies: true, reasons: []string{badResponse}}, countless),
			lasting: func(e endpoint) bool { return e == token },
		},
		{
			name: "counts that no integer holds", answer: spoiled(counts("1e300")),
			expect: but(down(badResponse), withOutcome(countless, token, upOr(badResponse))), lasting: func(e endpoint) bool { return e == token },
		},
		{
			name: "an unknown state", answer: spoiled(func(_ *exchange, d *document) {
				replace(d.item(), "state", "Exploding")
				replace(d.item(), "status", "Exploding")
				replace(d.item(), "deliveryType", "pigeon")
			}),
			expect: notOf(but(lies, map[endpoint]outcome{
				projects: ignored, project: ignored, clusters: ignored, schedule: ignored, buckets: ignored, flexClusters: ignored,
			}), token),
		},
		{
			name: "invalid UTF-8 in names", answer: misspelt,
			expect: notOf(but(outcome{renames: true, reasons: []string{badResponse, notFound}}, map[endpoint]outcome{schedule: lies, buckets: ignored}), token),
		},
		{name: "endless next links", answer: endless, expect: ofPages, endless: true},
		{name: "a page that repeats", answer: repeated, expect: func(e endpoint) (outcome, bool) {
			switch e {
			case project, schedule, token:
				return down(badResponse), true // the document twice
			default:
				return ofPages(e)
			}
		}},
		{name: "an empty page with a next link", answer: emptyWithNext, expect: func(e endpoint) (outcome, bool) { return down(badResponse), e.isPaged() }},
	}
}

func withOutcome(outcomes map[endpoint]outcome, e endpoint, o outcome) map[endpoint]outcome {
	changed := map[endpoint]outcome{e: o}
	for other, known := range outcomes {
		if other != e {
			changed[other] = known
		}
	}
	return changed
}

// ofPages is the outcome of a list that does not end. What is no list of pages has nothing to follow.
func ofPages(e endpoint) (outcome, bool) {
	if e.isPaged() {
		return down(badResponse), true
	}
	return upOr(badResponse), true
}

// spoiled changes something in the true answer.
func spoiled(spoil func(*exchange, *document)) func(*exchange) {
	return func(x *exchange) {
		status, header, body := x.genuine()
		if d, err := parse(body, x.random); err == nil {
			spoil(x, d)
			body = encoded(d.whole)
		}
		x.send(status, header.Get("Content-Type"), body)
	}
}

// wrongType gives a member a type that it cannot have.
func wrongType(x *exchange, d *document) {
	if x.endpoint.isPaged() && x.random.IntN(3) == 0 {
		d.whole.(map[string]any)["results"] = one[any](x.random, "none", 0, map[string]any{}, []int{1}, []any{nil})
		return
	}
	one(x.random, x.endpoint.resource().wrong...)(d.item())
}

func member(name string, value any) func(map[string]any) {
	return func(item map[string]any) { item[name] = value }
}

// withoutID takes away what nothing can do without.
func withoutID(x *exchange, d *document) {
	r := x.endpoint.resource()
	delete(d.item(), cmp.Or(r.without, r.id))
}

func badID(x *exchange, d *document) {
	bad := one[any](x.random, "not-an-id", "", 7, nil, strings.Repeat("0", 24), strings.Repeat("A", 24), strings.Repeat("a", 23), strings.Repeat("a", 25))
	if x.endpoint == schedule {
		replace(d.whole, "clusterId", bad)
		replace(d.whole, "id", bad)
		return
	}
	d.item()[x.endpoint.resource().id] = bad
}

// dates gives one item's dates another value.
func dates(value string) func(*exchange, *document) {
	return func(_ *exchange, d *document) {
		item := d.item()
		for _, name := range []string{
			"created", "createdAt", "createDate", "createdDate", "finishedAt", "expiresAt", "lastUpdatedDate", "scheduledDeletionDate", "nextSnapshot",
			"scheduledTime", "startTime", "finishTime", "expiration", "restoreScheduledDate", "restoreFinishedDate",
		} {
			replace(item, name, value)
		}
		if _, isRestore := item["deliveryType"]; isRestore {
			item["finishedAt"] = value // of all jobs, for one that runs has none
		}
	}
}

// counts gives every number of one item, and the total, another value.
func counts(value json.Number) func(*exchange, *document) {
	return func(_ *exchange, d *document) {
		numbers(d.item(), value)
		if o, ok := d.whole.(map[string]any); ok && o["results"] != nil {
			o["totalCount"] = value
		}
	}
}

// doubled writes every member twice.
func doubled(x *exchange) {
	status, header, body := x.genuine()
	if d, err := parse(body, x.random); err == nil {
		body = appendDoubled(nil, d.whole)
	}
	x.send(status, header.Get("Content-Type"), body)
}

// misspelt puts a byte that is no UTF-8 into a name, or into another text that becomes a label.
func misspelt(x *exchange) {
	name := x.endpoint.resource().text
	status, header, body := x.genuine()
	body = bytes.Replace(body, []byte(`"`+name+`":"`), []byte(`"`+name+`":"`+"\xff\xc3"), 1)
	x.send(status, header.Get("Content-Type"), body)
}

// next is a link to a page that is not Atlas's.
func (x *exchange) next() []any {
	return []any{map[string]any{"rel": "next", "href": x.elsewhere + x.r.URL.RequestURI()}}
}

// endless has each page hold something new and name a next one.
func endless(x *exchange) {
	x.w.Header().Set("Link", "<"+x.elsewhere+x.r.URL.RequestURI()+`>; rel="next"`)
	spoiled(func(x *exchange, d *document) {
		whole, ok := d.whole.(map[string]any)
		if !ok {
			return
		}
		whole["links"] = x.next()
		number, _ := strconv.Atoi(x.r.URL.Query().Get("pageNum"))
		if !x.endpoint.isPaged() || number < 2 {
			return
		}
		whole["results"] = []any{map[string]any{
			x.endpoint.resource().id: fmt.Sprintf("%08x%016x", 0x6a000000, number), "name": "page-" + strconv.Itoa(number),
		}}
	})(x)
}

// repeated answers the first page, whatever page is asked for, and names a next one. Where there are no pages, what there
// is comes twice.
func repeated(x *exchange) {
	if x.endpoint.isPaged() {
		query := x.r.URL.Query()
		query.Set("pageNum", "1")
		r := x.r.Clone(x.r.Context())
		r.URL.RawQuery = query.Encode()
		x.r = r
		spoiled(func(x *exchange, d *document) { member("links", x.next())(d.whole.(map[string]any)) })(x)
		return
	}
	status, header, body := x.genuine()
	if x.endpoint == pipelines {
		body = append(bytes.TrimSuffix(bytes.Clone(body), []byte("]")), append([]byte(","), body[1:]...)...)
	} else {
		body = append(body, body...)
	}
	x.send(status, header.Get("Content-Type"), body)
}

// emptyWithNext answers a page that holds nothing and names a next one.
func emptyWithNext(x *exchange) {
	x.send(http.StatusOK, jsonType, encoded(map[string]any{"results": []any{}, "links": x.next()}))
}
