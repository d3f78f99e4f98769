package observe

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
)

// spans are the ranges that can be asked for.
var spans = map[string]time.Duration{"15m": 15 * time.Minute, "1h": time.Hour, "6h": 6 * time.Hour, "24h": 24 * time.Hour,
	"7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour, "90d": 90 * 24 * time.Hour, "1y": 365 * 24 * time.Hour}

// Measure is what figures come to: times are milliseconds.
type Measure struct {
	Count   int64  `json:"count"`
	Errors  int64  `json:"errors"`
	TotalMS Millis `json:"total_ms"`
	P50MS   Millis `json:"p50_ms"`
	P95MS   Millis `json:"p95_ms"`
	P99MS   Millis `json:"p99_ms"`
	MaxMS   Millis `json:"max_ms"`
}

// SeriesMeasure is a series over the whole of a range.
type SeriesMeasure struct {
	Class Class  `json:"class"`
	Name  string `json:"name"`
	Measure
	PerMinute float64 `json:"per_minute"`
}

// PerformancePage is all series of a range, those that took the most time first.
type PerformancePage struct {
	Range  string          `json:"range"`
	StepMS int64           `json:"step_ms"` // of the history it is from
	Series []SeriesMeasure `json:"series"`
}

// Point is a series in one step of a range; steps in which nothing happened have none.
type Point struct {
	At int64 `json:"at"` // ms UTC, its begin
	Measure
}

// PerformanceDetail is one series in time, the oldest point first.
type PerformanceDetail struct {
	Range  string        `json:"range"`
	StepMS int64         `json:"step_ms"`
	Series SeriesMeasure `json:"series"`
	Points []Point       `json:"points"`
}

func measure(f *Figures) Measure {
	return Measure{f.Count, f.Errors, millis(f.Total), millis(f.Quantile(.5)), millis(f.Quantile(.95)), millis(f.Quantile(.99)), millis(f.Most)}
}

func measureSeries(s Series, f *Figures, span time.Duration) SeriesMeasure {
	return SeriesMeasure{s.Class, s.Name, measure(f), float64(f.Count) / span.Minutes()}
}

func (s *System) performanceRoutes() []web.Route {
	see := web.Permission("performance:read")
	return []web.Route{
		{Method: "GET", Pattern: "/-/api/v1/performance", Access: see, Handler: s.performanceAPI, Doc: web.Doc{Summary: "How often routes and kinds of jobs were used in a range, how long they took and how often they failed", Out: PerformancePage{}}},
		{Method: "GET", Pattern: performanceBase, Access: see, Handler: s.performancePage},
		{Method: "GET", Pattern: performanceBase + "/series", Access: see, Handler: s.seriesPage},
		{Method: "GET", Pattern: performanceBase + "/queries", Access: see, Handler: s.queriesPage},
		{Method: "GET", Pattern: performanceBase + "/queries/{id}", Access: see, Handler: s.queryPage},
		{Method: "POST", Pattern: performanceBase + "/queries/{id}", Access: web.Permission("performance:manage"), Handler: s.queryAct, Audit: []string{string(actAnalysed)}},
		{Method: "GET", Pattern: performanceBase + "/slow", Access: see, Handler: s.slowShown},
		{Method: "GET", Pattern: performanceBase + "/traces", Access: see, Handler: s.tracesPage},
		{Method: "GET", Pattern: performanceBase + "/traces/{id}", Access: see, Handler: s.tracePage},
		{Method: "GET", Pattern: "/-/api/v1/performance/queries", Access: see, Handler: s.queriesAPI, Doc: web.Doc{Summary: "The statements that ran in a range, with how long they took and waited", Out: QueryPage{}}},
		{Method: "GET", Pattern: "/-/api/v1/performance/queries/{id}", Access: see, Handler: s.queryAPI, Doc: web.Doc{Summary: "A statement over time: who ran it, its plans, its slow runs", Out: QueryDetail{}}},
		{Method: "GET", Pattern: "/-/api/v1/performance/queries/{id}/advice", Access: see, Handler: s.adviceAPI, Doc: web.Doc{Summary: "Indexes that would help a statement; nothing is changed", Out: Advice{}}},
		{Method: "POST", Pattern: "/-/api/v1/performance/queries/{id}/analyse", Access: web.Permission("performance:manage"), Handler: s.analyseAPI, Audit: []string{string(actAnalysed)}, Doc: web.Doc{Summary: "Run a query again with values, without keeping what it finds", In: AnalyseInput{}, Out: Analysis{}}},
		{Method: "GET", Pattern: "/-/api/v1/performance/slow", Access: see, Handler: s.slowAPI, Doc: web.Doc{Summary: "Slow statements, long waits and repeated statements, the newest first", Out: SlowPage{}}},
		{Method: "GET", Pattern: "/-/api/v1/performance/traces", Access: see, Handler: s.tracesAPI, Doc: web.Doc{Summary: "Requests and jobs whose trace was kept, the newest first", Out: TracePage{}}},
		{Method: "GET", Pattern: "/-/api/v1/performance/traces/{id}", Access: see, Handler: s.traceAPI, Doc: web.Doc{Summary: "A trace with its spans", Out: TraceDetail{}}},
		{Method: "GET", Pattern: "/-/api/v1/performance/series", Access: see, Handler: s.seriesAPI, Doc: web.Doc{Summary: "A route, kind of job or host over time", Out: PerformanceDetail{}}},
	}
}

// Performance is what all series of a class come to in a range; of every class for "".
func (s *System) Performance(ctx context.Context, class Class, span time.Duration) (PerformancePage, error) {
	sums := map[Series]*Figures{}
	step, err := s.History(ctx, span, func(_ time.Time, series Series, f *Figures) {
		if class != "" && series.Class != class || series.Class == Errors {
			return
		}
		if sums[series] == nil {
			sums[series] = &Figures{}
		}
		sums[series].Add(f)
	})
	page := PerformancePage{StepMS: step.Milliseconds(), Series: []SeriesMeasure{}}
	for series, f := range sums {
		page.Series = append(page.Series, measureSeries(series, f, span))
	}
	slices.SortFunc(page.Series, func(a, b SeriesMeasure) int {
		return cmp.Or(cmp.Compare(b.TotalMS, a.TotalMS), strings.Compare(string(a.Class)+a.Name, string(b.Class)+b.Name))
	})
	return page, err
}

// seriesDetail is one series over time; a name nobody counted has no points.
func (s *System) seriesDetail(ctx context.Context, one Series, span time.Duration) (PerformanceDetail, error) {
	all, points := &Figures{}, map[int64]*Figures{}
	step, err := s.History(ctx, span, func(at time.Time, series Series, f *Figures) {
		if series != one {
			return
		}
		all.Add(f)
		if points[at.UnixMilli()] == nil {
			points[at.UnixMilli()] = &Figures{}
		}
		points[at.UnixMilli()].Add(f)
	})
	d := PerformanceDetail{StepMS: step.Milliseconds(), Series: measureSeries(one, all, span), Points: []Point{}}
	for at, f := range points {
		d.Points = append(d.Points, Point{at, measure(f)})
	}
	slices.SortFunc(d.Points, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
	return d, err
}

// asked reads the range and the class of a question.
func asked(r *http.Request) (span time.Duration, name string, class Class, err error) {
	q := r.URL.Query()
	name, class = cmp.Or(q.Get("range"), "1h"), Class(q.Get("class"))
	span, known := spans[name]
	var c web.Check
	c.Fault(known, "range", "choice", "One of 15m, 1h, 6h, 24h, 7d, 30d, 90d, 1y.")
	c.Fault(slices.Contains([]Class{"", Ours, App, Jobs, Calls}, class), "class", "choice", "One of ours, app, job, call, or nothing for all.")
	return span, name, class, c.Err()
}

func (s *System) performanceAPI(w http.ResponseWriter, r *http.Request) error {
	span, name, class, err := asked(r)
	if err != nil {
		return err
	}
	page, err := s.Performance(r.Context(), class, span)
	if err != nil {
		return err
	}
	page.Range = name
	return web.JSON(w, http.StatusOK, page)
}

func (s *System) seriesAPI(w http.ResponseWriter, r *http.Request) error {
	span, name, class, err := asked(r)
	if err != nil {
		return err
	}
	one := Series{class, r.URL.Query().Get("name")}
	var c web.Check
	c.Fault(one.Class != "", "class", "required", "Say which class the name is of: ours, app, job or call.")
	c.Fault(one.Name != "", "name", "required", "Say the name as the list has it.")
	if err := c.Err(); err != nil {
		return err
	}
	d, err := s.seriesDetail(r.Context(), one, span)
	if err != nil {
		return err
	}
	d.Range = name
	return web.JSON(w, http.StatusOK, d)
}
