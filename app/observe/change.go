package observe

import (
	"context"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Change is what somebody decides about an issue. One of Status and Assignee is given.
type Change struct {
	Status     string  `json:"status,omitempty" doc:"open, resolved or ignored"`
	NextFix    bool    `json:"in_next,omitempty" doc:"Resolved in the next release: this one may still show it"`
	IgnoreDays int64   `json:"ignore_days,omitempty" doc:"For how long; 0 for good"`
	Assignee   *string `json:"assignee,omitempty" doc:"Id of a user; empty for nobody"`
}

func (c Change) check() error {
	var bad web.Check
	bad.Fault((c.Status != "") != (c.Assignee != nil), "status", "alone", "Give either a status or an assignee.")
	bad.Fault(c.Status == "" || c.Status == "open" || c.Status == "resolved" || c.Status == "ignored", "status", "unknown", "One of open, resolved and ignored.")
	bad.Fault(c.IgnoreDays >= 0 && c.IgnoreDays <= 365, "ignore_days", "range", "From 0, which is for good, to 365.")
	bad.Fault(c.IgnoreDays == 0 || c.Status == "ignored", "ignore_days", "status", "Only what is ignored has an end.")
	bad.Fault(!c.NextFix || c.Status == "resolved", "in_next", "status", "Only what is resolved is so in a release.")
	return bad.Err()
}

// apply makes the change.
func (c Change) apply(i Issue, now time.Time) Issue {
	if c.Assignee != nil {
		i.Assignee = *c.Assignee
		return i
	}
	i.Status, i.ResolvedAt, i.ResolvedIn, i.IgnoredUntil = c.Status, time.Time{}, "", time.Time{}
	switch c.Status {
	case "resolved":
		i.ResolvedAt, i.RegressedAt = now, time.Time{}
		if c.NextFix {
			i.ResolvedIn = i.LastRelease
		}
	case "ignored":
		if c.IgnoreDays > 0 {
			i.IgnoredUntil = now.Add(time.Duration(c.IgnoreDays) * 24 * time.Hour)
		}
	}
	return i
}

// event is what the audit log says of it.
func (c Change) event(i Issue) audit.Event {
	e := audit.Event{Targets: []audit.Ref{{Type: "error", ID: i.ID}}, Details: map[string]any{"title": i.Title}}
	switch {
	case c.Assignee != nil && *c.Assignee != "":
		e.Action = actAssigned
		e.Targets = append(e.Targets, audit.User(*c.Assignee))
	case c.Assignee != nil:
		e.Action = actAssigned
		e.Details["to"] = "nobody"
	case c.Status == "resolved":
		e.Action = actResolved
		e.Details["in_next"] = c.NextFix
	case c.Status == "ignored":
		e.Action = actIgnored
		e.Details["days"] = c.IgnoreDays
	default:
		e.Action = actReopened
	}
	return e
}

// Change decides something about an issue. Two files cannot be one transaction: the event
// comes first, durably, so that nothing is changed that nobody can look up.
func (s *System) Change(ctx context.Context, id string, c Change) (Issue, error) {
	if err := c.check(); err != nil {
		return Issue{}, err
	}
	i, err := s.Issue(ctx, id)
	if err != nil {
		return Issue{}, err
	}
	if i.MergedInto != "" {
		return Issue{}, &web.Error{Status: http.StatusConflict, Code: "merged", Public: "This error was merged into another, which stands for it: " + i.MergedInto + "."}
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if c.Assignee != nil && *c.Assignee != "" {
			_, err := s.People(tx, *c.Assignee)
			if errors.Is(err, store.ErrNotFound) {
				return web.Invalid(web.Field{Field: "assignee", Code: "unknown", Message: "There is no such user."})
			}
			if err != nil {
				return err
			}
		}
		return s.Audit.Record(tx, c.event(i))
	})
	if err != nil {
		return Issue{}, err
	}
	main, err := s.files.mainFile(s.now())
	if err != nil {
		return Issue{}, err
	}
	err = main.Write(ctx, func(tx *store.Tx) (err error) {
		if i, err = issueByID(tx, id); err != nil { // as it is now: it may have been seen meanwhile
			return err
		}
		i = c.apply(i, s.now())
		return setIssue(tx, i)
	})
	s.news.tell()
	return i, err
}

// Issue returns an issue, or store.ErrNotFound.
func (s *System) Issue(ctx context.Context, id string) (i Issue, err error) {
	err = store.ErrNotFound // until there is a file
	read := s.issues(ctx, func(tx *store.Tx) error {
		i, err = issueByID(tx, id)
		return nil
	})
	return i, errors.Join(read, err)
}
