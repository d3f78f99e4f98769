package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

const performanceBase = "/-/admin/performance"

// ranges are the spans that pages offer.
var ranges = []struct{ name, label string }{{"1h", "1 hour"}, {"6h", "6 hours"}, {"24h", "24 hours"}, {"7d", "7 days"}, {"30d", "30 days"}}

// classes are what is counted, as people call it.
var classes = []struct {
	class Class
	label string
}{{"", "All"}, {App, "Your app"}, {Ours, "Seaworthy"}, {Jobs, "Jobs"}, {Calls, "Outgoing calls"}}

func rangeChips(path string, keep url.Values, on string) (all []chip) {
	for _, r := range ranges {
		keep.Set("range", r.name)
		all = append(all, chip{Label: r.label, Path: path + "?" + keep.Encode(), On: r.name == on})
	}
	return all
}

// tabs lead from one part of performance to another.
func tabs(on string) (all []chip) {
	for _, t := range []chip{{Label: "Routes and jobs", Path: performanceBase}, {Label: "Statements", Path: performanceBase + "/queries"}, {Label: "What was slow", Path: performanceBase + "/slow"}, {Label: "Traces", Path: performanceBase + "/traces"}} {
		t.On = t.Path == on
		all = append(all, t)
	}
	return all
}

type performanceData struct {
	Tabs, Classes, Spans []chip
	Range                string
	Class                Class
	Rows                 []SeriesMeasure
	More                 bool // series than are shown
}

// mostRows bounds a list that is not paged: the ones that matter come first.
const mostRows = 50

func (s *System) performancePage(w http.ResponseWriter, r *http.Request) error {
	span, name, class, err := asked(r)
	if err != nil {
		return err
	}
	page, err := s.Performance(r.Context(), class, span)
	if err != nil {
		return err
	}
	d := performanceData{Tabs: tabs(performanceBase), Range: name, Class: class, Rows: page.Series}
	for _, c := range classes {
		d.Classes = append(d.Classes, chip{Label: c.label, Path: performanceBase + "?" + url.Values{"class": {string(c.class)}, "range": {name}}.Encode(), On: c.class == class})
	}
	d.Spans = rangeChips(performanceBase, url.Values{"class": {string(class)}}, name)
	if d.More = len(d.Rows) > mostRows; d.More {
		d.Rows = d.Rows[:mostRows]
	}
	return s.Pages.Render(w, r, "observe/performance", web.View{Title: "Performance", Data: d})
}

// chartPoint is one step of the charts of a series.
type chartPoint struct {
	At            time.Time
	Good, Bad     float64 // a minute
	P50, P95, P99 float64 // seconds
}

// mark is a release that first ran in the range.
type mark struct {
	At      time.Time
	Release string
}

type seriesData struct {
	PerformanceDetail
	Label      string
	Spans      []chip
	Points     []chartPoint
	Marks      []mark
	MarkText   string // as the charts read it
	Statements []sourceStatement
	Traces     []TraceSummary
	Query      string // that leads to all traces of it
}

// sourceStatement is a statement that a route or job runs.
type sourceStatement struct {
	ID, Text string
	N        int64
	TotalMS  Millis
	Share    float64 // of the time of all its statements, percent
}

func (s *System) seriesPage(w http.ResponseWriter, r *http.Request) error {
	span, rangeName, class, err := asked(r)
	if err != nil {
		return err
	}
	one := Series{class, r.URL.Query().Get("name")}
	if one.Class == "" || one.Name == "" {
		return web.ErrNotFound
	}
	detail, err := s.seriesDetail(r.Context(), one, span)
	if err != nil {
		return err
	}
	keep := url.Values{"class": {string(class)}, "name": {one.Name}}
	d := seriesData{PerformanceDetail: detail, Label: labelOf(class), Spans: rangeChips(performanceBase+"/series", keep, rangeName)}
	d.Range = rangeName
	d.Points = chartPoints(detail, span, s.now())
	if d.Marks, err = s.releases(r.Context(), s.now().Add(-span)); err != nil {
		return err
	}
	for _, m := range d.Marks {
		d.MarkText += fmt.Sprintf("%d %s\n", m.At.Unix(), strings.ReplaceAll(m.Release, "\n", " "))
	}
	if d.Statements, err = s.statementsOf(r.Context(), one, span); err != nil {
		return err
	}
	page, err := s.Traces(r.Context(), TraceFilter{Class: class, Source: one.Name, Limit: 10})
	d.Traces, d.Query = page.Traces, url.Values{"class": {string(class)}, "source": {one.Name}}.Encode()
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "observe/series", web.View{Title: one.Name, Data: d})
}

