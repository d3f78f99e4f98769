package observe

import (
	"context"
	"fmt"
	"time"
)

// Errors is the class of series that count errors as they happen, by who reports them. It is no
// part of performance.
const Errors Class = "error"

// traffic is what history says of the time that is looked at and of the time before it.
type traffic struct {
	now, hour  map[Series]*Figures // the last minutes, and the hour before those
	day        map[Series]*Figures // the day before, at a quarter of an hour
	errors     int64               // in the last minutes
	errorsHour int64               // in the hour before
}

// leastRequests is how many there must be for their times to say anything.
const leastRequests = 30

// readTraffic sums up history. It is a page of rows for each series, so it is read once a minute.
func (s *System) readTraffic(ctx context.Context, slow, burst time.Duration) (t traffic, err error) {
	t = traffic{now: map[Series]*Figures{}, hour: map[Series]*Figures{}, day: s.baseline.day}
	now := s.now()
	add := func(to map[Series]*Figures, series Series, f *Figures) {
		if to[series] == nil {
			to[series] = &Figures{}
		}
		to[series].Add(f)
	}
	_, err = s.History(ctx, 2*time.Hour+time.Minute, func(at time.Time, series Series, f *Figures) {
		age := now.Sub(at)
		switch {
		case series.Class == Errors && age <= burst:
			t.errors += f.Count
		case series.Class == Errors && age <= burst+time.Hour:
			t.errorsHour += f.Count
		case series.Class != Ours && series.Class != App:
		case age <= slow:
			add(t.now, series, f)
		case age <= slow+time.Hour:
			add(t.hour, series, f)
		}
	})
	if err != nil || now.Sub(s.baseline.read) < 15*time.Minute {
		return t, err
	}
	day := map[Series]*Figures{}
	_, err = s.History(ctx, 24*time.Hour, func(at time.Time, series Series, f *Figures) {
		if (series.Class == Ours || series.Class == App) && now.Sub(at) > slow+15*time.Minute {
			add(day, series, f)
		}
	})
	if err == nil {
		s.baseline.day, s.baseline.read, t.day = day, now, day
	}
	return t, err
}

// baseline is what a day looked like, read now and then.
type baseline struct {
	day  map[Series]*Figures
	read time.Time
}

// slowRoutes finds routes that got slow, held against the hour before, or the day where that has too few.
func (t traffic) slowRoutes(r Rule, minutes string) (found []finding) {
	for series, f := range t.now {
		was, when := t.usual(series)
		if when == "" || series.Name == otherName {
			continue
		}
		p95 := float64(f.Quantile(.95).Milliseconds())
		limit := max(float64(r.Bound), was*float64(r.Factor)/100)
		one := finding{bad: f.Count >= leastRequests && p95 >= limit, calm: p95 < limit*0.8 || f.Count < leastRequests}
		one.alert = Alert{Rule: ruleSlow, Subject: string(series.Class) + " " + series.Name, Title: "Slow: " + series.Name, Number: "p95 " + duration(p95), Before: "p95 " + duration(was) + " " + when,
			Detail: fmt.Sprintf("19 of 20 requests took up to %s in %s; %s it was %s. %d requests, %d failed.", duration(p95), minutes, when, duration(was), f.Count, f.Errors),
			Path:   seriesPath(series, "6h")}
		found = append(found, one)
	}
	return found
}

// usual is the p95 that a route had, the lesser of the hour's and the day's: what has been slow for
// an hour is not usual yet. when is "" where there were too few requests to say.
func (t traffic) usual(series Series) (was float64, when string) {
	for i, f := range []*Figures{t.hour[series], t.day[series]} {
		if f == nil || f.Count < leastRequests {
			continue
		}
		if p95 := float64(f.Quantile(.95).Milliseconds()); when == "" || p95 < was {
			was, when = p95, []string{"in the hour before", "in the day before"}[i]
		}
	}
	return was, when
}

// burst finds more errors than there were.
func (t traffic) burst(r Rule) finding {
	usual := float64(t.errorsHour) * float64(r.Minutes) / 60
	limit := max(float64(r.Bound), usual*float64(r.Factor)/100)
	n := float64(t.errors)
	return finding{bad: n >= limit, calm: n < limit*0.8, alert: Alert{Rule: ruleBurst, Title: "Errors are up", Number: fmt.Sprintf("%d errors in %s", t.errors, minutesOf(r.Minutes)),
		Before: fmt.Sprintf("about %.0f in as long, in the hour before", usual), Detail: fmt.Sprintf("%d errors happened in %s; in the hour before it were about %.0f in as long.", t.errors, minutesOf(r.Minutes), usual), Path: errorsBase}}
}

func minutesOf(n int64) string {
	if n == 1 {
		return "1 minute"
	}
	return fmt.Sprintf("%d minutes", n)
}

// duration says milliseconds as people do.
func duration(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
