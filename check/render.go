package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/terminal"
)

func (r *Report) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// writeTable writes the report for people.
func (r *Report) writeTable(w io.Writer) error {
	var b strings.Builder
	table := func(write func(line func(cells ...string))) {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		write(func(cells ...string) {
			for i, cell := range cells {
				cells[i] = terminal.Printable(cell)
			}
			_, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) // writing to a Builder cannot fail
		})
		_ = t.Flush()
	}
	table(r.writeHead)
	if len(r.Rows) > 0 {
		b.WriteString("\n")
		table(r.writeRows)
		fmt.Fprintf(&b, "\ntotals: %s\n", r.totals())
	}
	if len(r.Endpoints) > 0 {
		b.WriteString("\n")
		table(r.writeEndpoints)
	}
	if len(r.ToDo) > 0 {
		b.WriteString("\nto do:\n")
		for i, item := range r.ToDo {
			fmt.Fprintf(&b, "%d. %s\n", i+1, terminal.Printable(item))
		}
	}
	_, err := io.WriteString(w, withoutTrailingSpace(b.String()))
	return err
}

func (r *Report) writeHead(line func(cells ...string)) {
	c := &r.Configuration
	file := cmp.Or(c.File, "no file: defaults and the environment")
	if !c.OK {
		if len(c.Errors) == 1 {
			line("configuration", "not valid: "+c.Error)
		} else {
			line("configuration", fmt.Sprintf("not valid: %d mistakes in %s", len(c.Errors), cmp.Or(c.File, "the configuration")))
			for _, fault := range c.Errors {
				line("", fault)
			}
		}
		if r.Credentials.Status == Missing {
			line("credentials", "missing: "+r.Credentials.Message)
		}
		return
	}
	line("configuration", file)
	line("", "collectors: "+strings.Join(c.Collectors, ", "))
	projects := "all that the credentials see"
	if len(c.Projects) > 0 {
		projects = strings.Join(c.Projects, ", ")
	}
	line("", "projects: "+projects)
	for _, warning := range c.Warnings {
		line("", "warning: "+warning)
	}
	line("atlas", r.BaseURL)
	who := &r.Credentials
	if who.Status == Missing {
		line("credentials", "missing: "+who.Message)
		return
	}
	line("credentials", fmt.Sprintf("%s: %s %s, from %s", who.Status.inWords(), who.Kind, who.ID, who.Source))
	if who.Reason != "" {
		line("", who.Reason+": "+who.Message)
	}
}

func (r *Report) writeRows(line func(cells ...string)) {
	line("PROJECT", "COLLECTOR", "TARGET", "STATUS", "WHAT")
	for _, row := range r.Rows {
		what := row.Message
		if row.Status == Unsupported {
			what = row.Reason + ": " + what
		}
		line(row.project(), row.Collector, cmp.Or(row.Cluster, row.Pipeline, "-"), inWords(row.Status), what)
	}
}

func (r *Report) totals() string {
	parts := []string{}
	for _, status := range statuses() {
		if n := r.Totals[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, inWords(status)))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *Report) writeEndpoints(line func(cells ...string)) {
	names := map[string]string{}
	for _, row := range r.Rows {
		names[row.GroupID] = row.project()
	}
	line("API", "VERSION", "ENDS", "CALLS", "RATE LIMIT LEFT")
	for _, e := range r.Endpoints {
		left := "unknown"
		if l := e.RateLimit; l != nil {
			left = fmt.Sprintf("%.0f of %.0f", l.Remaining, l.Limit)
			if l.GroupID != "" {
				left += " in " + cmp.Or(names[l.GroupID], l.GroupID)
			}
		}
		line(e.Endpoint, cmp.Or(e.Version, "-"), cmp.Or(e.Sunset, "none announced"), fmt.Sprint(e.Calls), left)
	}
}

// inWords returns a status for people.
func (s CredentialStatus) inWords() string {
	if s == NotKnown {
		return "not verified"
	}
	return inWords(s)
}

// inWords returns a status for people: "not checked" for not_checked.
func inWords[S ~string](status S) string { return strings.ReplaceAll(string(status), "_", " ") }

func withoutTrailingSpace(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}
