package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// section returns the part of a page below a heading of the second level.
func section(t *testing.T, path, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(harness.ReadFile(t, path), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", path, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// flagsOf returns the flags in the help of a command, with their defaults, or "" if there is none.
func flagsOf(t *testing.T, program string, command ...string) map[string]string {
	t.Helper()
	help, err := run(t, program, nil, append(command, "--help")...)
	if err != nil {
		t.Fatalf("%v --help: %v: %s", command, err, help)
	}
	flags := map[string]string{}
	line := regexp.MustCompile(`(?m)^(?:  -\w, |      )--(?:\[no-\])?([a-z_.-]+)(?:=(\S+))?`)
	placeholder := regexp.MustCompile(`^[A-Z][A-Z.]*$`)
	for _, match := range line.FindAllStringSubmatch(help, -1) {
		value := strings.Trim(match[2], `"`)
		if placeholder.MatchString(value) {
			value = ""
		}
		flags[match[1]] = value
	}
	return flags
}

// TestFlags checks that configuration.md has every flag of the program, with its default, and commands.md those of the
// commands.
func TestFlags(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\|( `--[^|]*)\\|([^|]*)\\|")
	name := regexp.MustCompile("`--([a-z_.-]+)`")
	described := map[string]string{}
	for _, cells := range row.FindAllStringSubmatch(section(t, "configuration.md", "Flags"), -1) {
		for _, flag := range name.FindAllStringSubmatch(cells[1], -1) {
			described[flag[1]] = strings.Trim(cells[2], " `")
		}
	}
	program := harness.BuildExporter(t)
	of := flagsOf(t, program)
	for flag, value := range of {
		got, found := described[flag]
		switch {
		case !found:
			t.Errorf("configuration.md does not describe --%s", flag)
		case got == "on" || got == "off": // which the help does not show
		case got != value:
			t.Errorf("configuration.md: the default of --%s is %q, but it is %q", flag, got, value)
		}
	}
	for flag := range described {
		if _, found := of[flag]; !found {
			t.Errorf("configuration.md describes --%s, which does not exist", flag)
		}
	}
	for _, command := range []string{"check", "trigger"} {
		page := section(t, "commands.md", command)
		for flag := range flagsOf(t, program, command) {
			if _, common := of[flag]; !common && !strings.Contains(page, "`--"+flag) {
				t.Errorf("commands.md: %s does not describe --%s", command, flag)
			}
		}
	}
}

// TestEnvironment checks that configuration.md has every environment variable of the exporter.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	source := harness.ReadFile(t, "../config/credentials.go")
	variable := regexp.MustCompile(`MONGODB_ATLAS_[A-Z_]+`)
	unique := func(text string) []string {
		names := variable.FindAllString(text, -1)
		slices.Sort(names)
		return slices.Compact(names)
	}
	want, got := unique(source), unique(section(t, "configuration.md", "Environment"))
	if len(want) < 5 || !slices.Equal(got, want) {
		t.Errorf("configuration.md has %v, the program %v", got, want)
	}
}
