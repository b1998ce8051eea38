package collector

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// inventory is everything to read: the projects, the entries of their lists, and the targets of both. It contains what
// discovery found last and the filters of the configuration admit.
type inventory struct {
	table        Table
	readFamilies *readFamilies
	// gone is called for each project that is no longer read. removed is called for each removed target of the other
	// projects.
	gone    func(groupID string)
	removed func(*target)

	mu         sync.RWMutex
	settings   *settings
	enabled    Table
	roots      []*target // the targets of the collector that finds projects
	discovered bool      // a root has been read successfully
	listed     []atlasapi.Project
	projects   map[string]*project // by group id
}

// project is a project with what discovery found in it.
type project struct {
	info    atlasapi.Project
	named   *config.Project // its entry in the configuration, nil if it was discovered
	targets []*target       // targets of the project itself, such as its lists
	listed  map[*Declaration][]Entry
	entries map[*Declaration]map[string]*entry
}

func newInventory(table Table, gone func(groupID string), removed func(*target)) *inventory {
	return &inventory{table: table, readFamilies: newReadFamilies(), gone: gone, removed: removed, projects: map[string]*project{}}
}

// configure applies new settings. Projects, entries and targets that still apply are kept, with their values.
func (inv *inventory) configure(s *settings) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.settings = s
	inv.enabled = inv.table.Enabled(&s.config.Collectors)
	ids := []string{""} // the list of all projects
	if len(s.config.Projects) > 0 {
		ids = ids[:0]
		for _, p := range s.config.Projects {
			ids = append(ids, p.ID)
		}
	}
	old := inv.roots
	for _, root := range old {
		if root.groupID != "" && !slices.Contains(ids, root.groupID) && inv.projects[root.groupID] == nil {
			inv.gone(root.groupID) // it was configured, but never found
		}
	}
	inv.roots = nil
	for _, id := range ids {
		i := slices.IndexFunc(old, func(t *target) bool { return t.groupID == id })
		if i < 0 {
			inv.roots = append(inv.roots, inv.newRoot(id))
			if id == "" {
				inv.listKnown() // until now, configured projects were read: the last list is outdated
			}
		} else {
			inv.roots = append(inv.roots, old[i])
		}
	}
	inv.reconcile()
}

// listKnown makes the known projects the list of projects, until Atlas lists them again, so that their values stay.
func (inv *inventory) listKnown() {
	inv.listed = nil
	for _, p := range inv.projects {
		inv.listed = append(inv.listed, p.info)
	}
}

func (inv *inventory) newRoot(groupID string) *target {
	t := &target{Declaration: inv.table.Root(), groupID: groupID}
	if groupID == "" {
		t.reader = &projectsReader{inv}
	} else {
		t.reader = &projectReader{inv, t}
	}
	return t
}

// current returns the settings.
func (inv *inventory) current() *settings {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.settings
}

// reconcile adds and removes projects: afterwards they are the configured ones, or the listed ones that pass the
// filters. The lock is held.
func (inv *inventory) reconcile() {
	c := &inv.settings.config
	wanted := map[string]bool{}
	if len(c.Projects) == 0 {
		for _, p := range inv.listed {
			id := p.ID.String()
			if c.Discovery.Projects.Match(id, p.Name) {
				wanted[id] = true
				inv.ensureProject(p).named = nil
			}
		}
	}
	for i := range c.Projects {
		named := &c.Projects[i]
		wanted[named.ID] = true // whatever Atlas lists: a configured project must not disappear silently
		if p := inv.projects[named.ID]; p != nil {
			p.named = named
		}
	}
	for id, p := range inv.projects {
		if !wanted[id] {
			delete(inv.projects, id)
			inv.gone(id)
			continue
		}
		inv.reconcileProject(id, p)
	}
}

// ensureProject returns the project with its new data, and creates it if it is unknown.
func (inv *inventory) ensureProject(info atlasapi.Project) *project {
	id := info.ID.String()
	p := inv.projects[id]
	if p == nil {
		p = &project{listed: map[*Declaration][]Entry{}, entries: map[*Declaration]map[string]*entry{}}
		inv.projects[id] = p
	}
	p.info = info
	return p
}

// reconcileProject gives a project its own targets: one for each enabled collector without a parent.
func (inv *inventory) reconcileProject(id string, p *project) {
	var targets []*target
	for _, d := range inv.enabled {
		if d.Parent != nil || d.IsRoot() {
			continue
		}
		t := targetOf(p.targets, d)
		if t == nil {
			t = &target{Declaration: d, groupID: id}
			if d.IsParent() {
				t.reader = &entriesReader{inventory: inv, target: t}
			} else {
				t.reader = d.attach(t)
			}
		}
		t.setFoundBy(inv.rootOf(id))
		targets = append(targets, t)
	}
	p.targets = targets
	for d := range p.entries {
		if targetOf(targets, d) == nil {
			delete(p.entries, d)
			delete(p.listed, d)
		}
	}
	for _, t := range targets {
		if t.IsParent() {
			inv.reconcileEntries(id, p, t)
		}
	}
}

