package welcome

import (
	"context"
	"fmt"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// skipped are the steps that were put off, whole among them.
func skipped(tx *store.Tx) (map[string]bool, error) {
	all, err := store.All(tx, func(r store.Scanner) (step string, err error) { return step, r.Scan(&step) }, `SELECT step FROM welcome_skip ORDER BY step LIMIT 50`)
	set := map[string]bool{}
	for _, step := range all {
		set[step] = true
	}
	return set, err
}

var (
	errSkipped = &web.Error{Status: http.StatusConflict, Code: "skipped", Public: "This is put off already."}
	errCounts  = &web.Error{Status: http.StatusConflict, Code: "counts", Public: "This was not put off."}
)

// putOff has a step not count; whole is all of the set-up.
func (s *System) putOff(ctx context.Context, step string) error {
	event := audit.Event{Action: actSkipped, Targets: []audit.Ref{{Type: "setup_step", ID: step}}}
	if step == whole {
		event = audit.Event{Action: actClosed, Targets: []audit.Ref{{Type: "setup", ID: whole}}}
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		set, err := skipped(tx)
		if err != nil {
			return err
		}
		if set[step] {
			return errSkipped
		}
		if err := tx.ExecOne(`INSERT INTO welcome_skip (step, skipped_at, skipped_by) VALUES (?, ?, ?)`, step, tx.Now().UnixMilli(), web.IdentityOf(ctx).Actor()); err != nil {
			return fmt.Errorf("put step %s off: %w", step, err)
		}
		tx.AfterCommit(s.forget)
		return s.Audit.Record(tx, event)
	})
}

// takeUp has a step count again.
func (s *System) takeUp(ctx context.Context, step string) error {
	event := audit.Event{Action: actResumed, Targets: []audit.Ref{{Type: "setup_step", ID: step}}}
	if step == whole {
		event = audit.Event{Action: actOpened, Targets: []audit.Ref{{Type: "setup", ID: whole}}}
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(`DELETE FROM welcome_skip WHERE step = ?`, step)
		if err != nil {
			return fmt.Errorf("take step %s up: %w", step, err)
		}
		if n == 0 {
			return errCounts
		}
		tx.AfterCommit(s.forget)
		return s.Audit.Record(tx, event)
	})
}

// stepOf is the step that an address names; whole is none.
func stepOf(r *http.Request) (string, error) {
	step := r.PathValue("step")
	if titleOf(step) == "" {
		return "", web.ErrNotFound
	}
	return step, nil
}
