package observe

import (
	"fmt"
	"time"

	"seaworthy/store"
)

// decision is one look's work on the alerts. It may run again, so it changes nothing of the system
// before the commit.
type decision struct {
	s               *System
	tx              *store.Tx
	now             time.Time
	l               look
	open            map[string]*Alert
	seen            map[string]bool
	since           map[string]time.Time
	fired, resolved []Alert
}

// signals fires for issues that began or came back.
func (d *decision) signals() error {
	own, more := 0, d.l.more
	for _, g := range d.l.signals {
		if !d.l.rules[g.rule].Enabled {
			continue
		}
		mine, err := d.s.fromMail(d.tx, g.job)
		if err != nil {
			return err
		}
		if mine {
			continue
		}
		a := g.alert()
		if had := d.open[a.key()]; had != nil {
			continue
		}
		if own++; own > mostSignals {
			more++
			continue
		}
		a.Critical = d.l.rules[g.rule].Critical
		if err := d.fire(a); err != nil {
			return err
		}
	}
	if a := shared(more); more > 0 && d.l.rules[ruleNew].Enabled && d.open[a.key()] == nil {
		return d.fire(a)
	}
	return nil
}

func (d *decision) fire(a Alert) error {
	if len(d.open) >= mostOpen {
		return nil
	}
	a.ID, a.FiredAt = d.tx.NewID("alt"), d.now
	if a.Release == "" {
		a.Release = d.s.o.Release
	}
	if err := insertAlert(d.tx, a); err != nil {
		return err
	}
	if err := addAlertEvent(d.tx, a.ID, "fired", "", clip(a.Detail, 500)); err != nil {
		return err
	}
	d.open[a.key()] = &a
	d.fired = append(d.fired, a)
	return nil
}

// findings fires for what has lasted long enough, and keeps up with what fires already.
func (d *decision) findings() error {
	d.seen = map[string]bool{}
	for _, f := range d.l.findings {
		key := f.alert.key()
		if d.seen[key] || !d.l.rules[f.alert.Rule].Enabled {
			continue
		}
		a := d.open[key]
		d.seen[key] = a != nil && !f.calm
		switch {
		case a != nil && !f.calm:
			if err := d.goesOn(a, f); err != nil {
				return err
			}
		case a != nil:
			d.seen[key] = true
			if err := d.quieter(a, f.calmFor, "well again"); err != nil {
				return err
			}
		case f.bad:
			first, waits := d.s.watch.since[key]
			if !waits {
				first = d.now
			}
			if d.since[key] = first; d.now.Sub(first) < f.hold {
				continue
			}
			delete(d.since, key)
			if err := d.fire(f.alert); err != nil {
				return err
			}
		}
	}
	return nil
}

// goesOn keeps an alert up with what it is about; one that became critical is told of once more.
func (d *decision) goesOn(a *Alert, f finding) error {
	worse := f.alert.Critical && !a.Critical
	if a.Number == f.alert.Number && a.Detail == f.alert.Detail && a.calmAt.IsZero() && !worse {
		return nil
	}
	a.Number, a.Detail, a.calmAt = f.alert.Number, f.alert.Detail, time.Time{}
	if worse {
		a.Critical = true
		if err := addAlertEvent(d.tx, a.ID, "worse", "", clip(a.Detail, 500)); err != nil {
			return err
		}
		if a.told {
			if err := d.s.notify(d.tx, *a, "worse"); err != nil {
				return err
			}
		}
	}
	return updateAlert(d.tx, *a)
}

// quieter ends an alert once it has been well for long enough.
func (d *decision) quieter(a *Alert, wait time.Duration, note string) error {
	if a.calmAt.IsZero() {
		a.calmAt = d.now
	}
	if d.now.Sub(a.calmAt) < wait {
		return updateAlert(d.tx, *a)
	}
	return d.resolve(a, "", note)
}

func (d *decision) resolve(a *Alert, by, note string) error {
	if err := d.s.resolveAlert(d.tx, a, by, note); err != nil {
		return err
	}
	d.resolved = append(d.resolved, *a)
	delete(d.open, a.key())
	return nil
}

// resolveAlert ends an alert. Who was told that it fires is told that it is over.
func (s *System) resolveAlert(tx *store.Tx, a *Alert, by, note string) error {
	a.ResolvedAt = tx.Now()
	if err := updateAlert(tx, *a); err != nil {
		return err
	}
	if err := addAlertEvent(tx, a.ID, "resolved", by, note); err != nil {
		return err
	}
	if !a.told {
		return nil
	}
	return s.notify(tx, *a, "resolved")
}

// absent ends alerts about what is not there any more: an issue that is seen to, a queue that is
// empty, a rule that is off.
func (d *decision) absent() error {
	for key, a := range d.open {
		rule, known := d.l.rules[a.Rule]
		note, over := d.l.over[a.ID]
		var err error
		switch {
		case a.FiredAt.Equal(d.now) && !over, d.seen[key], known && d.l.unknown[a.Rule] && rule.Enabled:
		case !known || !rule.Enabled:
			err = d.resolve(a, "", "the rule is off")
		case rule.event && over:
			err = d.resolve(a, "", note)
		case !rule.event:
			err = d.quieter(a, calmFor, "well again")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell makes notices of what fires and was not told of: it is new, or a silence is over.
func (d *decision) tell(quiet []Silence) error {
	for _, a := range d.open {
		if a.told || a.State() != "firing" || silenced(quiet, *a) {
			continue
		}
		a.told = true
		if err := updateAlert(d.tx, *a); err != nil {
			return err
		}
		if err := d.s.notify(d.tx, *a, "fired"); err != nil {
			return err
		}
	}
	return nil
}

// number says a value as people read it.
func number(v float64, unit string) string {
	switch unit {
	case "seconds":
		if v >= 120 {
			return fmt.Sprintf("%.0f minutes", v/60)
		}
	case "percent":
		return fmt.Sprintf("%.1f %%", v)
	case "jobs", "days":
		if v == 1 {
			return "1 " + unit[:len(unit)-1]
		}
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}
