package flags

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Segment is a rule that flags share by name: one of flagd's $evaluators.
type Segment struct {
	Name, Rule, About string
	Version           int
	Created, Changed  time.Time
}

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

// UsersOf are the flags and segments that name a segment, at most fifty.
func UsersOf(tx *store.Tx, segment string) (names []string, err error) {
	all, err := referencesTo(tx, node{ofEvaluator, segment}, 50)
	for _, n := range all {
		names = append(names, n.String())
	}
	return names, err
}

// SaveSegment is what of a segment is to be stored.
type SaveSegment struct {
	Rule, About string
	Version     int // the one it was made from, AnyVersion or NoVersion
	Comment     string
}

// SaveSegment makes a segment or changes it. Every flag that names it must compile
// with it.
func (s *System) SaveSegment(ctx context.Context, name string, in SaveSegment) (Segment, error) {
	var c web.Check
	checkKey(&c, "name", name)
	in.About, in.Comment = c.Text("about", in.About, 0, 200), c.Text("comment", in.Comment, 0, 500)
	if err := c.Err(); err != nil {
		return Segment{}, err
	}
	if err := bounded([]byte(in.Rule), "rule"); err != nil {
		return Segment{}, err
	}
	rule := jsontext.Value(in.Rule)
	if err := rule.Compact(); err != nil || rule.Kind() != '{' {
		return Segment{}, web.Invalid(web.Field{Field: "rule", Code: "form", Message: "A segment is one rule of JsonLogic: an object."})
	}
	in.Rule = string(rule)
	if err := s.checkSegment(ctx, name, in.Rule); err != nil {
		return Segment{}, err
	}
	made, err := store.Write(ctx, s.DB, func(tx *store.Tx) (Segment, error) { return s.writeSegment(tx, name, in) })
	if err != nil {
		return made, err
	}
	return made, s.refresh(ctx)
}

func (s *System) writeSegment(tx *store.Tx, name string, in SaveSegment) (Segment, error) {
	was, err := SegmentByName(tx, name)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return was, err
	}
	switch {
	case fresh && in.Version > NoVersion:
		return was, store.ErrNotFound
	case !fresh && in.Version != AnyVersion && in.Version != was.Version:
		return was, segmentConflict(was, in)
	case !fresh && was.Rule == in.Rule && was.About == in.About:
		return was, nil
	}
	me, to := node{ofEvaluator, name}, segmentsIn(in.Rule)
	if err := checkReferences(tx, me, to, "rule"); err != nil {
		return was, err
	}
	now := Segment{Name: name, Rule: in.Rule, About: in.About, Created: was.Created, Changed: tx.Now()}
	if now.Version, err = nextVersion(tx, name); err != nil {
		return was, err
	}
	act := "changed"
	if fresh {
		act, now.Created = "created", now.Changed
	}
	if err := putSegment(tx, now, fresh); err != nil {
		return was, err
	}
	if err := insertSegmentVersion(tx, name, Version{Number: now.Version, Act: act, Definition: now.Rule, Comment: in.Comment, By: by(tx), At: now.Changed}); err != nil {
		return was, err
	}
	if err := setReferences(tx, me, to); err != nil {
		return was, err
	}
	if err := s.touchUsers(tx, name); err != nil {
		return was, err
	}
	ev := audit.Event{Action: actSegmentSet, Targets: []audit.Ref{{Type: "flag_segment", ID: name}}, Details: map[string]any{"version": now.Version}, Changes: map[string]audit.Change{}}
	if was.Rule != now.Rule {
		ev.Changes["rule"] = audit.Change{From: brief(was.Rule), To: brief(now.Rule)}
	}
	return now, s.Audit.Record(tx, ev)
}

func segmentConflict(now Segment, in SaveSegment) error {
	e := &web.Error{Status: http.StatusConflict, Code: "version_conflict",
		Public: fmt.Sprintf("Somebody changed this segment meanwhile: it has version %d, and yours was made from version %d. Nothing was saved.", now.Version, in.Version)}
	if in.Version == NoVersion {
		e.Public = "There is a segment with this name already."
	}
	if now.Rule != in.Rule {
		e.Fields = []web.Field{{Field: "rule", Code: "differs", Message: "It is " + brief(now.Rule) + " now, and " + brief(in.Rule) + " in what you sent."}}
	}
	return e
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

// DeleteSegment removes a segment that nothing names.
func (s *System) DeleteSegment(ctx context.Context, name string) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := SegmentByName(tx, name)
		if err != nil {
			return err
		}
		me := node{ofEvaluator, name}
		if err := refuseNeeded(tx, me, "This segment"); err != nil {
			return err
		}
		number, err := nextVersion(tx, name)
		if err != nil {
			return err
		}
		if err := tx.ExecOne(`DELETE FROM flags_evaluator WHERE name = ?`, name); err != nil {
			return err
		}
		if err := setReferences(tx, me, nil); err != nil {
			return err
		}
		if err := insertSegmentVersion(tx, name, Version{Number: number, Act: "deleted", Definition: was.Rule, By: by(tx), At: tx.Now()}); err != nil {
			return err
		}
		s.touched(tx, segmentsChanged)
		return s.Audit.Record(tx, audit.Event{Action: actSegmentDeleted, Targets: []audit.Ref{{Type: "flag_segment", ID: name}}})
	})
	return errors.Join(err, s.refresh(ctx))
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
