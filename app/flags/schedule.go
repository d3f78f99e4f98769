package flags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Change is a patch of a flag that waits for its time, or did.
type Change struct {
	ID, Key  string
	Patch    Patch
	State    string // scheduled applied cancelled failed
	Due      time.Time
	Job      string
	Comment  string
	By       string
	Made     time.Time
	Ended    time.Time
	Fault    string // why it failed
	patchRaw string
}

const changeColumns = `SELECT id, key, patch, state, due_at, job_id, comment, made_by, made_at, coalesce(ended_at, 0), fault FROM flags_change `

func scanChange(r store.Scanner) (c Change, err error) {
	var due, made, ended int64
	if err = r.Scan(&c.ID, &c.Key, &c.patchRaw, &c.State, &due, &c.Job, &c.Comment, &c.By, &made, &ended, &c.Fault); err != nil {
		return c, err
	}
	c.Due, c.Made, c.Ended = at(due), at(made), at(ended)
	return c, json.Unmarshal([]byte(c.patchRaw), &c.Patch)
}

// ChangeByID is one of them.
func ChangeByID(tx *store.Tx, id string) (Change, error) {
	return scanChange(tx.QueryRow(changeColumns+`WHERE id = ?`, id))
}

// Changes are a flag's, the newest first, before an id.
func Changes(tx *store.Tx, key, before string, limit int) ([]Change, error) {
	if before == "" {
		before = "~"
	}
	return store.All(tx, scanChange, changeColumns+`WHERE key = ? AND id < ? ORDER BY id DESC LIMIT ?`, key, before, limit)
}

// maxWaiting bounds the changes of one flag that wait, maxAhead how far ahead.
const (
	maxWaiting = 50
	maxAhead   = 366 * 24 * time.Hour
)

// makeChange is the job that makes a planned change at its time.
type makeChange struct {
	ID string `json:"id"`
}

// Kind implements queue.Args.
func (makeChange) Kind() string { return "flags.change" }

// Schedule plans a patch of a flag for a time.
func (s *System) Schedule(ctx context.Context, key string, p Patch, due time.Time, comment string) (Change, error) {
	var c web.Check
	comment = c.Text("comment", comment, 0, 500)
	now := s.DB.Now()
	c.Fault(due.After(now) && due.Before(now.Add(maxAhead)), "due_at", "range", "A time from now to 366 days ahead.")
	c.Fault(!p.Empty(), "patch", "required", "Say what is to change.")
	if err := c.Err(); err != nil {
		return Change{}, err
	}
	was, err := s.read(ctx, key)
	if err != nil {
		return Change{}, err
	}
	if err := s.tryPatch(was, p); err != nil {
		return Change{}, err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return Change{}, err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (Change, error) {
		if err := refuseMany(tx, key); err != nil {
			return Change{}, err
		}
		ch := Change{ID: tx.NewID("fch"), Key: key, Patch: p, State: "scheduled", Due: due.UTC(), Comment: comment, By: by(tx), Made: tx.Now()}
		ticket, err := queue.Enqueue(tx, makeChange{ch.ID}, queue.At(due))
		if err != nil {
			return ch, err
		}
		ch.Job = ticket.ID
		if _, err := tx.Exec(`INSERT INTO flags_change (id, key, patch, state, due_at, job_id, comment, made_by, made_at, fault) VALUES (?, ?, ?, 'scheduled', ?, ?, ?, ?, ?, '')`,
			ch.ID, key, string(raw), due.UnixMilli(), ch.Job, comment, ch.By, ch.Made.UnixMilli()); err != nil {
			return ch, err
		}
		return ch, s.Audit.Record(tx, audit.Event{Action: actScheduled, Targets: []audit.Ref{refFlag(key), {Type: "job", ID: ch.Job}},
			Details: map[string]any{"change": ch.ID, "due_at": due.UTC().Format(time.RFC3339), "patch": p, "comment": comment}})
	})
}

// tryPatch says whether a patch would do now.
func (s *System) tryPatch(was Flag, p Patch) error {
	if was.State == Archived {
		return errArchived
	}
	d, err := ReadDefinition(was.Definition)
	if err != nil {
		return err
	}
	raw, err := p.apply(d)
	if err != nil {
		return err
	}
	if _, err := checkDefinition(raw); err != nil {
		return err
	}
	_, err = s.compile(was.Key, raw, nil)
	return err
}

func refuseMany(tx *store.Tx, key string) error {
	var waiting int
	err := tx.QueryRow(`SELECT count(id) FROM (SELECT id FROM flags_change WHERE key = ? AND state = 'scheduled' LIMIT ?)`, key, maxWaiting).Scan(&waiting)
	if err != nil {
		return err
	}
	if waiting >= maxWaiting {
		return web.Invalid(web.Field{Field: "due_at", Code: "too_many", Message: fmt.Sprintf("%d changes of this flag wait already.", maxWaiting)})
	}
	return nil
}

var errEnded = &web.Error{Status: http.StatusConflict, Code: "not_scheduled", Public: "This change does not wait any more."}

// Unschedule drops a change that waits.
func (s *System) Unschedule(ctx context.Context, key, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		ch, err := ChangeByID(tx, id)
		switch {
		case err != nil:
			return err
		case ch.Key != key:
			return store.ErrNotFound
		case ch.State != "scheduled":
			return errEnded
		}
		if err := endChange(tx, id, "cancelled", ""); err != nil {
			return err
		}
		if err := s.Queue.Cancel(tx, ch.Job); err != nil && !isNotFound(err) {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actUnscheduled, Targets: []audit.Ref{refFlag(key)}, Details: map[string]any{"change": id}})
	})
}

// endChange ends a change that waits; store.ErrNotFound when it does not any more,
// which is what makes it happen once, however often its job runs and whatever the
// clock says.
func endChange(tx *store.Tx, id, state, fault string) error {
	return tx.ExecOne(`UPDATE flags_change SET state = ?, ended_at = ?, fault = ? WHERE id = ? AND state = 'scheduled'`, state, tx.Now().UnixMilli(), fault, id)
}

// makeChange makes a planned change.
func (s *System) makeChange(ctx context.Context, job queue.Job[makeChange]) error {
	ch, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Change, error) { return ChangeByID(tx, job.Args.ID) })
	if err != nil {
		return err
	}
	if ch.State != "scheduled" {
		return nil
	}
	_, err = s.change(ctx, ch.Key, edit{act: "scheduled", version: AnyVersion, comment: ch.Comment, details: map[string]any{"change": ch.ID, "planned_by": ch.By},
		definition: func(_ Flag, d Definition) (string, error) { return ch.Patch.apply(d) },
		and:        func(tx *store.Tx) error { return endChange(tx, ch.ID, "applied", "") }})
	if isNotFound(err) {
		return nil // somebody dropped it meanwhile
	}
	var e *web.Error
	if !errors.As(err, &e) || e.Status >= 500 {
		return err // tried again, or done
	}
	fault := e.Public
	for _, f := range e.Fields {
		fault += " " + f.Field + ": " + f.Message
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endChange(tx, ch.ID, "failed", web.CleanText(fault, 500)); err != nil {
			return ignoreNotFound(err)
		}
		return s.Audit.Record(tx, audit.Event{Action: actScheduleFailed, Targets: []audit.Ref{refFlag(ch.Key)}, Details: map[string]any{"change": ch.ID, "fault": web.CleanText(fault, 500)}})
	})
}

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
