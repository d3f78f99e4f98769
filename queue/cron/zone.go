package cron

import "time"

// lookBack is how far before an instant a change of the clock still matters: no
// zone has set its clocks back by more than a day.
const lookBack = 50 * time.Hour

func offset(loc *time.Location, t time.Time) time.Duration {
	_, seconds := t.In(loc).Zone()
	return time.Duration(seconds) * time.Second
}

// wall is what the clock on the wall shows at t, as if it were UTC.
func wall(loc *time.Location, t time.Time) time.Time { return t.UTC().Add(offset(loc, t)) }

// shift is an instant after t up to which the zone's offset stays as it is at t;
// zero when it never changes again.
func shift(loc *time.Location, t time.Time) time.Time {
	_, end := t.In(loc).ZoneBounds()
	if end.IsZero() || end.After(t) {
		return end.UTC()
	}
	// On the last day of a leap year Go takes the year for over, and gives an end
	// that has passed (the 365 days in time.tzset). Then the change is looked for.
	from, to := t.Unix(), t.Unix()+3600
	same := func(unix int64) bool { return offset(loc, time.Unix(unix, 0)) == offset(loc, t) }
	if same(to) {
		return time.Unix(to, 0).UTC()
	}
	for to-from > 1 {
		if mid := (from + to) / 2; same(mid) {
			from = mid
		} else {
			to = mid
		}
	}
	return time.Unix(to, 0).UTC()
}

// mark is the latest that the clock on the wall has shown up to t. Where clocks
// are set back it stands still until they have caught up.
func mark(loc *time.Location, t time.Time) time.Time {
	high := wall(loc, t)
	for s := t.Add(-lookBack); ; {
		end := shift(loc, s)
		if end.IsZero() || end.After(t) {
			return high
		}
		if shown := end.Add(offset(loc, s) - 1); shown.After(high) {
			high = shown
		}
		s = end
	}
}

// once is the first time after t of a line with hours of its own: the first
// instant at which the clock on the wall shows a time of the line, or a later one,
// that it has not shown yet.
func (s Schedule) once(t time.Time) time.Time {
	want, ok := s.fields.after(mark(s.loc, t))
	if !ok {
		return time.Time{}
	}
	// Nothing that far before it can matter.
	from := t
	if early := want.Add(-lookBack); early.After(from) {
		from = early
	}
	for {
		at := want.Add(-offset(s.loc, from))
		if at.Before(from) {
			at = from // the clock has jumped over it
		}
		end := shift(s.loc, from)
		if end.IsZero() || at.Before(end) {
			return at
		}
		from = end
	}
}

// onTheWall is the first time after t at which the clock on the wall shows a
// minute of the line.
func (s Schedule) onTheWall(t time.Time) time.Time {
	until := t.AddDate(100, 0, 0)
	for from, shown := t, wall(s.loc, t); from.Before(until); {
		want, ok := s.fields.after(shown)
		if !ok {
			break
		}
		at, end := want.Add(-offset(s.loc, from)), shift(s.loc, from)
		if end.IsZero() || at.Before(end) {
			return at
		}
		from, shown = end, wall(s.loc, end).Add(-1)
	}
	return time.Time{}
}
