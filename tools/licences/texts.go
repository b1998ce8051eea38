package main

import (
	"cmp"
	"fmt"
	"strings"
)

// introduction is the start of THIRD_PARTY_LICENSES.
const introduction = `mongodbatlas_backup_exporter is licensed under the Apache License 2.0, which is in the file LICENSE. The program
also contains the modules below. Each is under the licence that follows its name, with the notices that the licence requires.
A text that several modules share occurs once. Written by tools/licences.
`

// sharedText is a text and the modules that share it.
type sharedText struct {
	text string
	of   []string
}

// texts returns the contents of THIRD_PARTY_LICENSES: each text after a heading with its modules, and their licence or the
// name of the notice.
func texts(modules []*module) string {
	var all []*sharedText
	byWords := map[string]*sharedText{} // texts that differ only in white space are the same
	for _, m := range modules {
		for _, file := range m.files {
			words := strings.Join(strings.Fields(file.text), " ")
			shared := byWords[words]
			if shared == nil {
				shared = &sharedText{text: file.text}
				byWords[words] = shared
				all = append(all, shared)
			}
			owner := strings.TrimSpace(m.Path + " " + m.Version) // Go has no version
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
