package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// watch is what the looks know of each other.
type watch struct {
	mu      sync.Mutex           // one look at a time
	since   map[string]time.Time // findings that do not last long enough yet, by rule and subject
	traffic []finding            // of the last reading of history
	read    time.Time            // when that was
	started bool
	tidied  time.Time
	open    atomic.Pointer[[]Alert] // as committed
}

// stormy is how many new errors at one look are a storm.
const stormy = 5

// lookEvery is how often it is looked whether something is to be told.
const lookEvery = 15 * time.Second

// Watch looks after the rules until ctx ends.
func (s *System) Watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		// Not through the log that is watched: a look that fails must not be what is told of next.
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.own.Warn("alerts could not be looked after", "err", err)
		}
	}
}

// look is what one look saw, before anything is decided.
type look struct {
	rules    map[string]Rule
	findings []finding
	unknown  map[string]bool // rules of which nothing could be seen: their alerts stay as they are
	signals  []signal
	more     int
	over     map[string]string // alerts about issues that are over, and why
}

// Look sees how everything stands, and brings alerts, and who is to be told, up to it in one transaction.
func (s *System) Look(ctx context.Context) error {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	var settings []Rule
	var open []Alert
	idle := false
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if settings, err = ruleSettings(tx); err == nil {
			open, err = openAlerts(tx, mostOpen)
		}
		if err == nil && len(open) == 0 {
			idle, err = nothingToTell(tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	l := s.see(ctx, settings, open)
	if idle && l.quiet() { // nothing is written four times a minute to say that nothing happened
		s.watch.since = nil
		s.watch.open.Store(&open)
		return s.tidyAlerts(ctx)
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.decide(tx, l); err != nil {
			return err
		}
		now, err := openAlerts(tx, mostOpen)
		if err == nil {
			tx.AfterCommit(func() { s.watch.open.Store(&now) })
		}
		return err
	})
	if err != nil {
		s.signals.back(l.signals, l.more)
		return err
	}
	return s.tidyAlerts(ctx)
}

// quiet reports whether there is nothing to decide.
func (l *look) quiet() bool {
	return len(l.signals) == 0 && l.more == 0 && !slices.ContainsFunc(l.findings, func(f finding) bool { return f.bad })
}

// tidyAlerts deletes, once an hour, what is too old to be asked for.
func (s *System) tidyAlerts(ctx context.Context) error {
	if s.now().Sub(s.watch.tidied) < time.Hour {
		return nil
	}
	s.watch.tidied = s.now()
	return s.DB.Write(ctx, func(tx *store.Tx) error { return forgetAlerts(tx, tx.Now().Add(-keepIssues)) })
}

// see reads everything that rules are about. What cannot be read is unknown.
func (s *System) see(ctx context.Context, settings []Rule, open []Alert) look {
	l := look{rules: map[string]Rule{}, unknown: map[string]bool{}, over: map[string]string{}}
	for _, r := range settings {
		l.rules[r.Kind] = r
	}
	if s.Outside.Readings != nil {
		for _, r := range s.Outside.Readings(ctx, func(rule string) { l.unknown[rule] = true }) {
			l.findings = append(l.findings, found(l.rules[r.Rule], r))
		}
	}
	l.signals, l.more = s.signals.take()
	s.seeTraffic(ctx, &l)
	s.seeMonitors(ctx, &l)
	if !s.watch.started {
		missed, err := s.missed(ctx)
		s.watch.started = err == nil
		l.signals = append(l.signals, missed...)
	}
	err := s.issues(ctx, func(tx *store.Tx) error {
		for _, a := range open {
			if l.rules[a.Rule].event {
				if over, note := s.overIssue(tx, a, s.now()); over {
					l.over[a.ID] = note
				}
			}
		}
		return nil
	})
	if err != nil {
		clear(l.over)
	}
	return l
}

// seeTraffic looks at history once a minute, and at once when a storm begins, so that it is told of as one;
// in between what it found last still counts.
func (s *System) seeTraffic(ctx context.Context, l *look) {
	slow, burst := l.rules[ruleSlow], l.rules[ruleBurst]
	if s.now().Sub(s.watch.read) >= time.Minute || len(l.signals) >= stormy {
		t, err := s.readTraffic(ctx, time.Duration(slow.Minutes)*time.Minute, time.Duration(burst.Minutes)*time.Minute)
		if err != nil {
			l.unknown[ruleSlow], l.unknown[ruleBurst] = true, true
			return
		}
		s.watch.read = s.now()
		routes := t.slowRoutes(slow, minutesOf(slow.Minutes))
		for i := range routes {
			if routes[i].bad {
				routes[i].alert.Detail += s.whereItGoes(ctx, routes[i].alert.Subject)
			}
		}
		s.watch.traffic = append(routes, t.burst(burst))
	}
	for _, f := range s.watch.traffic {
		f.alert.Critical, f.calmFor = l.rules[f.alert.Rule].Critical, 5*time.Minute
		l.findings = append(l.findings, f)
	}
}

// whereItGoes says which statement most of a route's time in the database goes to, "" where none
// stands out.
func (s *System) whereItGoes(ctx context.Context, source string) string {
	class, name, _ := strings.Cut(source, " ")
	all, err := s.statementsOf(ctx, Series{Class(class), name}, time.Hour)
	if err != nil || len(all) == 0 || all[0].Share < 50 {
		return ""
	}
	return fmt.Sprintf(" %.0f %% of its time in the database goes to one statement: %s", all[0].Share, clip(all[0].Text, 200))
}

// found is what a reading means by its rule.
func found(rule Rule, r Reading) finding {
	numbered := rule.Unit != ""
	f := finding{bad: r.Bad || numbered && rule.over(r.Value), calm: !r.Bad && (!numbered || rule.calm(r.Value)), calmFor: calmFor, hold: time.Duration(rule.Minutes) * time.Minute}
	f.alert = Alert{Rule: r.Rule, Subject: r.Subject, Critical: rule.Critical || r.Critical, Title: rule.Title, Detail: r.Detail, Path: r.Path}
	if r.Name != "" {
		f.alert.Title += ": " + r.Name
	}
	if numbered {
		f.alert.Number = number(r.Value, rule.Unit)
		f.alert.Before = "fires from " + number(float64(rule.Bound), rule.Unit)
		if rule.below {
			f.alert.Before = "fires below " + number(float64(rule.Bound), rule.Unit)
		}
	}
	return f
}

// decide brings the alerts up to what was seen.
func (s *System) decide(tx *store.Tx, l look) error {
	now := tx.Now()
	open, err := openAlerts(tx, mostOpen)
	if err != nil {
		return err
	}
	quiet, err := activeSilences(tx)
	if err != nil {
		return err
	}
	d := decision{s: s, tx: tx, now: now, open: map[string]*Alert{}, since: map[string]time.Time{}, l: l}
	for i := range open {
		d.open[open[i].key()] = &open[i]
	}
	if err := d.signals(); err != nil {
		return err
	}
	if err := d.findings(); err != nil {
		return err
	}
	if err := d.absent(); err != nil {
		return err
	}
	if err := d.tell(quiet); err != nil {
		return err
	}
	since := d.since
	tx.AfterCommit(func() { s.watch.since = since })
	if err := s.recordAlerts(tx, actAlertFired, d.fired); err != nil {
		return err
	}
	if err := s.recordAlerts(tx, actAlertResolved, d.resolved); err != nil {
		return err
	}
	return s.dispatch(tx)
}

// recordAlerts is one event for all that a look changed.
func (s *System) recordAlerts(tx *store.Tx, act audit.Action, all []Alert) error {
	if len(all) == 0 {
		return nil
	}
	e := audit.Event{Action: act, Details: map[string]any{"alerts": len(all), "rule": all[0].Rule}}
	for _, a := range all[:min(len(all), mostSignals)] {
		e.Targets = append(e.Targets, audit.Ref{Type: "alert", ID: a.ID})
	}
	return s.Audit.Record(tx, e)
}

func (a Alert) key() string { return a.Rule + "\n" + a.Subject }

// Firing are the alerts that nobody has seen to, as committed: those that are neither resolved nor
// acknowledged, the newest first.
func (s *System) Firing() (all []Alert) {
	open := s.watch.open.Load()
	if open == nil {
		return nil
	}
	for _, a := range *open {
		if a.State() == "firing" {
			all = append(all, a)
		}
	}
	return all
}

// fromMail reports whether a job is the delivery of an alert: its failure must not be alerted of.
func (s *System) fromMail(tx *store.Tx, job string) (bool, error) {
	if job == "" || s.Outside.MessageOf == nil {
		return false, nil
	}
	message, err := s.Outside.MessageOf(tx, job)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return isAlertMail(tx, message)
}
