package audit

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Kind is an entry of the catalogue: an action and what it means. The catalogue
// is the documentation, the filter's list and the guard against misspelling.
type Kind struct {
	Action Action `json:"action"`
	Title  string `json:"title"`       // what a person reads in a list: "Signed in"
	Means  string `json:"description"` // one sentence
}

// catalog is every action a system may record.
type catalog map[Action]Kind

var wellFormed = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){1,3}$`)

// Declare adds actions to the catalogue. Two systems with one action, or one that
// is not "noun.past_participle", are mistakes in the program.
func (l *Log) Declare(kinds ...Kind) error {
	if l.catalog == nil {
		l.catalog = catalog{}
	}
	for _, k := range kinds {
		if !wellFormed.MatchString(string(k.Action)) || k.Title == "" || k.Means == "" {
			return fmt.Errorf("audit action %q: it needs a well-formed name, a title and a sentence", k.Action)
		}
		if _, twice := l.catalog[k.Action]; twice {
			return fmt.Errorf("audit action %q is declared twice", k.Action)
		}
		l.catalog[k.Action] = k
	}
	return nil
}

// Actions is the catalogue in alphabetical order.
func (l *Log) Actions() []Kind {
	return slices.SortedFunc(maps.Values(l.catalog), func(a, b Kind) int { return strings.Compare(string(a.Action), string(b.Action)) })
}

// Title is what people read for an action; for one of the customer's app, its
// name in words.
func (l *Log) Title(a Action) string {
	if k, ok := l.catalog[a]; ok {
		return k.Title
	}
	words := strings.NewReplacer(".", " ", "_", " ").Replace(string(a))
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
