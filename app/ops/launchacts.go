package ops

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

const mostWhy = 300 // characters of a reason

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}\.[a-z0-9_]{1,30}$`)

// LookAgain has the DNS and the public address asked now, by a job. One that waits already will do.
func (s *System) LookAgain(ctx context.Context) (job string, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		ticket, err := queue.Enqueue(tx, Look{}, queue.Unique("look", 0), queue.UniqueAmong(queue.Scheduled, queue.Blocked, queue.Available, queue.Retryable),
			queue.Timeout(2*lookTime), queue.MaxAttempts(1))
		if err != nil {
			return err
		}
		job = ticket.ID
		return s.Audit.Record(tx, audit.Event{Action: actLook, Targets: []audit.Ref{{Type: "job", ID: job}}})
	})
	return job, err
}

// Dismiss says that a check is not for this installation. What is so already is a conflict.
func (s *System) Dismiss(ctx context.Context, key, why string) error {
	why = strings.Join(strings.Fields(why), " ")
	if n := len([]rune(why)); n > mostWhy {
		return web.Invalid(web.Field{Field: "why", Code: "too_long", Message: "At most 300 characters."})
	}
	if err := s.known(ctx, key); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := insertDismissal(tx, key, why, web.IdentityOf(ctx).Actor())
		if err != nil {
			return err
		}
		if !fresh {
			return &web.Error{Status: http.StatusConflict, Code: "dismissed", Public: "This point is dismissed already."}
		}
		return s.Audit.Record(tx, audit.Event{Action: actDismissed, Targets: []audit.Ref{{Type: "launch_check", ID: key}}, Details: map[string]any{"why": why}})
	})
}

// known reports a key of no check as not found.
func (s *System) known(ctx context.Context, key string) error {
	if !keyForm.MatchString(key) {
		return web.ErrNotFound
	}
	points, err := store.Read(ctx, s.DB, s.Checklist)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(points, func(i Point) bool { return i.Key == key }) {
		return web.ErrNotFound
	}
	return nil
}

// Restore counts a check again that was dismissed.
func (s *System) Restore(ctx context.Context, key string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := deleteDismissal(tx, key); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actRestored, Targets: []audit.Ref{{Type: "launch_check", ID: key}}})
	})
}
