package auth

import (
	"slices"
	"strings"
	"time"

	"seaworthy/store"
)

// Person is a user as a list shows one.
type Person struct {
	ID, Name, Email, Status string
	Verified                bool // the primary address
	Operator                bool
	Created, LastSeen       time.Time // LastSeen is zero for never

	key string // what a search found it by, for the cursor
}

// Filter narrows the list of users or of orgs; empty fields do not.
type Filter struct {
	Query string // how a name, an address or slug, or an id begins
	Only  string // one of PeopleStates or OrgStates
	After string // the cursor of the page before
}

// PeopleStates are what a list of users can be narrowed to.
var PeopleStates = []string{"active", "unverified", "disabled", "superseded", "operators"}

// OrgStates are what a list of orgs can be narrowed to.
var OrgStates = []string{"shared", "personal", "deleted"}

// People are users, a page of them, and the cursor of the next page, "" on the
// last. The newest come first; those that a search found stand in the order of
// what it found them by.
func People(tx *store.Tx, f Filter, limit int) (page []Person, next string, err error) {
	q := newSearch(f, "usr_")
	switch {
	case q.id:
		page, err = peopleByID(tx, q, limit+1)
	case q.prefix != "":
		page, err = searchPeople(tx, q, limit+1)
	case f.Only == "unverified":
		page, err = unverifiedPeople(tx, q.before, limit+1)
	case f.Only == "operators":
		page, err = operators(tx, q.before, limit+1)
	case f.Only != "":
		page, err = peopleWith(tx, f.Only, q.before, limit+1)
	default:
		page, err = newestPeople(tx, q.before, limit+1)
	}
	if len(page) > limit {
		page = page[:limit]
		next = q.cursor(page[limit-1].key, page[limit-1].ID)
	}
	return page, next, err
}

// searchPeople merges those found by address with those found by name alone.
func searchPeople(tx *store.Tx, q search, limit int) ([]Person, error) {
	byAddress, err := peopleByAddress(tx, q, limit)
	if err != nil {
		return nil, err
	}
	byName, err := peopleByName(tx, q, limit)
	return merge(byAddress, byName, limit, func(p Person) (key, id string) { return p.key, p.ID }), err
}

// search is a filter as the statements take it.
type search struct {
	prefix, end string // of names, addresses, slugs; "" to list all
	id          bool   // prefix is how an id begins
	only        string
	before      string // id, in a list that is ordered by it: those before
	afterKey    string // in a search: those after this key, and of the same key this id
	afterID     string
}

// newSearch reads a filter for things whose ids begin with kind.
func newSearch(f Filter, kind string) search {
	q := search{prefix: lower(strings.TrimSpace(f.Query)), only: f.Only, before: kind + "~"}
	q.id = strings.HasPrefix(q.prefix, kind)
	if len(q.prefix) > 255 {
		q.prefix = q.prefix[:255]
	}
	q.end = q.prefix + "\U0010FFFF"
	q.afterKey = q.prefix
	at := strings.LastIndexByte(f.After, ' ')
	switch {
	case at >= 0 && f.After[:at] >= q.prefix:
		q.afterKey, q.afterID = f.After[:at], f.After[at+1:]
	case at < 0 && f.After != "":
		q.before = f.After
	}
	return q
}

// cursor is what newSearch reads as After, for the page after this row.
func (q search) cursor(key, id string) string {
	if q.id || q.prefix == "" {
		return id
	}
	return key + " " + id
}

// lower is what SQLite's lower does: letters of ASCII alone, so that both sides
// of a comparison went through the same.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// merge is two lists in the order of key and id as one, of at most limit.
func merge[T any](a, b []T, limit int, at func(T) (key, id string)) []T {
	all := slices.SortedFunc(slices.Values(append(a, b...)), func(x, y T) int {
		xKey, xID := at(x)
		yKey, yID := at(y)
		if c := strings.Compare(xKey, yKey); c != 0 {
			return c
		}
		return strings.Compare(xID, yID)
	})
	return all[:min(len(all), limit)]
}
