package advisor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ErrNoAdvice says that a statement cannot be looked at, such as one that resolves conflicts.
var ErrNoAdvice = errors.New("advisor: no advice for this kind of statement")

// candidate is an index that is tried.
type candidate struct {
	table string
	terms []term
	at    int // its number
}

// candidates are the indexes that would serve the wishes: what is equal first, then one bound, or
// the order.
func candidates(wishes []wish) (all []candidate) {
	seen := map[string]bool{}
	add := func(t string, terms []term) {
		c := candidate{table: t, terms: terms, at: len(all)}
		if key := c.sql(""); len(terms) > 0 && len(terms) <= 6 && len(all) < maxCandidates && !seen[key] {
			seen[key] = true
			all = append(all, c)
		}
	}
	for _, w := range wishes {
		var equal []term
		for _, name := range w.equal {
			equal = append(equal, term{column: name})
		}
		add(w.table, equal)
		for _, bound := range w.bounds {
			if !slices.Contains(w.equal, bound) {
				add(w.table, append(slices.Clone(equal), term{column: bound}))
			}
		}
		if ordered := slices.Clone(equal); len(w.order) > 0 {
			for _, by := range w.order {
				if !slices.Contains(w.equal, by.column) {
					ordered = append(ordered, by)
				}
			}
			add(w.table, ordered)
		}
	}
	return all
}

func (c candidate) sql(name string) string {
	terms := make([]string, len(c.terms))
	for i, t := range c.terms {
		terms[i] = plain(t.column)
		if t.desc {
			terms[i] += " DESC"
		}
	}
	return "CREATE INDEX " + plain(name) + " ON " + plain(c.table) + " (" + strings.Join(terms, ", ") + ")"
}

// name is what the index would be called: table and columns.
func (c candidate) name() string { return c.table + "_" + strings.Join(c.names(), "_") }

func (c candidate) names() (all []string) {
	for _, t := range c.terms {
		all = append(all, t.column)
	}
	return all
}

var word = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// reserved are the words that SQLite takes for no name (https://www.sqlite.org/lang_keywords.html;
// most keywords can be one).
const reserved = " add all alter and as autoincrement between case check collate commit constraint create default deferrable delete distinct drop " +
	"else escape exists foreign from group having in index insert intersect into is isnull join limit not nothing notnull null on or order primary " +
	"references returning select set table then to transaction union unique update using values when where "

// plain is a name as one writes it, quoted where it must be.
func plain(name string) string {
	if word.MatchString(name) && !strings.Contains(reserved, " "+name+" ") {
		return name
	}
	return quote(name)
}

func tryName(at int) string { return fmt.Sprintf("advised_%03d", at) }

// takenIn are the candidates that a plan uses.
func takenIn(plan string, all []candidate) (used []candidate) {
	for _, c := range all {
		if strings.Contains(plan, tryName(c.at)) {
			used = append(used, c)
		}
	}
	return used
}

var bound = regexp.MustCompile(`[=<>]\?`)

// better reports whether a plan has fewer scans and sorts than another, or as many and reads less:
// it narrows by more columns.
func better(before, after string) bool {
	a, b := Effort(before), Effort(after)
	return b < a || b == a && len(bound.FindAllString(after, -1)) > len(bound.FindAllString(before, -1))
}

// Effort is how many steps of a plan go over all of something, or sort.
func Effort(plan string) (n int) {
	for step := range strings.Lines(plan) {
		step = strings.TrimSpace(step)
		if strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "CONSTANT ROW") || strings.HasPrefix(step, "USE TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
			n++
		}
	}
	return n
}
