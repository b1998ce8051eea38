package dashboards_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLinks follows every address of a dashboard, in its links and in the cells of tables.
func TestLinks(t *testing.T) {
	all := load(t)
	runbooks, err := os.ReadFile(filepath.Join("..", "docs", "runbooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]dashboard{}
	for _, d := range all {
		known[d.UID] = d
	}
	address := regexp.MustCompile(`"/d/([^"/?]+)([^"]*)"`)
	for _, d := range all {
		reached := map[string]bool{d.UID: true}
		for _, link := range d.Links {
			reached[strings.TrimPrefix(link.URL, "/d/")] = true
			if !link.IncludeVars {
				t.Errorf("%s: the link to %s forgets the variables", d.file, link.URL)
			}
		}
		for uid := range known {
			if !reached[uid] {
				t.Errorf("%s: no link to %s", d.file, uid)
			}
		}
		content, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problemsOf(d) {
			if !strings.Contains(strings.ToLower(string(runbooks)), "# mongodbatlas"+problem+"\n") {
				t.Errorf("%s: the problem %s has no runbook", d.file, problem)
			}
		}
		for _, match := range address.FindAllStringSubmatch(string(content), -1) {
			to, ok := known[match[1]]
			if !ok {
				t.Errorf("%s: a link points to %s, which does not exist", d.file, match[1])
				continue
			}
			if number := regexp.MustCompile(`viewPanel=([^&]*)`).FindStringSubmatch(match[2]); number != nil &&
				!slices.ContainsFunc(to.all(), func(p panel) bool { return strconv.Itoa(p.ID) == number[1] && p.Type == "table" }) {
				t.Errorf("%s: %s points to no table of %s", d.file, match[0], to.file)
			}
			for _, parameter := range regexp.MustCompile(`var-(\w+)=`).FindAllStringSubmatch(match[2], -1) {
				if !slices.ContainsFunc(to.Templating.List, func(v variable) bool { return v.Name == parameter[1] }) {
					t.Errorf("%s: a link sets the variable %s, which %s does not have", d.file, parameter[1], to.file)
				}
			}
		}
	}
}

// problemsOf returns the problems that a dashboard lists. Each links to a runbook.
func problemsOf(d dashboard) []string {
	var problems []string
	for _, p := range d.all() {
		for _, q := range p.Targets {
			for _, match := range regexp.MustCompile(`"problem", "(\w+)"`).FindAllStringSubmatch(q.Expr, -1) {
				if !slices.Contains(problems, match[1]) {
					problems = append(problems, match[1])
				}
			}
		}
	}
	return problems
}
