package flags

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// AnyVersion changes a flag whatever version it has; NoVersion makes one that does
// not exist yet.
const AnyVersion, NoVersion = -1, 0

// Save is what of a flag is to be stored.
type Save struct {
	Definition string // JSON
	Version    int    // the one it was made from, AnyVersion or NoVersion
	Comment    string
}

// Save makes a flag or gives it another definition. One that cannot be compiled is
// refused with a 422 that names the path, one that was made from another version
// than there is now with a 409 that says what differs.
func (s *System) Save(ctx context.Context, key string, in Save) (Flag, error) {
	return s.change(ctx, key, edit{act: "changed", version: in.Version, comment: in.Comment, definition: func(Flag, Definition) (string, error) { return in.Definition, nil }, makes: true})
}

// edit is one change of a flag.
type edit struct {
	act        string
	action     audit.Action // of the event; that of act if empty
	version    int
	comment    string
	makes      bool // a flag that does not exist is made
	definition func(was Flag, d Definition) (string, error)
	and        func(*store.Tx) error // in the same transaction; may be nil
	details    map[string]any
}

var errMoved = errors.New("the flag was changed meanwhile")

// change reads a flag, computes what it is to be outside of any transaction, and
// writes that if the flag has not moved meanwhile; else it begins again.
func (s *System) change(ctx context.Context, key string, e edit) (Flag, error) {
	var c web.Check
	e.comment = c.Text("comment", e.comment, 0, 500)
	if e.makes {
		checkKey(&c, "key", key)
	}
	if err := c.Err(); err != nil {
		return Flag{}, err
	}
	for {
		was, err := s.read(ctx, key)
		missing := isNotFound(err)
		if err != nil && !(missing && e.makes) {
			return Flag{}, err
		}
		now, err := s.compose(was, key, e, missing)
		if err != nil {
			return now, err
		}
		n := e.named(missing)
		ev := n.event(was, now)
		made, err := store.Write(ctx, s.DB, func(tx *store.Tx) (Flag, error) { return s.write(tx, was, now, n, ev) })
		if errors.Is(err, errMoved) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return made, err
		}
		return made, s.refresh(ctx)
	}
}

func (s *System) read(ctx context.Context, key string) (Flag, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (Flag, error) { return FlagByKey(tx, key) })
}

// compose is the flag as it is to be, checked and compiled.
func (s *System) compose(was Flag, key string, e edit, missing bool) (Flag, error) {
	var old Definition
	if !missing {
		old, _ = ReadDefinition(was.Definition) // of a faulty one what could be read
	}
	raw, err := e.definition(was, old)
	if err != nil {
		return was, err
	}
	switch {
	case missing && e.version > NoVersion:
		return was, store.ErrNotFound
	case !missing && e.version != AnyVersion && e.version != was.Version:
		return was, conflict(was, e.version, raw)
	}
	now := was
	if e.act == "archived" { // what is faulty too can be put away
		now.Version++
		return now, nil
	}
	d, err := checkDefinition(raw)
	if err != nil {
		return was, err
	}
	now.Key, now.Version, now.State, now.Owner = key, was.Version+1, d.stateOf(), d.Extension.Owner
	if was.State == Archived && e.act != "unarchived" {
		return was, errArchived
	}
	now.Expires, _ = d.Extension.expiry() // checked
	if now.Definition, err = d.object.compact(); err != nil {
		return was, fmt.Errorf("compact what was read: %w", err)
	}
	if _, err := s.compile(key, now.Definition, nil); err != nil {
		return was, err
	}
	return now, nil
}

var errArchived = &web.Error{Status: http.StatusConflict, Code: "archived", Public: "This flag is archived. Bring it back first."}