func targetOf(targets []*target, d *Declaration) *target {
	for _, t := range targets {
		if t.Declaration == d {
			return t
		}
	}
	return nil
}

func (inv *inventory) rootOf(groupID string) *target {
	for _, root := range inv.roots {
		if root.groupID == groupID {
			return root
		}
	}
	return inv.roots[0]
}

// forgetIfGone calls gone again if a project is no longer read, because a read of it that just ended may have created new
// state.
func (inv *inventory) forgetIfGone(groupID string) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	named := slices.ContainsFunc(inv.roots, func(t *target) bool { return t.groupID == groupID })
	if !named && inv.projects[groupID] == nil {
		inv.gone(groupID)
	}
}

// reconcileEntries adds and removes the entries of a parent: afterwards they are those that were found last and pass
// the filters. An entry that was deleted and created again under the same name starts with a new history.
func (inv *inventory) reconcileEntries(id string, p *project, parent *target) {
	before := p.entries[parent.Declaration]
	after := make(map[string]*entry, len(p.listed[parent.Declaration]))
	for _, info := range parent.Choose(&inv.settings.config, p.named, p.listed[parent.Declaration]) {
		e := before[info.Name]
		var old []*target
		if e == nil || e.info().ID != info.ID {
			e = &entry{parent: parent.Declaration}
		} else {
			old = e.targets()
		}
		inv.reconcileTargets(id, e, info, old, parent)
		after[info.Name] = e
	}
	for name, e := range before {
		if after[name] != e {
			for _, t := range e.targets() {
				inv.removed(t)
			}
		}
	}
	p.entries[parent.Declaration] = after
}

// reconcileTargets gives an entry one target for each enabled collector of its parent.
func (inv *inventory) reconcileTargets(id string, e *entry, info Entry, old []*target, parent *target) {
	state := &entryState{Entry: info}
	if running := parent.entries.running; running != nil {
		e.running.note(running(&info), time.Now())
	}
	for _, d := range inv.enabled {
		if d.Parent != parent.Declaration {
			continue
		}
		t := targetOf(old, d)
		if t == nil {
			t = &target{Declaration: d, groupID: id, entry: e}
			t.reader = d.attach(t)
		}
		t.setFoundBy(parent)
		state.targets = append(state.targets, t)
	}
	e.state.Store(state)
	for _, t := range state.targets {
		t.setUnsupported(info.Unsupported)
	}
}

// all returns every target.
func (inv *inventory) all() []*target {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	targets := slices.Clone(inv.roots)
	for _, p := range inv.projects {
		targets = p.appendTargets(targets)
	}
	return targets
}

func (p *project) appendTargets(targets []*target) []*target {
	targets = append(targets, p.targets...)
	for _, entries := range p.entries {
		for _, e := range entries {
			targets = append(targets, e.targets()...)
		}
	}
	return targets
}

// children returns the targets that a read of a target found. Only a root finds targets outside of its own
// project.
func (inv *inventory) children(parent *target) []*target {
	var targets []*target
	switch {
	case parent.IsRoot():
		targets = inv.all()
	case parent.IsParent():
		inv.mu.RLock()
		if p := inv.projects[parent.groupID]; p != nil {
			targets = p.appendTargets(nil)
		}
		inv.mu.RUnlock()
	}
	return slices.DeleteFunc(targets, func(t *target) bool { return t.foundBy() != parent })
}

// groupName returns the name of a project as last read, "" if it was never read.
func (inv *inventory) groupName(groupID string) string {
	if p := inv.projects[groupID]; p != nil {
		return p.info.Name
	}
	return ""
}

// nameOf is groupName for callers that do not hold the lock.
func (inv *inventory) nameOf(groupID string) string {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.groupName(groupID)
}

// setProjects applies the list of all projects.
func (inv *inventory) setProjects(listed []atlasapi.Project) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.discovered = true
	inv.listed = listed
	inv.reconcile()
}

// setProject applies the data of a configured project.
func (inv *inventory) setProject(info atlasapi.Project) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.discovered = true
	inv.ensureProject(info)
	inv.reconcile()
}

// setEntries applies the entries of a parent in a project.
func (inv *inventory) setEntries(parent *target, entries []Entry) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if p := inv.projects[parent.groupID]; p != nil && slices.Contains(p.targets, parent) {
		p.listed[parent.Declaration] = entries
		inv.reconcileEntries(parent.groupID, p, parent)
	}
}

// up returns the value of mongodbatlas_up. The lock is held.
func (inv *inventory) up() bool {
	for _, root := range inv.roots {
		if s := root.currentStatus(); s.condition() == Up && (root.groupID != "" || len(inv.listed) > 0) {
			return true
		}
	}
	return false
}

// projectIDs lists the ids of the projects that are read, in order: those that discovery found, and those that the
// configuration names.
func (inv *inventory) projectIDs() []string {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	ids := map[string]struct{}{}
	for id := range inv.projects {
		ids[id] = struct{}{}
	}
	for _, p := range inv.settings.config.Projects {
		ids[p.ID] = struct{}{}
	}
	return slices.Sorted(maps.Keys(ids))
}
