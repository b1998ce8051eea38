package atlasapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-faster/jx"
)

// TestMemberName checks which names of members an error repeats.
func TestMemberName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "z", "A", "Z", "_id", strings.Repeat("a", 40)} {
		if got := memberName([]byte(name)); got != name {
			t.Errorf("%q is shown as %q", name, got)
		}
	}
	for _, name := range []string{"@", "[", "`", "{", "a b", "a1", strings.Repeat("a", 41)} {
		if got := memberName([]byte(name)); got != "a member" {
			t.Errorf("%q is shown as %q", name, got)
		}
	}
}

// TestErrorCode checks what has the format of a code.
func TestErrorCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "A", "Z", "a", "z", "0", "9", "_-.", strings.Repeat("A", 100)} {
		if got := errorCode(code); got != code {
			t.Errorf("%q becomes %q", code, got)
		}
	}
	for _, text := range []string{"@", "[", "`", "{", "/", ":", "a b", strings.Repeat("A", 101)} {
		if got := errorCode(text); got != "" {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestWithoutDepth checks how deep a path an error may name.
func TestWithoutDepth(t *testing.T) {
	t.Parallel()
	cause := errors.New("no JSON")
	for levels, want := range map[int]bool{0: true, 50: true, 51: false} {
		err := cause
		for range levels {
			err = fmt.Errorf("level: %w", err)
		}
		if got := withoutDepth(err); (got.Error() == err.Error()) != want || !errors.Is(got, cause) {
			t.Errorf("%d levels: %.100s", levels, got)
		}
	}
}

func TestMismatch(t *testing.T) {
	t.Parallel()
	for got, want := range map[jx.Type]string{jx.Invalid: "not JSON", jx.Null: "a string expected, got null"} {
		if err := mismatch("a string", got); err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestIsToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"!~": true, "": false, "a b": false, "\x7f": false, "é": false} {
		if isToken(text) != want {
			t.Errorf("%q is a token: %t", text, !want)
		}
	}
}

// TestRedirectTarget checks that an error names the host of a redirect, and nothing else.
func TestRedirectTarget(t *testing.T) {
	t.Parallel()
	const redirect = "a redirect, which is not followed, to elsewhere.example"
	for status, want := range map[int]string{300: redirect, 302: redirect, 399: redirect, 400: "", 404: ""} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			c := clientOn(t, Options{}, func(*http.Request) *http.Response {
				return answering(status, http.Header{"Location": {"https://elsewhere.example/path"}}, nil)
			})
			_, err := c.Projects().Page(t.Context(), 1, MaxPageSize)
			failure, ok := errors.AsType[*Error](err)
			if !ok || failure.Detail != want {
				t.Error(err)
			}
		})
	}
}

// TestRankOfLines checks that trusted lines come first, except for one turn of each other state.
func TestRankOfLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit    int
		state    lineState
		inFlight int // of its state
		want     int
	}{
		{8, lineTrusted, 0, 0},
		{8, lineTrusted, 1, 0},
		{8, lineDoubted, 0, -1},
		{8, lineDoubted, 1, 1},
		{2, lineDoubted, 0, -1},
		{1, lineDoubted, 0, 1},
		{8, lineHangs, 0, -2},
		{8, lineHangs, 1, 2},
		{4, lineHangs, 0, -2},
		{3, lineHangs, 0, 2},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			turns := newTurns(test.limit)
			turns.inFlight[test.state] = test.inFlight
			if got := turns.rank(test.state); got != test.want {
				t.Errorf("got %d", got)
			}
		})
	}
}

