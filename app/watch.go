package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/console"
	"seaworthy/app/dial"
	"seaworthy/app/email"
	"seaworthy/app/jobs"
	"seaworthy/app/observe"
	"seaworthy/queue"
	"seaworthy/store"
)

// outside is what alerts look at beside telemetry, and how they tell people.
func (a *App) outside() (observe.Outside, error) {
	o := observe.Outside{Production: a.Config.Production(), Keys: a.keys, Readings: a.standing, Operators: operators, Fate: email.Fate, MessageOf: email.MessageOf,
		Mail: func(tx *store.Tx, l observe.Letter) (string, error) {
			return a.Email.Send(tx, email.Message{To: l.To, Template: l.Template, Vars: l.Vars, Lists: l.Lists, User: l.User})
		}}
	allowed, err := dial.Allow(a.Config.AlertPlaces()...)
	if err != nil {
		return o, &config.FaultError{Faults: []string{fmt.Sprintf("SEAWORTHY_ALERTS_ALLOW: %v", err)}}
	}
	o.Dialer = dial.Dialer{Allowed: allowed, Resolver: a.o.Resolver}
	return o, nil
}

// mostOperators bounds how many are told of an alert.
const mostOperators = 50

// operators are those who may see alerts, with an address that is known to be theirs.
func operators(tx *store.Tx) ([]observe.Operator, error) {
	all, _, err := auth.People(tx, auth.Filter{Only: "operators"}, mostOperators)
	var some []observe.Operator
	for _, p := range all {
		if p.Status == "active" && p.Verified {
			some = append(some, observe.Operator{User: p.ID, Address: p.Email})
		}
	}
	return some, err
}

// standing reads how everything stands that a rule is about.
func (a *App) standing(ctx context.Context, unknown func(string)) []observe.Reading {
	all := a.queueReadings(ctx, unknown)
	all = append(all, a.troubleReadings(ctx, unknown)...)
	health := func(rule, path string, h ...console.Health) {
		for _, one := range h {
			all = append(all, observe.Reading{Rule: rule, Bad: one.Kind == "warn" || one.Kind == "danger", Detail: sentence(one.Detail), Path: path})
		}
	}
	health("audit", "/-/admin/audit", a.auditHealth())
	health("backup", "/-/admin/backups", a.backupHealth()...)
	if db := a.databaseHealth(); db.Kind != "warn" { // one that holds the writer for a moment is logged, no more
		health("database", "/-/admin", db)
	}
	st := a.Observe.Status()
	all = append(all, observe.Reading{Rule: "telemetry", Bad: st.Problem != "", Detail: sentence(st.Problem), Path: "/-/admin/observe"})
	return append(all, a.machineReadings(ctx, unknown)...)
}

func (a *App) queueReadings(ctx context.Context, unknown func(string)) (all []observe.Reading) {
	var lines []queue.Line
	dead := 0
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if lines, err = queue.Lines(tx, 1); err == nil {
			dead, err = queue.CountState(tx, queue.Dead, 1000)
		}
		return err
	})
	if err != nil {
		for _, rule := range []string{"job_age", "jobs_dead", "queue_stuck"} {
			unknown(rule)
		}
		return nil
	}
	for _, l := range lines {
		if !l.Paused && l.Rate == 0 && l.Queue != observe.Queue { // alerting is not alerted of
			all = append(all, observe.Reading{Rule: "job_age", Subject: l.Queue, Name: l.Queue, Value: l.Oldest.Seconds(), Path: "/-/admin/jobs?state=available",
				Detail: fmt.Sprintf("The job of the queue %s that has waited longest could have run %s ago.", l.Queue, l.Oldest.Round(time.Second))})
		}
	}
	for _, name := range a.Queue.Halted(lines, 5*time.Minute) {
		if name == observe.Queue {
			continue
		}
		all = append(all, observe.Reading{Rule: "queue_stuck", Subject: name, Name: name, Bad: true, Path: "/-/admin/jobs", Detail: "No job of the queue " + name + " has started for five minutes, though some could."})
	}
	return append(all, observe.Reading{Rule: "jobs_dead", Value: float64(dead), Path: "/-/admin/jobs?state=dead", Detail: "Jobs that gave up wait for a person: run them again, or let them be."})
}

