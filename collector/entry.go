package collector

import (
	"context"
	"sync/atomic"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Entry is an entry in a list of a project: a cluster, a Flex cluster or a pipeline.
type Entry struct {
	ID   atlasapi.ObjectID
	Name string
	// Unsupported is why Atlas serves no target of the entry, None if it does.
	Unsupported Reason
	// deleting entries are being deleted in Atlas. Another entry with the same name replaces them.
	deleting bool
	item     any // of the parent's list, such as *atlasapi.Cluster
}

// entryList says how to list and choose the entries of a parent.
type entryList struct {
	label  string // the label with the entry's name
	filter func(*config.Discovery) *config.Filter
	// filterOf returns the filter in the entry of a configured project.
	filterOf func(*config.Project) *config.Filter
	list     func(ctx context.Context, c *atlasapi.Client, groupID string) ([]Entry, error)
	// running reports whether jobs of an entry can run now; nil: always.
	running func(*Entry) bool
}

// listAll reads a whole list and converts its items to entries.
func listAll[T any](ctx context.Context, list atlasapi.List[T], toEntry func(*T) Entry) ([]Entry, error) {
	items, err := collect(ctx, list)
	return entriesOf(items, toEntry), err
}

func entriesOf[T any](items []T, toEntry func(*T) Entry) []Entry {
	var entries []Entry
	for i := range items {
		e := toEntry(&items[i])
		e.item = &items[i]
		entries = append(entries, e)
	}
	return entries
}

// collect reads a whole list. On an error, it returns no items.
func collect[T any](ctx context.Context, list atlasapi.List[T]) ([]T, error) {
	var items []T
	for item, err := range list.All(ctx) {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// entry is an entry with its targets. They are replaced together, and never changed.
type entry struct {
	parent  *Declaration
	state   atomic.Pointer[entryState]
	running switchMemory
}

type entryState struct {
	Entry
	targets []*target // in the order of the table
}

func (e *entry) info() *Entry       { return &e.state.Load().Entry }
func (e *entry) targets() []*target { return e.state.Load().targets }

// itemOf returns the item of the parent's list that an entry was made of.
func itemOf[T any](e *entry) *T { return e.info().item.(*T) }

// readerOf returns the reader of a type among targets, or the zero value if there is none, because its collector is
// disabled.
func readerOf[R reader](targets []*target) R {
	for _, t := range targets {
		if r, ok := t.reader.(R); ok {
			return r
		}
	}
	var none R
	return none
}

// entryView is an entry with its project and the configuration, for writing samples and for the page. The inventory's
// lock is held.
type entryView struct {
	*entry
	config  *config.Config
	groupID string
	project *project
}