// TestMayGo checks how many turns, of 8, lines get that do not answer.
func TestMayGo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		state               lineState
		own, doubted, hangs int // in flight
		want                bool
	}{
		{lineTrusted, 5, 4, 2, true},
		{lineHangs, 0, 4, 1, true},
		{lineHangs, 0, 0, 2, false},
		{lineHangs, 1, 0, 1, false},
		{lineDoubted, 0, 3, 0, true},
		{lineDoubted, 0, 4, 0, false},
		{lineDoubted, 0, 2, 1, true},
		{lineDoubted, 0, 2, 2, false},
		{lineDoubted, 1, 1, 0, false},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			turns := newTurns(8)
			turns.inFlight[lineDoubted], turns.inFlight[lineHangs] = test.doubted, test.hangs
			if got := turns.mayGo(&turn{line: &line{state: test.state, inFlight: test.own}}); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestNextTurn checks which line is next: that of the project with the fewest requests, of lines that are not suspected, and
// of those the first.
func TestNextTurn(t *testing.T) {
	t.Parallel()
	waiting := func(project string, l line) *turn { return &turn{key: lineKey{"list", project}, line: &l} }
	trusted, suspected, hangs := line{}, line{suspected: true}, line{state: lineHangs, inFlight: 1}
	for name, test := range map[string]struct {
		waiting []*turn
		want    int
	}{
		"nobody":               {nil, -1},
		"one that may not go":  {[]*turn{waiting("a", hangs)}, -1},
		"the first of equals":  {[]*turn{waiting("a", trusted), waiting("a", trusted), waiting("a", trusted)}, 0},
		"fewest in flight":     {[]*turn{waiting("busy", trusted), waiting("a", trusted), waiting("busy", trusted)}, 1},
		"the last of all":      {[]*turn{waiting("busy", trusted), waiting("busy", trusted), waiting("a", trusted)}, 2},
		"suspected goes later": {[]*turn{waiting("a", suspected), waiting("busy", trusted)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			turns := newTurns(8)
			turns.projects["busy"] = 1
			turns.waiting = test.waiting
			if got := turns.next(); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// TestLinesOfAProject checks how a line that hangs affects the others of its project, and that it is removed with the project.
func TestLinesOfAProject(t *testing.T) {
	t.Parallel()
	turns := newTurns(8)
	turns.lineOf(lineKey{"list", "answers"})
	hung := turns.lineOf(lineKey{"list", "hangs"})
	hung.state = lineHangs
	if got := turns.lineOf(lineKey{"get", "answers"}).state; got != lineTrusted {
		t.Errorf("a line of a project that answers is in the state %d", got)
	}
	if got := turns.lineOf(lineKey{"get", "hangs"}).state; got != lineDoubted {
		t.Errorf("a line of a project that hangs is in the state %d", got)
	}
	for _, own := range []*turn{{line: hung}, {line: &line{}}} {
		turns.waiting = []*turn{own}
		if left := turns.leave(own, false); left != (own.line == hung) || (len(turns.waiting) == 0) != left {
			t.Errorf("a request of a line in the state %d gives up because it waited too long: %t", own.line.state, left)
		}
		turns.leave(own, true)
		if len(turns.waiting) != 0 {
			t.Error("a request whose context ended still waits")
		}
	}
	turns.forget("hangs")
	for key := range turns.lines {
		if key.groupID != "answers" {
			t.Errorf("a line of a removed project is kept: %+v", key)
		}
	}
	if got := len(turns.lines); got != 2 {
		t.Errorf("%d lines are kept after one of two projects was removed", got)
	}
}

// TestFirstHangDoubts checks that the first request of a line that hangs makes others doubted and suspected, and no later one
// does.
func TestFirstHangDoubts(t *testing.T) {
	t.Parallel()
	turns := newTurns(8)
	sibling, elsewhere := turns.lineOf(lineKey{"get", "hangs"}), turns.lineOf(lineKey{"list", "answers"})
	for hang, want := range []bool{true, false} {
		sibling.state, elsewhere.suspected = lineTrusted, false
		own, err := turns.take(t.Context(), lineKey{"list", "hangs"})
		if err != nil {
			t.Fatal(err)
		}
		turns.done(own, outcomeHung)
		if doubted := sibling.state == lineDoubted; doubted != want || elsewhere.suspected != want {
			t.Errorf("hang %d: the project is doubted: %t, the endpoint suspected: %t, want %t", hang+1, doubted, elsewhere.suspected, want)
		}
	}
}

// TestContinues checks what proves that a page continues where the last one ended.
func TestContinues(t *testing.T) {
	t.Parallel()
	id := func(n byte) ObjectID { return ObjectID{11: n} }
	l := clientOn(t, Options{}, nil).Projects()
	before := []ObjectID{id(1), id(2), id(3)}
	for _, test := range []struct {
		items   []byte
		overlap int
		want    bool
	}{
		{[]byte{1, 2, 3, 4}, 3, true},
		{[]byte{2, 3, 4}, 2, true},
		{[]byte{3, 4}, 2, true},
		{[]byte{1, 2, 3, 4}, 2, false},
		{[]byte{4, 5}, 2, false},
		{[]byte{2, 4}, 2, false},
		{[]byte{3, 1}, 2, false},
		{nil, 2, false},
	} {
		t.Run(fmt.Sprintf("%v overlapping by %d", test.items, test.overlap), func(t *testing.T) {
			var items []Project
			for _, n := range test.items {
				items = append(items, Project{ID: id(n)})
			}
			var seen idSet
			for _, known := range before {
				seen.add(known)
			}
			if got := l.continues(items, before, test.overlap, &seen); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestOverlapping checks that the next page begins before the end of the last, by the number of missing items up to a limit,
// and is as large as a page can be.
func TestOverlapping(t *testing.T) {
	t.Parallel()
	for _, items := range []int{500, 998, 1497, 5000} {
		for _, missing := range []int{-1, 0, 1, 125, 126, 400} {
			number, size := overlapping(items, missing)
			begin := items - 1 - max(0, min(missing, 125))
			reach := 0
			for s := 251; s < MaxPageSize; s++ {
				reach = max(reach, (begin/s+1)*s)
			}
			if (number-1)*size > begin || number*size != reach || size >= MaxPageSize {
				t.Errorf("%d items, %d missing: page %d of %d, which should begin at %d and reach %d", items, missing, number, size, begin, reach)
			}
		}
	}
}

// TestEndlessList checks that a list that always names a next page, with a new item on each, ends with an error.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]func(request int) int{
		"rising":  func(request int) int { return request },
		"falling": func(request int) int { return 1<<30 - request },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests, items := 0, 0
				c := clientOn(t, Options{}, func(*http.Request) *http.Response {
					requests++
					body := fmt.Sprintf(`{"results":[{"id":"%024x","name":"p"}],"links":[{"rel":"next","href":"%s"}]}`, id(requests), canary)
					return answering(http.StatusOK, nil, []byte(body))
				})
				var last error
				for page, err := range c.Projects().Pages(t.Context()) {
					items, last = items+len(page.Items), err
				}
				kind, _ := KindOf(last)
				if !errors.Is(last, errTooLong) || kind != KindBadResponse || strings.Contains(last.Error(), canary) ||
					requests != maxPages || items > maxPages {
					t.Errorf("%v after %d requests and %d items", last, requests, items)
				}
			})
		})
	}
}

// TestThrottledIsReported checks that the client reports a wait for the rate limit, and nothing if it did not wait.
func TestThrottledIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &noted{}
		c := clientOn(t, Options{Observer: o}, func(*http.Request) *http.Response {
			return answering(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, []byte(`{"results":[],"links":[]}`))
		})
		read := func() {
			if _, err := c.ExportBuckets("g").Page(t.Context(), 1, MaxPageSize); err != nil {
				t.Fatal(err)
			}
		}
		read()
		read()
		if len(o.throttled) != 0 {
			t.Errorf("reported waits %v, want none", o.throttled)
		}
		// The bucket gets a token a second, and contains a quarter of one.
		for _, b := range c.limits.buckets {
			b.known, b.limit, b.tokens, b.at = true, refillSeconds, 0.25, time.Now()
		}
		read()
		if !slices.Equal(o.throttled, []time.Duration{750 * time.Millisecond}) {
			t.Errorf("reported waits %v, want 750ms", o.throttled)
		}
	})
}

// TestNearlyAnObjectID checks that one wrong digit makes an id invalid, at any place.
func TestNearlyAnObjectID(t *testing.T) {
	t.Parallel()
	for at := range 24 {
		for _, digit := range []string{"g", "/", ":", "`", "A", "\x00"} {
			text := strings.Repeat("0", at) + digit + strings.Repeat("0", 23-at)
			if id, err := ParseObjectID(text); err == nil {
				t.Errorf("%q is read as %s", text, id)
			}
		}
	}
}
