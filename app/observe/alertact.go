package observe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Acknowledge says that somebody looks after an alert: it is told of no more, and no banner shows it.
func (s *System) Acknowledge(ctx context.Context, id string) (Alert, error) {
	return s.changeAlert(ctx, id, actAlertAcked, func(tx *store.Tx, a *Alert, by string) error {
		if a.State() == "acknowledged" {
			return nil
		}
		a.AckedAt, a.AckedBy = tx.Now(), by
		if err := updateAlert(tx, *a); err != nil {
			return err
		}
		return addAlertEvent(tx, a.ID, "acknowledged", by, "")
	})
}

// ResolveAlert ends an alert about something that happened. One about something that lasts ends by itself.
func (s *System) ResolveAlert(ctx context.Context, id string) (Alert, error) {
	return s.changeAlert(ctx, id, actAlertResolved, func(tx *store.Tx, a *Alert, by string) error {
		if rule, _ := ruleOf(a.Rule); !rule.event {
			return &web.Error{Status: 409, Code: "lasts", Public: "This alert ends by itself when what it is about is well again. Acknowledge it, or hold it back for a time."}
		}
		return s.resolveAlert(tx, a, by, "")
	})
}

// changeAlert does something to an alert that is not over.
func (s *System) changeAlert(ctx context.Context, id string, act audit.Action, change func(tx *store.Tx, a *Alert, by string) error) (a Alert, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if a, err = alertByID(tx, id); err != nil {
			return err
		}
		if a.State() == "resolved" {
			return &web.Error{Status: 409, Code: "over", Public: "This alert is over already."}
		}
		if err := change(tx, &a, web.IdentityOf(ctx).User); err != nil {
			return err
		}
		if err := s.refresh(tx); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{{Type: "alert", ID: a.ID}}, Details: map[string]any{"rule": a.Rule}})
	})
	return a, err
}

// refresh has what pages show of alerts follow the commit.
func (s *System) refresh(tx *store.Tx) error {
	open, err := openAlerts(tx, mostOpen)
	if err == nil {
		tx.AfterCommit(func() { s.watch.open.Store(&open) })
	}
	return err
}

// SilenceChange is what somebody holds back.
type SilenceChange struct {
	Rule    string `json:"rule,omitempty" doc:"Left out for all"`
	Subject string `json:"subject,omitempty" doc:"Left out for all of the rule"`
	Minutes int64  `json:"minutes" doc:"For how long"`
	Note    string `json:"note,omitempty" doc:"Why"`
}

// MakeSilence holds back what channels are told, for a time.
func (s *System) MakeSilence(ctx context.Context, in SilenceChange) (made Silence, err error) {
	var bad web.Check
	_, known := ruleOf(in.Rule)
	bad.Fault(in.Rule == "" || known, "rule", "unknown", "A kind of rule, or nothing for all.")
	bad.Fault(in.Subject == "" || in.Rule != "", "subject", "rule", "Say which rule it is of.")
	bad.Fault(len(in.Subject) <= 300, "subject", "too_long", "As the alert has it.")
	bad.Fault(in.Minutes >= 1 && in.Minutes <= 7*24*60, "minutes", "range", "From 1 minute to 7 days, which are 10,080.")
	in.Note = bad.Text("note", in.Note, 0, 200)
	if err := bad.Err(); err != nil {
		return made, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := activeSilences(tx)
		if err != nil {
			return err
		}
		if len(all) >= maxSilences {
			return web.Invalid(web.Field{Field: "rule", Code: "too_many", Message: "There are as many silences as can be. End some."})
		}
		made = Silence{ID: tx.NewID("sil"), Rule: in.Rule, Subject: in.Subject, Until: tx.Now().Add(time.Duration(in.Minutes) * time.Minute), Note: in.Note, By: web.IdentityOf(ctx).User, CreatedAt: tx.Now()}
		if err := insertSilence(tx, made); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actSilenceMade, Targets: []audit.Ref{{Type: "silence", ID: made.ID}}, Details: map[string]any{"rule": in.Rule, "subject": in.Subject, "minutes": in.Minutes}})
	})
	return made, err
}

// EndSilence ends a silence before its time.
func (s *System) EndSilence(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endSilence(tx, id); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actSilenceEnded, Targets: []audit.Ref{{Type: "silence", ID: id}}})
	})
}

// Silences are those that hold now, the first to end first.
func (s *System) Silences(ctx context.Context) ([]Silence, error) {
	return store.Read(ctx, s.DB, activeSilences)
}

// Rules are all rules as they are set.
func (s *System) Rules(ctx context.Context) ([]Rule, error) {
	return store.Read(ctx, s.DB, ruleSettings)
}

// ChangeRule sets a rule.
func (s *System) ChangeRule(ctx context.Context, kind string, in RuleChange) (r Rule, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := ruleSettings(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(r Rule) bool { return r.Kind == kind })
		if i < 0 {
			return web.ErrNotFound
		}
		if r, err = in.apply(all[i]); err != nil {
			return err
		}
		if err := putRule(tx, r); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actRuleChanged, Targets: []audit.Ref{{Type: "rule", ID: kind}},
			Details: map[string]any{"enabled": r.Enabled, "critical": r.Critical, "bound": r.Bound, "minutes": r.Minutes, "factor": r.Factor}})
	})
	return r, err
}

// AlertPage is one page of alerts.
type AlertPage struct {
	Alerts []AlertState `json:"alerts"`
	Next   string       `json:"next_cursor,omitempty"`
}

// AlertState is an alert with its state.
type AlertState struct {
	Alert
	State string `json:"state"`
}

func stated(all []Alert) []AlertState {
	out := make([]AlertState, len(all))
	for i, a := range all {
		out[i] = AlertState{a, a.State()}
	}
	return out
}

// Alerts lists alerts, the newest first: those that are not over, or all.
func (s *System) Alerts(ctx context.Context, all bool, before string, limit int) (page AlertPage, err error) {
	var bad web.Check
	checkLimit(&bad, limit)
	_, isID := store.IDTime(before)
	bad.Fault(before == "" || isID, "cursor", "form", "Use next_cursor of the page before.")
	if err := bad.Err(); err != nil {
		return page, err
	}
	found, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]Alert, error) {
		switch {
		case all:
			return pastAlerts(tx, cmp.Or(before, "alt_~"), limit+1) // which is after every id
		case before == "":
			return openAlerts(tx, limit+1)
		}
		last, err := alertByID(tx, before)
		if err != nil {
			return nil, err
		}
		return openAlertsBefore(tx, last.FiredAt.UnixMilli(), last.ID, limit+1)
	})
	if len(found) > limit {
		found = found[:limit]
		page.Next = found[limit-1].ID
	}
	page.Alerts = stated(found)
	return page, err
}

// AlertDetail is an alert with its life.
type AlertDetail struct {
	AlertState
	Events []AlertEvent `json:"events"`
}

// AlertDetail returns an alert, or store.ErrNotFound.
func (s *System) AlertDetail(ctx context.Context, id string) (AlertDetail, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (d AlertDetail, err error) {
		a, err := alertByID(tx, id)
		events, more := alertEvents(tx, id)
		return AlertDetail{AlertState{a, a.State()}, events}, errors.Join(err, more)
	})
}
