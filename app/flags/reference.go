package flags

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"seaworthy/app/web"
	"seaworthy/store"
)

// node is a flag, a segment or a tag, as references name them.
type node struct{ kind, name string }

const (
	ofFlag      = "flag"
	ofEvaluator = "evaluator"
	ofTag       = "tag"
)

func (n node) String() string {
	if n.kind == ofEvaluator {
		return "segment " + n.name
	}
	return n.name
}

// references are what a definition names: prerequisites, segments and tags.
func (d Definition) references() []node {
	all := segmentsIn(d.Targeting)
	for _, p := range d.Extension.Prerequisites {
		all = append(all, node{ofFlag, p.Flag})
	}
	for _, tag := range d.Extension.Tags {
		all = append(all, node{ofTag, tag})
	}
	return unique(all)
}

func unique(all []node) []node {
	slices.SortFunc(all, func(a, b node) int { return strings.Compare(a.kind+" "+a.name, b.kind+" "+b.name) })
	return slices.Compact(all)
}

// segmentsIn are the segments that a rule names with $ref.
func segmentsIn(rule string) (all []node) {
	if !strings.Contains(rule, "$ref") {
		return nil
	}
	var v any
	if json.Unmarshal([]byte(rule), &v) != nil {
		return nil
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case logic:
			if name, is := v["$ref"].(string); is {
				all = append(all, node{ofEvaluator, name})
			}
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(v)
	return unique(all)
}

// setReferences makes what a flag or segment names what it says now.
func setReferences(tx *store.Tx, from node, to []node) error {
	if _, err := tx.Exec(`DELETE FROM flags_reference WHERE from_kind = ? AND from_name = ?`, from.kind, from.name); err != nil {
		return err
	}
	for _, n := range to {
		if _, err := tx.Exec(`INSERT INTO flags_reference (from_kind, from_name, to_kind, to_name) VALUES (?, ?, ?, ?)`, from.kind, from.name, n.kind, n.name); err != nil {
			return err
		}
	}
	return nil
}

func scanNode(r store.Scanner) (n node, err error) { return n, r.Scan(&n.kind, &n.name) }

func referencesFrom(tx *store.Tx, from node) ([]node, error) {
	return store.All(tx, scanNode, `SELECT to_kind, to_name FROM flags_reference WHERE from_kind = ? AND from_name = ? ORDER BY to_kind, to_name`, from.kind, from.name)
}

// referencesTo is what names a flag, a segment or a tag, at most limit of them.
func referencesTo(tx *store.Tx, to node, limit int) ([]node, error) {
	return store.All(tx, scanNode, `SELECT from_kind, from_name FROM flags_reference WHERE to_kind = ? AND to_name = ? ORDER BY from_kind, from_name LIMIT ?`, to.kind, to.name, limit)
}

// maxWalk bounds how many references are followed to look for a cycle.
const maxWalk = 10_000

// names tells what something names.
type names func(node) ([]node, error)

// stored are the references that the database has.
func stored(tx *store.Tx) names {
	return func(n node) ([]node, error) { return referencesFrom(tx, n) }
}

// cycle is a way from something back to itself, if to is what it names from now
// on; nil when there is none.
func cycle(of names, from node, to []node) ([]node, error) {
	seen, steps := map[node]bool{}, 0
	var walk func(path []node) ([]node, error)
	walk = func(path []node) ([]node, error) {
		here := path[len(path)-1]
		next := to
		if len(path) > 1 {
			if here == from {
				return path, nil
			}
			if seen[here] || steps >= maxWalk {
				return nil, nil
			}
			seen[here] = true
			steps++
			var err error
			if next, err = of(here); err != nil {
				return nil, err
			}
		}
		for _, n := range next {
			if n.kind == ofTag {
				continue
			}
			if found, err := walk(append(slices.Clone(path), n)); err != nil || found != nil {
				return found, err
			}
		}
		return nil, nil
	}
	return walk([]node{from})
}

// refuseCycle refuses what names itself over others, and says the way.
func refuseCycle(of names, from node, to []node, field string) error {
	way, err := cycle(of, from, to)
	if err != nil || way == nil {
		return err
	}
	words := make([]string, len(way))
	for i, n := range way {
		words[i] = n.String()
	}
	return web.Invalid(web.Field{Field: field, Code: "cycle", Message: "These need each other in a circle: " + strings.Join(words, " → ") + "."})
}

// checkReferences refuses what names itself over others, or what does not exist.
func checkReferences(tx *store.Tx, from node, to []node, field string) error {
	if err := refuseCycle(stored(tx), from, to, field); err != nil {
		return err
	}
	for _, n := range to {
		var err error
		switch n.kind {
		case ofFlag:
			var f Flag
			if f, err = FlagByKey(tx, n.name); err == nil && f.State == Archived {
				err = store.ErrNotFound
			}
		case ofEvaluator:
			_, err = SegmentByName(tx, n.name)
		}
		if isNotFound(err) {
			return web.Invalid(web.Field{Field: field, Code: "unknown", Message: "There is no " + map[string]string{ofFlag: "flag", ofEvaluator: "segment"}[n.kind] + " " + web.CleanText(n.name, 128) + "."})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
