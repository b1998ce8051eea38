package atlassim

import (
	"slices"
	"sort"
	"time"
)

// Order is the order of a list. The API documents none.
type Order int

// The orders that a list can have.
const (
	// NewestFirst is by creation, the newest first.
	NewestFirst Order = iota
	// OldestFirst is by creation, the oldest first.
	OldestFirst
	// Shuffled looks random and is stable: the items keep their order among each other when the list grows.
	Shuffled
	// AsAdded is the order in which the test added the items.
	AsAdded
)

// listed is an item of a list.
type listed interface {
	identity() string
	created() time.Time
	// appendJSON appends the item as Atlas writes it; base is the URL of the API's root, for links.
	appendJSON(b []byte, base string) []byte
}

// list is a list in a selectable order. Its items are the generated ones, which are computed and not stored, and then
// the added ones. They are numbered in this order.
type list[T listed] struct {
	order     Order
	generated int
	generate  func(n int) T
	stored    []T
	added     uint64 // number of items added so far, including removed ones
	// places are the items' numbers in the order of the list. It is nil if the list has the order of creation, or its
	// reverse, and the numbers have it as well. A generated history of millions of jobs then needs no memory.
	places []int32
}

func (l *list[T]) len() int { return l.generated + len(l.stored) }

// item returns item number n.
func (l *list[T]) item(n int) T {
	if n < l.generated {
		return l.generate(n)
	}
	return l.stored[n-l.generated]
}

// at returns the item at a place of the list, from 0.
func (l *list[T]) at(place int) T {
	switch {
	case l.places != nil:
		return l.item(int(l.places[place]))
	case l.order == NewestFirst:
		return l.item(l.len() - 1 - place)
	default:
		return l.item(place)
	}
}

// find returns the item with an id.
func (l *list[T]) find(id string) (T, bool) {
	for n := l.len() - 1; n >= 0; n-- {
		if item := l.item(n); item.identity() == id {
			return item, true
		}
	}
	var none T
	return none, false
}

// nextNumber returns a number that no item of the list has or had. Ids are made from it.
func (l *list[T]) nextNumber() uint64 {
	return uint64(l.generated) + l.added
}

func (l *list[T]) add(item T) {
	n := l.len()
	l.stored = append(l.stored, item)
	l.added++
	if l.places == nil {
		inOrder := l.order == AsAdded ||
			l.order != Shuffled && (n == 0 || !item.created().Before(l.item(n-1).created()))
		if !inOrder {
			l.arrange()
		}
		return
	}
	place := sort.Search(len(l.places), func(i int) bool { return l.before(n, int(l.places[i])) })
	l.places = slices.Insert(l.places, place, int32(n))
}

// remove removes an added item.
func (l *list[T]) remove(id string) {
	l.stored = slices.DeleteFunc(l.stored, func(item T) bool { return item.identity() == id })
	l.arrange()
}

// setOrder changes the order of the list.
func (l *list[T]) setOrder(order Order) {
	l.order = order
	l.arrange()
}

// setGenerated puts n computed items before the added ones. generate must return them in the order of creation.
func (l *list[T]) setGenerated(n int, generate func(n int) T) {
	l.generated, l.generate = n, generate
	l.arrange()
}

// arrange computes the places.
func (l *list[T]) arrange() {
	l.places = nil
	if l.order == AsAdded || l.order != Shuffled && l.numberedByCreation() {
		return
	}
	places := make([]int32, l.len())
	for n := range places {
		places[n] = int32(n)
	}
	slices.SortFunc(places, func(a, b int32) int {
		switch {
		case a == b:
			return 0
		case l.before(int(a), int(b)):
			return -1
		default:
			return 1
		}
	})
	l.places = places
}

// numberedByCreation reports whether the numbers of all items are in the order of creation.
func (l *list[T]) numberedByCreation() bool {
	if len(l.stored) > 0 && l.generated > 0 && l.stored[0].created().Before(l.item(l.generated-1).created()) {
		return false
	}
	return slices.IsSortedFunc(l.stored, func(a, b T) int { return a.created().Compare(b.created()) })
}

// before reports whether number a is listed before number b.
func (l *list[T]) before(a, b int) bool {
	switch l.order {
	case Shuffled:
		return mix(uint64(a)) < mix(uint64(b))
	case AsAdded:
		return a < b
	default:
	}
	byCreation := l.item(a).created().Compare(l.item(b).created())
	if byCreation == 0 {
		byCreation = a - b
	}
	if l.order == NewestFirst {
		return byCreation > 0
	}
	return byCreation < 0
}
