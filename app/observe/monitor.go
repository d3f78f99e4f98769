package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/observe/sentry"
	"seaworthy/queue/cron"
	"seaworthy/store"
)

// Monitor is a job of an app that checks in, by the protocol of Sentry's monitors.
type Monitor struct {
	ID          string    `json:"id"`
	Project     int64     `json:"project"`
	Slug        string    `json:"slug"`
	Environment string    `json:"environment,omitempty"`
	Schedule    string    `json:"schedule,omitempty"` // line of a crontab, or @every
	Zone        string    `json:"timezone,omitempty"`
	Margin      int64     `json:"margin_minutes"`  // it may come late
	Longest     int64     `json:"longest_minutes"` // it may run
	State       string    `json:"state"`           // ok, error, running, timeout, missed, or waiting before the first run
	Started     time.Time `json:"started_at,omitzero"`
	Last        time.Time `json:"last_at,omitzero"` // when it last began or ended
	Next        time.Time `json:"next_at,omitzero"` // when it is due; zero without a schedule
	Runs        int64     `json:"runs"`
	Failures    int64     `json:"failures"`

	status, checkIn string
	made            time.Time
}

// Bounds of monitors, and what holds where an SDK says nothing (Sentry's own defaults).
const (
	mostCheckIns   = 4096 // that wait for the file
	mostMonitors   = 500
	usualMargin    = 1  // minutes
	usualLongest   = 30 // minutes
	longestMinutes = 40_320
)

// checkIn is one on its way to the file.
type checkIn struct {
	project Project
	sentry.CheckIn
	at time.Time
}

// configure takes over how the job is to run, as far as the check-in says so and it can be read.
func (m *Monitor) configure(c sentry.Monitor) {
	if spec, ok := specOf(c); ok {
		zone := clip(string(c.Zone), 64)
		if _, ok := due(spec, zone, time.Unix(0, 0)); ok {
			m.Schedule, m.Zone = spec, zone
		}
	}
	minutes := func(text sentry.Text, to *int64) {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n >= 1 && n <= longestMinutes {
			*to = n
		}
	}
	minutes(c.Margin, &m.Margin)
	minutes(c.Longest, &m.Longest)
}

// specOf is a schedule in the words of queue/cron. Months and years of an interval are of 30 and
// 365 days.
func specOf(c sentry.Monitor) (string, bool) {
	value := strings.TrimSpace(string(c.Schedule.Value))
	if c.Schedule.Kind == "crontab" {
		return value, value != ""
	}
	n, err := strconv.ParseInt(value, 10, 64)
	hours := map[string]int64{"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24, "year": 365 * 24}[string(c.Schedule.Unit)]
	switch {
	case c.Schedule.Kind != "interval" || err != nil || n < 1 || n > 1000:
		return "", false
	case c.Schedule.Unit == "minute":
		return fmt.Sprintf("@every %dm", n), true
	case hours == 0:
		return "", false
	}
	return fmt.Sprintf("@every %dh", n*hours), true
}

// due is when a job that last came at a time is to come next: an interval counts from then.
func due(spec, zone string, last time.Time) (next time.Time, ok bool) {
	if every, interval := strings.CutPrefix(spec, "@every "); interval {
		d, err := time.ParseDuration(every)
		return last.Add(d), err == nil && d >= time.Minute
	}
	schedule, err := cron.Parse(spec, zone)
	if spec == "" || err != nil {
		return next, false
	}
	return schedule.Next(last), true
}

// apply takes a check-in. One that repeats what is known already changes nothing.
func (m *Monitor) apply(c sentry.CheckIn, at time.Time) {
	id := clip(string(c.ID), 64)
	if c.Status == "in_progress" {
		if id != "" && id == m.checkIn {
			return
		}
		m.checkIn, m.Started, m.Last = id, at, at
		return
	}
	if id != "" && id == m.checkIn && m.Started.IsZero() && m.status == string(c.Status) {
		return
	}
	if m.Runs++; c.Status == "error" {
		m.Failures++
	}
	m.checkIn, m.status, m.Started, m.Last = id, string(c.Status), time.Time{}, at
}

// judge says how the monitor stands. since is when this process began: what was due while it was
// not there was nobody's to see.
func (m *Monitor) judge(now, since time.Time) {
	from := m.Last
	for _, t := range []time.Time{m.made, since} {
		if from.Before(t) {
			from = t
		}
	}
	m.Next, _ = due(m.Schedule, m.Zone, from)
	margin := time.Duration(m.Margin) * time.Minute
	switch {
	case !m.Started.IsZero() && now.Sub(m.Started) > time.Duration(m.Longest)*time.Minute:
		m.State = "timeout"
	case !m.Next.IsZero() && now.After(m.Next.Add(margin)) && m.Started.IsZero():
		m.State = "missed"
	case !m.Started.IsZero() && m.status != "error":
		m.State = "running"
	default:
		m.State = cmp.Or(m.status, "waiting")
	}
}

// Monitors are all of them, those that want a look first.
func (s *System) Monitors(ctx context.Context) (all []Monitor, err error) {
	all = []Monitor{}
	err = s.issues(ctx, func(tx *store.Tx) error {
		rows, err := monitors(tx)
		all = append(all, rows...)
		return err
	})
	now := s.now()
	for i := range all {
		all[i].judge(now, s.startedAt)
	}
	order := []string{"error", "timeout", "missed"}
	slices.SortStableFunc(all, func(a, b Monitor) int {
		return cmp.Or(cmp.Compare(slices.Index(order, b.State), slices.Index(order, a.State)), strings.Compare(a.Slug, b.Slug), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

// seeMonitors finds the jobs of apps that failed, run too long or did not come.
func (s *System) seeMonitors(ctx context.Context, l *look) {
	all, err := s.Monitors(ctx)
	if err != nil {
		l.unknown[ruleMonitor] = true
		return
	}
	for _, m := range all {
		r := Reading{Rule: ruleMonitor, Subject: m.ID, Name: m.Slug, Path: monitorsBase}
		switch m.State {
		case "error":
			r.Bad, r.Detail = true, "It said that it failed, at "+m.Last.Format("15:04 UTC")+"."
		case "timeout":
			r.Bad, r.Detail = true, fmt.Sprintf("It began at %s and has not ended within %s.", m.Started.Format("15:04 UTC"), minutesOf(m.Longest))
		case "missed":
			r.Bad, r.Detail = true, fmt.Sprintf("It was due at %s and has not come within %s.", m.Next.UTC().Format("15:04 UTC"), minutesOf(m.Margin))
		}
		l.findings = append(l.findings, found(l.rules[ruleMonitor], r))
	}
}
