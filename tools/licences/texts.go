package main

import (
	"cmp"
	"fmt"
	"strings"
)

// introduction is how THIRD_PARTY_LICENSES begins.
const introduction = `mongodbatlas_backup_exporter is licensed under the Apache License 2.0, which is in the file LICENSE. The program is built
of the modules named below, too, each under the licence that follows it, with the notices that it asks to pass on.
A text that several modules have stands once. Written by tools/licences.
`

// sharedText is a text and the modules that have it.
type sharedText struct {
	text string
	of   []string
}

// texts renders the licence files of all modules. Each is headed by its modules, with the licence, or the name of a notice.
func texts(modules []*module) string {
	var all []*sharedText
	byWords := map[string]*sharedText{} // line breaks and indents make no other text
	for _, m := range modules {
		for _, file := range m.files {
			words := strings.Join(strings.Fields(file.text), " ")
			shared := byWords[words]
			if shared == nil {
				shared = &sharedText{text: file.text}
				byWords[words] = shared
				all = append(all, shared)
			}
			owner := strings.TrimSpace(m.Path + " " + m.Version) // Go has no version here
			shared.of = append(shared.of, fmt.Sprintf("%s (%s)", owner, cmp.Or(strings.Join(file.licences, ", "), file.name)))
		}
	}
	rule := strings.Repeat("-", 80)
	var b strings.Builder
	b.WriteString(introduction)
	for _, shared := range all {
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n\n", rule, strings.Join(shared.of, "\n"), rule)
		for line := range strings.Lines(strings.Trim(strings.ReplaceAll(shared.text, "\r\n", "\n"), "\n") + "\n") {
			b.WriteString(strings.TrimRight(line, " \t\f\n") + "\n")
		}
	}
	return b.String()
}
