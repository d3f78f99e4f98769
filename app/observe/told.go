package observe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/store"
)

// telling is what a delivery says: alerts as they are now, those that fire first.
type telling struct {
	firing, over []Alert
	critical     int
	number       int // alerts, with those that a shared one stands for
}

// tellingOf reads what a delivery is about.
func tellingOf(tx *store.Tx, d Delivery) (t telling, err error) {
	all, err := noticesOf(tx, d.Channel, d.ID, mostNotices)
	if err != nil {
		return t, err
	}
	seen := map[string]bool{}
	for _, n := range all {
		if seen[n.alert] {
			continue
		}
		seen[n.alert] = true
		a, err := alertByID(tx, n.alert)
		if err != nil {
			if err = ignoreGone(err); err != nil {
				return t, err
			}
			continue
		}
		if a.ResolvedAt.IsZero() {
			t.firing = append(t.firing, a)
		} else {
			t.over = append(t.over, a)
		}
		if a.Critical && a.ResolvedAt.IsZero() {
			t.critical++
		}
	}
	slices.SortStableFunc(t.firing, func(a, b Alert) int { return cmp.Or(bit(b.Critical)-bit(a.Critical), strings.Compare(a.ID, b.ID)) })
	t.number = len(t.firing) + len(t.over)
	return t, nil
}

// title is one line for all.
func (t telling) title() string {
	switch {
	case len(t.firing) == 1 && len(t.over) == 0:
		return t.firing[0].Title
	case len(t.firing) == 0 && len(t.over) == 1:
		return "Over: " + t.over[0].Title
	case len(t.firing) == 0:
		return fmt.Sprintf("%d alerts are over", len(t.over))
	}
	title := fmt.Sprintf("%d alerts", t.number)
	switch t.critical {
	case 0:
	case 1:
		title += ", one of them critical"
	default:
		title += fmt.Sprintf(", %d of them critical", t.critical)
	}
	return title
}

// span says when they began.
func (t telling) span() string {
	all := append(slices.Clone(t.firing), t.over...)
	first, last := all[0].FiredAt, all[0].FiredAt
	for _, a := range all {
		if a.FiredAt.Before(first) {
			first = a.FiredAt
		}
		if a.FiredAt.After(last) {
			last = a.FiredAt
		}
	}
	if last.Sub(first) < time.Minute {
		return "They began at " + first.UTC().Format("15:04 UTC on 2 Jan 2006") + "."
	}
	return fmt.Sprintf("They began between %s and %s.", first.UTC().Format("15:04"), last.UTC().Format("15:04 UTC on 2 Jan 2006"))
}

// mostListed is how many alerts a mail lists.
const mostListed = 25

// Letter is a mail of ours; whoever sends it knows how.
type Letter struct {
	To, Template string
	Vars         map[string]string
	Lists        map[string][]compose.Row
	User         string
}

// letter is the mail that tells it.
func (s *System) letter(d Delivery, c Channel, t telling, now time.Time) Letter {
	base := s.URL + alertsBase
	one := func(a Alert) string { return base + "/" + a.ID }
	switch {
	case d.Test:
		return Letter{Template: "observe/alert_test", Vars: map[string]string{"Channel": c.Name, "When": now.UTC().Format(stamp), "URL": base}}
	case len(t.firing) == 1 && len(t.over) == 0:
		a := t.firing[0]
		return Letter{Template: "observe/alert", Vars: map[string]string{"Title": a.Title, "Summary": a.Detail, "When": a.FiredAt.UTC().Format(stamp), "Number": a.Number, "Before": a.Before,
			"Release": s.releaseOf(a), "URL": s.URL + a.Path, "AlertURL": one(a)}}
	case len(t.over) == 1 && len(t.firing) == 0:
		a := t.over[0]
		return Letter{Template: "observe/alert_over", Vars: map[string]string{"Title": a.Title, "Summary": "It lasted " + lasted(a) + ".", "When": a.FiredAt.UTC().Format(stamp), "Until": a.ResolvedAt.UTC().Format(stamp), "URL": one(a)}}
	}
	l := Letter{Template: "observe/alerts", Vars: map[string]string{"Title": t.title(), "Summary": t.span(), "Release": "", "More": "", "URL": base}, Lists: map[string][]compose.Row{"Firing": {}, "Over": {}}}
	if len(t.firing) > 0 {
		l.Vars["Release"] = s.releaseOf(t.firing[0])
	}
	for _, a := range t.firing[:min(len(t.firing), mostListed)] {
		note := "since " + a.FiredAt.UTC().Format("15:04 UTC")
		if a.Number != "" {
			note = a.Number + ", " + note
		}
		if a.Critical {
			note = "critical, " + note
		}
		l.Lists["Firing"] = append(l.Lists["Firing"], compose.Row{"Title": a.Title, "URL": one(a), "Note": note})
	}
	if left := len(t.firing) - mostListed; left > 0 {
		l.Vars["More"] = fmt.Sprintf("And %d more.", left)
	}
	for _, a := range t.over[:min(len(t.over), mostListed)] {
		l.Lists["Over"] = append(l.Lists["Over"], compose.Row{"Title": a.Title, "URL": one(a), "Note": "after " + lasted(a)})
	}
	return l
}

// releaseOf says what runs, and since when: what changed is most often that.
func (s *System) releaseOf(a Alert) string {
	if a.Release == "" || a.Release != s.o.Release {
		return a.Release
	}
	return a.Release + ", which runs since " + s.startedAt.UTC().Format(stamp)
}

func lasted(a Alert) string {
	d := a.ResolvedAt.Sub(a.FiredAt)
	switch {
	case d.Round(time.Second) == time.Second:
		return "1 second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	}
	return fmt.Sprintf("%.0f hours", d.Hours())
}