// conflict says what differs between the definition that somebody wants to save
// and the one that stands (RFC 9110 section 13.1.1).
func conflict(now Flag, version int, wanted string) error {
	e := &web.Error{Status: http.StatusConflict, Code: "version_conflict",
		Public: fmt.Sprintf("Somebody changed this flag meanwhile: it has version %d, and yours was made from version %d. Nothing was saved.", now.Version, version)}
	if version == NoVersion {
		e.Public = "There is a flag with this key already."
	}
	for _, d := range Diff(now.Definition, wanted) {
		e.Fields = append(e.Fields, web.Field{Field: d.Path, Code: "differs", Message: "It is " + brief(d.From) + " now, and " + brief(d.To) + " in what you sent."})
	}
	return e
}

// brief is JSON as far as an error shows it.
func brief(raw string) string {
	const most = 400
	switch {
	case raw == "":
		return "not there"
	case len(raw) > most:
		return web.CleanText(raw, most) + "…"
	}
	return raw
}

// write stores a change, if the flag is still the one that it was made from.
func (s *System) write(tx *store.Tx, was, now Flag, e edit, ev audit.Event) (Flag, error) {
	is, err := FlagByKey(tx, now.Key)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return was, err
	}
	if is.Version != was.Version {
		return was, errMoved
	}
	if !fresh && was.Definition == now.Definition && e.act == "changed" && e.and == nil {
		return was, nil // what is already so is no change
	}
	me, to := node{ofFlag, now.Key}, []node(nil)
	if e.act != "archived" { // which keeps nothing from being removed
		d, err := ReadDefinition(now.Definition)
		if err != nil {
			return was, err
		}
		to = d.references()
	}
	if err := checkReferences(tx, me, to, "definition"); err != nil {
		return was, err
	}
	now.Changed = tx.Now()
	if e.act == "archived" {
		now.State, now.Archived = Archived, now.Changed
	} else {
		now.Archived = time.Time{}
	}
	put := updateFlag
	if fresh {
		now.Created, put = now.Changed, insertFlag
	}
	if err := put(tx, now); err != nil {
		return was, err
	}
	if err := setReferences(tx, me, to); err != nil {
		return was, err
	}
	if err := insertVersion(tx, now.Key, Version{Number: now.Version, Act: e.act, Definition: now.Definition, Comment: e.comment, By: by(tx), At: now.Changed}); err != nil {
		return was, err
	}
	if e.and != nil {
		if err := e.and(tx); err != nil {
			return was, err
		}
	}
	s.touched(tx, now.Key)
	return now, s.Audit.Record(tx, ev)
}

// named is the edit with the act it is for a flag that did not exist.
func (e edit) named(missing bool) edit {
	if missing {
		e.act, e.action = "created", actCreated
	}
	return e
}

// event is what the log keeps of a change: what differs, and the digests of both
// definitions, which the history still has.
func (e edit) event(was, now Flag) audit.Event {
	action := e.action
	if action == "" {
		action = map[string]audit.Action{"changed": actChanged, "archived": actArchived, "unarchived": actUnarchived, "restored": actRestored, "scheduled": actChanged}[e.act]
	}
	ev := audit.Event{Action: action, Targets: []audit.Ref{refFlag(now.Key)}, Changes: map[string]audit.Change{}, Details: map[string]any{"version": now.Version, "sha256": digest(now.Definition)}}
	for name, v := range e.details {
		ev.Details[name] = v
	}
	if e.comment != "" {
		ev.Details["comment"] = e.comment
	}
	if was.Version == 0 {
		return ev
	}
	ev.Details["sha256_before"] = digest(was.Definition)
	for _, d := range Diff(was.Definition, now.Definition) {
		ev.Changes[d.Path] = audit.Change{From: brief(d.From), To: brief(d.To)}
	}
	return ev
}

func digest(definition string) string {
	sum := sha256.Sum256([]byte(definition))
	return hex.EncodeToString(sum[:])
}

// by is who makes a change, as the audit log writes it.
func by(tx *store.Tx) string {
	if who := web.IdentityOf(tx.Context()).Actor(); who != "" {
		return who
	}
	return "system:flags"
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// Flag is a flag by its key, archived ones too; store.ErrNotFound without it.
func (s *System) Flag(ctx context.Context, key string) (Flag, error) { return s.read(ctx, key) }
