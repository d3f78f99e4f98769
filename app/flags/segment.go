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

// SaveSegment is what of a segment is to be stored.
type SaveSegment struct {
	Rule, About string
	Version     int // the one it was made from, AnyVersion or NoVersion
	Comment     string
}

// segmentEdit is one change of a segment.
type segmentEdit struct {
	SaveSegment
	restores int // the version that it goes back to; 0: it goes back to none
}

// SaveSegment makes a segment or changes it. Every flag that names it must compile
// with it.
func (s *System) SaveSegment(ctx context.Context, name string, in SaveSegment) (Segment, error) {
	return s.changeSegment(ctx, name, segmentEdit{SaveSegment: in})
}

// RestoreSegment makes a segment what it was in an earlier version, also one that was
// deleted since. What is said of it for people has no versions and stays.
func (s *System) RestoreSegment(ctx context.Context, name string, number, version int, comment string) (Segment, error) {
	old, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Version, error) { return segmentVersionOf(tx, name, number) })
	if err != nil {
		return Segment{}, err
	}
	return s.changeSegment(ctx, name, segmentEdit{SaveSegment{Rule: old.Definition, Version: version, Comment: comment}, number})
}

func (s *System) changeSegment(ctx context.Context, name string, in segmentEdit) (Segment, error) {
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

func (s *System) writeSegment(tx *store.Tx, name string, in segmentEdit) (Segment, error) {
	was, err := SegmentByName(tx, name)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return was, err
	}
	if in.restores > 0 {
		in.About = was.About
	}
	switch {
	case fresh && in.Version > NoVersion:
		return was, store.ErrNotFound
	case !fresh && in.Version != AnyVersion && in.Version != was.Version:
		return was, segmentConflict(was, in.SaveSegment)
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
	ev := audit.Event{Action: actSegmentSet, Targets: []audit.Ref{{Type: "flag_segment", ID: name}}, Details: map[string]any{"version": now.Version}, Changes: map[string]audit.Change{}}
	if in.restores > 0 {
		act, ev.Action, ev.Details["restored_version"] = "restored", actSegmentRestored, in.restores
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

// DeleteSegment removes a segment that nothing names.
func (s *System) DeleteSegment(ctx context.Context, name string) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.deleteSegment(tx, name) })
	return errors.Join(err, s.refresh(ctx))
}

func (s *System) deleteSegment(tx *store.Tx, name string) error {
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
}