// troubleReadings are providers of mail and endpoints that need a person.
func (a *App) troubleReadings(ctx context.Context, unknown func(string)) (all []observe.Reading) {
	var mail []email.Trouble
	var ends []jobs.Trouble
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if mail, err = a.Email.Troubles(tx); err == nil {
			ends, err = jobs.Troubles(tx)
		}
		return err
	})
	if err != nil {
		unknown("mail_stopped")
		unknown("endpoint_disabled")
		return nil
	}
	for _, t := range mail {
		word := "It refuses our key"
		if t.State == "quota" {
			word = "Its allowance is used up"
		}
		all = append(all, observe.Reading{Rule: "mail_stopped", Subject: t.Provider, Name: t.Provider, Bad: true, Path: "/-/admin/email/providers", Detail: word + ": " + t.Why})
	}
	for _, t := range ends {
		why := fmt.Sprintf("Most deliveries failed; it is left alone until %s, and its jobs wait.", t.Until.Format("15:04 UTC"))
		if t.Disabled {
			why = "It answered 410 Gone and is disabled; its jobs wait until it is enabled."
		}
		all = append(all, observe.Reading{Rule: "endpoint_disabled", Subject: t.Endpoint, Name: t.Endpoint, Bad: true, Path: "/-/admin/jobs", Detail: why})
	}
	return all
}

// machineReadings are about this machine and its replica.
func (a *App) machineReadings(ctx context.Context, unknown func(string)) (all []observe.Reading) {
	if free, total, err := a.Observe.Disk(filepath.Dir(a.DB.Path())); err != nil || total == 0 {
		unknown("disk")
	} else {
		share := float64(free) * 100 / float64(total)
		all = append(all, observe.Reading{Rule: "disk", Value: share, Critical: share < 5, Path: "/-/admin/observe",
			Detail: fmt.Sprintf("%.1f GB of %.1f GB are free where the data lies. When nothing is, nothing can be written.", float64(free)/1e9, float64(total)/1e9)})
	}
	if r := a.replica; r != nil {
		st := r.Status()
		one := observe.Reading{Rule: "replica", Value: st.LagSeconds, Path: "/-/admin/backups", Detail: fmt.Sprintf("The newest %.0f seconds of commits are only on this machine.", st.LagSeconds)}
		if st.LastError != nil {
			one.Bad, one.Detail = st.LagSeconds > 20, one.Detail+" The replica cannot be written: "+st.LastError.Error()
		}
		all = append(all, one)
	}
	if until := a.certificateEnd(); !until.IsZero() {
		days := until.Sub(a.DB.Now()).Hours() / 24
		all = append(all, observe.Reading{Rule: "certificate", Value: days, Path: "/-/admin", Detail: "It is valid until " + until.UTC().Format("2 Jan 2006, 15:04 UTC") + ". It was to be renewed before."})
	}
	if off, err := a.clockOff(ctx); err != nil {
		unknown("clock")
	} else {
		all = append(all, observe.Reading{Rule: "clock", Value: off.Seconds(), Path: "/-/admin", Detail: fmt.Sprintf("The newest event of the audit log is %s ahead of the clock: it was set back. Tokens and schedules go by it.", off.Round(time.Second))})
	}
	return all
}

// clockOff is how far the newest committed event is ahead of the clock: it was set back.
func (a *App) clockOff(ctx context.Context) (off time.Duration, err error) {
	err = a.DB.Read(ctx, func(tx *store.Tx) error {
		newest, err := audit.List(tx, audit.Filter{Limit: 1})
		if len(newest) == 1 {
			off = max(0, newest[0].Time.Sub(tx.Now()))
		}
		return err
	})
	return off, err
}

// certificateEnd is when the certificate in use runs out; zero without one.
func (a *App) certificateEnd() time.Time {
	s := a.tls.Load()
	if s == nil {
		return time.Time{}
	}
	return s.end()
}

// sentence is a detail as a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	if c := text[0]; c >= 'a' && c <= 'z' {
		text = string(c-'a'+'A') + text[1:]
	}
	if last := text[len(text)-1]; last != '.' && last != '?' {
		text += "."
	}
	return text
}
