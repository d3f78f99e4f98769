package observe

import (
	"context"
	"fmt"
	"time"

	"seaworthy/app/glance"
	"seaworthy/store"
)

const (
	glanceHours = 24
	mostOpenNow = 1000 // open errors that are counted
)

// Glance is what is observed, on the console's home. It reads telemetry, not the business database:
// when that cannot be read, the card says so and the rest of the page stands.
func (s *System) Glance(ctx context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Watching"}, Line: glance.NewLine("Requests an hour", tx.Now(), time.Hour, glanceHours)}
	total := &Figures{}
	err := s.Hours(ctx, c.Line.From, func(at time.Time, class Class, f *Figures) {
		if class == Ours || class == App {
			c.Line.Add(at, f.Count)
			total.Add(f)
		}
	})
	if err != nil {
		return c, err
	}
	open, since, err := s.openSince(ctx, mostOpenNow)
	if err != nil {
		return c, err
	}
	failed := glance.Number{Label: "Failed requests", Unit: glance.Percent, Path: performanceBase}
	if total.Count > 0 {
		failed.N = total.Errors * 10_000 / total.Count
	}
	errs := glance.Number{Label: "Open errors", N: int64(open), AtLeast: open >= mostOpenNow, Path: errorsBase}
	if open > 0 {
		errs.Kind = glance.Danger
		c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Errors", Detail: "Something failed by our fault or the app's."})
		text := "1 error is open."
		if open > 1 {
			text = fmt.Sprintf("%s errors are open.", glance.Grouped(int64(open)))
		}
		c.Needs = append(c.Needs, glance.Need{Key: "errors_open", Kind: glance.Warn, Text: text, Since: since, Path: errorsBase})
	}
	c.Numbers = []glance.Number{{Label: "19 of 20 within", N: total.Quantile(.95).Milliseconds(), Unit: glance.Millis, Path: performanceBase}, failed, errs}
	if st := s.Status(); st.Problem != "" {
		c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Not kept", Detail: sentenceOf(st.Problem)})
	}
	for _, a := range s.Firing() {
		c.Needs = append(c.Needs, needOf(a))
		c.State = c.State.Or(glance.State{Kind: needOf(a).Kind, Word: "Alerts", Detail: a.Title})
	}
	return c, nil
}

// needOf is an alert as something that waits for a person. Its key is its rule's, so that a system that
// tells of the same thing need not be heard twice.
func needOf(a Alert) glance.Need {
	n := glance.Need{Key: a.Rule, Kind: glance.Warn, Text: sentenceOf(a.Title), Since: a.FiredAt, Path: alertsBase + "/" + a.ID, Permission: "alerts:read"}
	if a.Subject != "" {
		n.Key += " " + a.Subject
	}
	if a.Critical {
		n.Kind = glance.Danger
	}
	return n
}

func sentenceOf(text string) string {
	if text == "" || text[len(text)-1] == '.' {
		return text
	}
	return text + "."
}

// openSince counts the issues that need a look, up to limit, and says since when the first of them is.
func (s *System) openSince(ctx context.Context, limit int) (n int, since time.Time, err error) {
	err = s.issues(ctx, func(tx *store.Tx) error {
		var first int64
		err := tx.QueryRow(`SELECT count(id), coalesce(min(first_seen), 0) FROM (SELECT id, first_seen FROM observe_issue WHERE status = 'open' LIMIT ?)`, limit).Scan(&n, &first)
		if first > 0 {
			since = time.UnixMilli(first).UTC()
		}
		return err
	})
	return n, since, err
}

// Release is a release of this program, or of the one that embeds it, and when it first ran.
type Release struct {
	Name string    `json:"release"`
	At   time.Time `json:"first_seen_at"`
}

// LatestReleases are the newest releases that ran, the newest first.
func (s *System) LatestReleases(ctx context.Context, limit int) (all []Release, err error) {
	err = s.issues(ctx, func(tx *store.Tx) error {
		all, err = store.All(tx, func(r store.Scanner) (one Release, err error) {
			var at int64
			err = r.Scan(&one.Name, &at)
			one.At = time.UnixMilli(at).UTC()
			return one, err
		}, `SELECT release, first_seen FROM observe_release ORDER BY first_seen DESC LIMIT ?`, limit)
		return err
	})
	return all, err
}
