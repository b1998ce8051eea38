package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

func filterOf(t *testing.T, text string) config.Filter {
	t.Helper()
	c := parse(t, "discovery: {clusters: "+text+"}")
	return c.Discovery.Clusters
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		filter string
		names  []string
		want   bool
	}{
		{"{}", []string{"anything"}, true},
		{"{}", []string{""}, true},
		{"{include: [prod]}", []string{"prod"}, true},
		{"{include: [prod]}", []string{"prod-1"}, false}, // anchored at both ends
		{"{include: [prod]}", []string{"my-prod"}, false},
		{"{include: [prod]}", []string{"Prod"}, false},
		{"{include: ['(?i)prod']}", []string{"Prod"}, true},
		{"{include: [prod|test]}", []string{"test"}, true},
		{"{include: [prod|test]}", []string{"production"}, false},
		{"{include: [prod|test]}", []string{"contest"}, false},
		{"{include: ['prod-.*', test]}", []string{"test"}, true},
		{"{include: ['prod-.*']}", []string{"prod-\n1"}, true}, // as in Prometheus, a dot is any character
		{"{include: ['prod$']}", []string{"prod\n"}, false},
		{"{exclude: ['.*-scratch']}", []string{"a-scratch"}, false},
		{"{exclude: ['.*-scratch']}", []string{"a-scratch-1"}, true},
		{"{include: ['prod-.*'], exclude: ['.*-scratch']}", []string{"prod-scratch"}, false},
		{"{include: ['prod-.*'], exclude: ['.*-scratch']}", []string{"prod-1"}, true},
		{"{include: ['prod-.*'], exclude: ['.*-scratch']}", []string{"test-1"}, false},
		// A pattern may match the id or the name of a project, in both lists.
		{"{include: [" + groupID + "]}", []string{groupID, "payments"}, true},
		{"{include: [payments]}", []string{groupID, "payments"}, true},
		{"{exclude: [" + groupID + "]}", []string{groupID, "payments"}, false},
		{"{exclude: [payments]}", []string{groupID, "payments"}, false},
		{"{include: [payments], exclude: [" + groupID + "]}", []string{groupID, "payments"}, false},
	} {
		t.Run(fmt.Sprintf("%s of %q", test.filter, test.names), func(t *testing.T) {
			if got := filterOf(t, test.filter).Match(test.names...); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
	var zero config.Filter
	if !zero.Match("x") {
		t.Error("the zero filter does not select everything")
	}
}

// TestPatternsStayAnchored checks that a pattern that closes the anchoring group is refused instead of matching anywhere.
func TestPatternsStayAnchored(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{"a)|(b", ")(", "prod)|(?:.*"} {
		if p, err := config.NewPattern(expression); err == nil {
			t.Errorf("%q is accepted as a pattern; it matches %q: %t", expression, "a-and-more", p.Match("a-and-more"))
		}
	}
}

func TestExpectedIntervals(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte(`
collectors:
  backup_exports:
    expected_intervals:
      - {group_id: `+groupID+`, clusters: "prod-.*", interval: 1d}
      - {clusters: ".*-dev", interval: none}
      - {group_id: `+groupID+`, interval: 1w}
      - {clusters: "prod-.*", interval: 12h30m}
`), declared())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		group, cluster string
		want           time.Duration
		matches        bool
	}{
		{groupID, "prod-1", 24 * time.Hour, true},
		{groupID, "prod-dev", 24 * time.Hour, true}, // the first match, not the best
		{otherID, "prod-dev", 0, true},
		{otherID, "a-dev", 0, true},
		{groupID, "other", 7 * 24 * time.Hour, true},
		{otherID, "prod-1", 12*time.Hour + 30*time.Minute, true},
		{otherID, "a-prod-1", 0, false},
		{otherID, "other", 0, false},
	} {
		t.Run(test.cluster+" in "+test.group, func(t *testing.T) {
			got, matches := c.Collectors.ExpectedInterval("backup_exports", test.group, test.cluster)
			if got != test.want || matches != test.matches {
				t.Errorf("got %s, %t, want %s, %t", got, matches, test.want, test.matches)
			}
		})
	}
	if got, matches := c.Collectors.ExpectedInterval("backup_snapshots", groupID, "a"); got != 0 || matches {
		t.Errorf("without entries: %s, %t", got, matches)
	}
}
