package observe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// overviewData is the page of how everything that is observed stands.
type overviewData struct {
	Open    []AlertState
	Manage  bool
	Cards   []overviewCard
	Chips   []chip
	Points  []overviewPoint
	Slowest []SeriesMeasure
	Drops   []DropCount
	Problem string
}

type overviewCard struct{ Label, Value, Note, Kind, Path string }

// overviewPoint is one step of the charts. Rates are a minute.
type overviewPoint struct {
	At                       time.Time
	Requests, Failed, Errors float64
	P95                      float64 // seconds
}

// DropCount is how often something was not kept, and why.
type DropCount struct {
	Drop
	N   int64
	Why string
}

// DropsSince is what was not kept since a time, the most first.
func (s *System) DropsSince(ctx context.Context, since time.Time) (all []DropCount, err error) {
	sums := map[Drop]int64{}
	err = s.issues(ctx, func(tx *store.Tx) error {
		rows, err := dropsSince(tx, since.Truncate(time.Hour))
		for _, d := range rows {
			sums[d.Drop] += d.N
		}
		return err
	})
	s.drops.mu.Lock()
	for d, n := range s.drops.fresh {
		sums[d] += n
	}
	s.drops.mu.Unlock()
	for d, n := range sums {
		said := cmp.Or(why[d.Reason], strings.ReplaceAll(d.Reason, "_", " "))
		all = append(all, DropCount{d, n, said})
	}
	slices.SortFunc(all, func(a, b DropCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Class+a.Reason, b.Class+b.Reason))
	})
	return all, err
}

func (s *System) observePage(w http.ResponseWriter, r *http.Request) error {
	quiet(r)
	name := cmp.Or(r.URL.Query().Get("range"), "1h")
	span, known := spans[name]
	if !known {
		return web.Invalid(web.Field{Field: "range", Code: "choice", Message: "One of 15m, 1h, 6h, 24h, 7d, 30d, 90d, 1y."})
	}
	d := overviewData{Manage: web.IdentityOf(r.Context()).Can("alerts:manage")}
	for _, one := range []struct{ key, label string }{{"1h", "An hour"}, {"6h", "6 hours"}, {"24h", "A day"}, {"7d", "A week"}, {"30d", "30 days"}} {
		d.Chips = append(d.Chips, chip{Label: one.label, Path: observeBase + "?range=" + one.key, On: one.key == name})
	}
	if open := s.watch.open.Load(); open != nil {
		d.Open = gravestFirst(stated(*open))
		d.Open = d.Open[:min(len(d.Open), 5)]
	}
	total, err := s.chart(r.Context(), span, &d)
	if err != nil {
		return err
	}
	if d.Drops, err = s.DropsSince(r.Context(), s.now().Add(-24*time.Hour)); err != nil {
		return err
	}
	open, _, err := s.openSince(r.Context(), mostOpenNow)
	if err != nil {
		return err
	}
	d.Cards = s.cards(open, total, span, d.Drops)
	d.Problem = s.Status().Problem
	return s.Pages.Render(w, r, "observe/overview", web.View{Title: "Observe", Data: d})
}

// chart reads the steps of the charts, and what took the most time. It returns all requests together.
func (s *System) chart(ctx context.Context, span time.Duration, d *overviewData) (*Figures, error) {
	type point struct{ requests, errors *Figures }
	points, series, total := map[int64]*point{}, map[Series]*Figures{}, &Figures{}
	step, err := s.History(ctx, span, func(at time.Time, one Series, f *Figures) {
		p := points[at.UnixMilli()]
		if p == nil {
			p = &point{&Figures{}, &Figures{}}
			points[at.UnixMilli()] = p
		}
		switch one.Class {
		case Errors:
			p.errors.Add(f)
		case Ours, App:
			p.requests.Add(f)
			total.Add(f)
			if series[one] == nil {
				series[one] = &Figures{}
			}
			series[one].Add(f)
		}
	})
	if err != nil {
		return total, err
	}
	for ms, p := range points {
		minutes := step.Minutes()
		d.Points = append(d.Points, overviewPoint{At: time.UnixMilli(ms).UTC(), Requests: float64(p.requests.Count) / minutes, Failed: float64(p.requests.Errors) / minutes,
			Errors: float64(p.errors.Count) / minutes, P95: p.requests.Quantile(.95).Seconds()})
	}
	slices.SortFunc(d.Points, func(a, b overviewPoint) int { return a.At.Compare(b.At) })
	for one, f := range series {
		d.Slowest = append(d.Slowest, measureSeries(one, f, span))
	}
	slices.SortFunc(d.Slowest, func(a, b SeriesMeasure) int {
		return cmp.Or(cmp.Compare(b.TotalMS, a.TotalMS), strings.Compare(a.Name, b.Name))
	})
	d.Slowest = d.Slowest[:min(len(d.Slowest), 10)]
	return total, nil
}

func (s *System) cards(open int, total *Figures, span time.Duration, drops []DropCount) []overviewCard {
	firing, grave := s.Firing(), ""
	if len(firing) > 0 {
		grave = "warn"
	}
	if s.Banner() != nil {
		grave = "danger"
	}
	failed := 0.0
	if total.Count > 0 {
		failed = float64(total.Errors) * 100 / float64(total.Count)
	}
	lost := int64(0)
	for _, d := range drops {
		if d.Reason != "duplicate" && d.Reason != "not_kept" { // which are meant
			lost += d.N
		}
	}
	all := []overviewCard{
		{"Alerts", fmt.Sprint(len(firing)), "fire and need somebody", grave, alertsBase},
		{"Open errors", fmt.Sprint(open), "failed by our fault", kindIf(open > 0, "danger"), errorsBase},
		{"Requests", fmt.Sprintf("%.1f", float64(total.Count)/span.Minutes()), fmt.Sprintf("a minute; %.2f %% failed", failed), kindIf(failed >= 1, "danger"), ""},
		{"19 of 20 requests", duration(float64(total.Quantile(.95).Microseconds()) / 1000), "took at most so long", "", ""},
		{"Not kept", fmt.Sprint(lost), "lines and bodies in 24 hours", kindIf(lost > 0, "warn"), "#drops-title"},
	}
	st := s.Status()
	all = append(all, overviewCard{"Telemetry", fmt.Sprintf("%.0f MB", float64(st.Bytes)/1e6), fmt.Sprintf("segments: %d", st.Segments), kindIf(st.Problem != "", "warn"), ""})
	if free, disk, err := s.Disk(filepath.Dir(s.o.Folder)); err == nil && disk > 0 {
		share := float64(free) * 100 / float64(disk)
		all = append(all, overviewCard{"Disk", fmt.Sprintf("%.0f %%", share), fmt.Sprintf("free, %.1f GB", float64(free)/1e9), kindIf(share < 10, "danger"), ""})
	}
	return all
}

func kindIf(on bool, kind string) string {
	if on {
		return kind
	}
	return ""
}
