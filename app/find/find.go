// Package find is the vocabulary of the console's search: what of a system can be found by
// the beginning of a name, an address or an id. Each system finds its own, by an index;
// app lists them, app/console shows what was found, to people and to programs.
package find

import (
	"context"

	"seaworthy/store"
)

// Hit is one thing that was found.
type Hit struct {
	ID     string `json:"id,omitempty"`
	Title  string `json:"title"`            // what it is called: an address, a kind, a key
	Detail string `json:"detail,omitempty"` // what tells it from its like
	Path   string `json:"path"`             // of its page
	Kind   string `json:"-"`                // of its state's pill: ok, warn, danger, quiet; "" for none
	Word   string `json:"state,omitempty"`
}

// Source is a group of things that can be found.
type Source struct {
	Group      string // for people, in the plural: "Users"
	Icon       string
	Permission string                // that whoever searches must have
	All        func(q string) string // the list of all that match; nil: there is none
	Find       func(ctx context.Context, tx *store.Tx, q Query) ([]Hit, error)
}

// Query is what is searched for.
type Query struct {
	Text  string // as it was typed, without space around it
	Lower string // the same with the letters of ASCII made small, as the indexes hold names
	Limit int    // of hits of one group
}

// End is the least text that no text which begins with prefix reaches.
func End(prefix string) string { return prefix + "\U0010FFFF" }

// NewQuery reads what was typed. Its text is bounded and printable already.
func NewQuery(text string, limit int) Query {
	small := []byte(text)
	for i, c := range small {
		if 'A' <= c && c <= 'Z' {
			small[i] = c + 'a' - 'A'
		}
	}
	return Query{Text: text, Lower: string(small), Limit: limit}
}