// seriesPath is the page of a series.
func seriesPath(s Series, span string) string {
	return performanceBase + "/series?" + url.Values{"class": {string(s.Class)}, "name": {s.Name}, "range": {span}}.Encode()
}

func labelOf(class Class) string {
	for _, c := range classes {
		if c.class == class {
			return c.label
		}
	}
	return string(class)
}

// chartPoints are all steps of a range, those without anything too.
func chartPoints(d PerformanceDetail, span time.Duration, now time.Time) (all []chartPoint) {
	step := time.Duration(d.StepMS) * time.Millisecond
	known := map[int64]Measure{}
	for _, p := range d.Points {
		known[p.At] = p.Measure
	}
	for at := now.Add(-span).Truncate(step); !at.After(now); at = at.Add(step) {
		m, minutes := known[at.UnixMilli()], step.Minutes()
		all = append(all, chartPoint{At: at.UTC(), Good: float64(m.Count-m.Errors) / minutes, Bad: float64(m.Errors) / minutes, P50: float64(m.P50MS) / 1000, P95: float64(m.P95MS) / 1000, P99: float64(m.P99MS) / 1000})
	}
	return all
}

// statementsOf are those a route or job runs, the ones that take the most time first.
func (s *System) statementsOf(ctx context.Context, source Series, span time.Duration) ([]sourceStatement, error) {
	since, sums := s.now().Add(-span).Truncate(time.Hour).UnixMilli(), map[string]sourceCount{}
	s.queries.mu.RLock()
	defer s.queries.mu.RUnlock()
	texts := map[string]string{}
	err := s.issues(ctx, func(tx *store.Tx) error {
		rows, err := usedBy(tx, source.String(), since)
		for _, row := range rows {
			sums[row.name] = sourceCount{sums[row.name].n + row.n, sums[row.name].us + row.us}
		}
		for id := range sums {
			if _, live := s.shapes.byID.Load(id); live || err != nil {
				continue
			}
			var row queryRow
			if row, err = queryText(tx, id); errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			texts[id] = row.text
		}
		return err
	})
	s.sources.by(source, func(query string, c sourceCount) {
		sums[query] = sourceCount{sums[query].n + c.n, sums[query].us + c.us}
	})
	var all []sourceStatement
	var total float64
	for id, c := range sums {
		text := texts[id]
		if found, ok := s.shapes.byID.Load(id); ok {
			text = found.(*shape).Text
		}
		total += float64(c.us)
		all = append(all, sourceStatement{ID: id, Text: text, N: c.n, TotalMS: Millis(c.us) / 1000})
	}
	for i := range all {
		all[i].Share = 100 * float64(all[i].TotalMS) * 1000 / max(total, 1)
	}
	slices.SortFunc(all, func(a, b sourceStatement) int {
		return cmp.Or(cmp.Compare(b.TotalMS, a.TotalMS), strings.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), 20)], err
}

// releases are those that first ran since a time.
func (s *System) releases(ctx context.Context, since time.Time) (all []mark, err error) {
	err = s.issues(ctx, func(tx *store.Tx) error {
		all, err = store.All(tx, func(r store.Scanner) (m mark, err error) {
			var at int64
			err = r.Scan(&m.Release, &at)
			m.At = time.UnixMilli(at).UTC()
			return m, err
		}, `SELECT release, first_seen FROM observe_release WHERE first_seen >= ? LIMIT 200`, since.UnixMilli())
		return err
	})
	slices.SortFunc(all, func(a, b mark) int { return a.At.Compare(b.At) })
	return all, err
}

// sayRelease notes that this release runs, once a process.
func (s *System) sayRelease(main *store.Side) {
	if s.released || s.o.Release == "" {
		return
	}
	now := s.now().UnixMilli()
	s.released = main.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO observe_release (release, first_seen) VALUES (?, ?) ON CONFLICT (release) DO NOTHING`, s.o.Release, now)
		return err
	}) == nil
}
