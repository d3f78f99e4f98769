package flags

import (
	"fmt"

	"seaworthy/app/web"
	"seaworthy/store"
)

const segmentColumns = `SELECT name, rule, about, version, created_at, changed_at FROM flags_evaluator `

func scanSegment(r store.Scanner) (s Segment, err error) {
	var created, changed int64
	err = r.Scan(&s.Name, &s.Rule, &s.About, &s.Version, &created, &changed)
	s.Created, s.Changed = at(created), at(changed)
	return s, err
}

// maxSegments bounds how many there are: all of them are read at once.
const maxSegments = 500

// SegmentByName is a segment; store.ErrNotFound without it.
func SegmentByName(tx *store.Tx, name string) (Segment, error) {
	return scanSegment(tx.QueryRow(segmentColumns+`WHERE name = ?`, name))
}

// Segments are all of them, by name.
func Segments(tx *store.Tx) ([]Segment, error) {
	return store.All(tx, scanSegment, segmentColumns+`ORDER BY name LIMIT ?`, maxSegments)
}

// SegmentHistory is a page of a segment's versions, the newest first.
func SegmentHistory(tx *store.Tx, name string, below, limit int) ([]Version, error) {
	return store.All(tx, scanVersion, `SELECT version, act, rule, comment, made_by, made_at FROM flags_evaluator_version WHERE name = ? AND version < ? ORDER BY version DESC LIMIT ?`, name, below, limit)
}

// segmentVersionOf is one version of a segment, whether it is there still or not.
func segmentVersionOf(tx *store.Tx, name string, number int) (Version, error) {
	return scanVersion(tx.QueryRow(`SELECT version, act, rule, comment, made_by, made_at FROM flags_evaluator_version WHERE name = ? AND version = ?`, name, number))
}

// UsersOf are the flags and segments that name a segment, at most fifty.
func UsersOf(tx *store.Tx, segment string) (names []string, err error) {
	all, err := referencesTo(tx, node{ofEvaluator, segment}, 50)
	for _, n := range all {
		names = append(names, n.String())
	}
	return names, err
}

// nextVersion goes on counting where a segment of this name ended.
func nextVersion(tx *store.Tx, name string) (n int, err error) {
	err = tx.QueryRow(`SELECT coalesce(max(version), 0) + 1 FROM flags_evaluator_version WHERE name = ?`, name).Scan(&n)
	return n, err
}

func putSegment(tx *store.Tx, s Segment, fresh bool) error {
	if !fresh {
		return tx.ExecOne(`UPDATE flags_evaluator SET rule = ?, about = ?, version = ?, changed_at = ? WHERE name = ?`, s.Rule, s.About, s.Version, s.Changed.UnixMilli(), s.Name)
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM (SELECT name FROM flags_evaluator LIMIT ?)`, maxSegments).Scan(&n); err != nil {
		return err
	}
	if n >= maxSegments {
		return web.Invalid(web.Field{Field: "name", Code: "too_many", Message: fmt.Sprintf("There are %d segments already. Delete one first.", maxSegments)})
	}
	_, err := tx.Exec(`INSERT INTO flags_evaluator (name, rule, about, version, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?)`,
		s.Name, s.Rule, s.About, s.Version, s.Created.UnixMilli(), s.Changed.UnixMilli())
	return err
}

func insertSegmentVersion(tx *store.Tx, name string, v Version) error {
	_, err := tx.Exec(`INSERT INTO flags_evaluator_version (name, version, act, rule, comment, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		name, v.Number, v.Act, v.Definition, v.Comment, v.By, v.At.UnixMilli())
	return err
}

// touchUsers has every flag compiled again that names a segment, over others too.
func (s *System) touchUsers(tx *store.Tx, segment string) error {
	s.touched(tx, segmentsChanged)
	keys, err := flagsNaming(tx, segment)
	for _, key := range keys {
		s.touched(tx, key)
	}
	return err
}

// flagsNaming are the flags that name a segment, over others too.
func flagsNaming(tx *store.Tx, segment string) (keys []string, err error) {
	seen, open := map[node]bool{}, []node{{ofEvaluator, segment}}
	for len(open) > 0 && len(seen) < maxWalk {
		here := open[0]
		open = open[1:]
		users, err := referencesTo(tx, here, maxWalk)
		if err != nil {
			return nil, err
		}
		for _, n := range users {
			if seen[n] {
				continue
			}
			seen[n] = true
			if n.kind == ofFlag {
				keys = append(keys, n.name)
			} else {
				open = append(open, n)
			}
		}
	}
	return keys, nil
}
