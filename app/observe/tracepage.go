package observe

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
)

// reasons are why a trace is kept, as people call it.
var reasons = []struct{ name, label string }{{"", "All"}, {"failed", "Failed"}, {"slow", "Slow"}, {"waited", "Waited"}, {"n+1", "Repeated statements"}, {"sample", "Sample"}}

// traceAsked reads what a list of traces is narrowed to.
func traceAsked(r *http.Request) (f TraceFilter, err error) {
	q := r.URL.Query()
	f = TraceFilter{Class: Class(q.Get("class")), Source: q.Get("source"), Reason: q.Get("reason"), Limit: limitOf(q, 50)}
	var c web.Check
	checkLimit(&c, f.Limit)
	c.Fault(slices.Contains([]Class{"", Ours, App, Jobs}, f.Class), "class", "choice", "One of ours, app, job, or nothing for all.")
	c.Fault(f.Source == "" || f.Class != "", "class", "required", "Say which class the source is of: ours, app or job.")
	c.Fault(slices.ContainsFunc(reasons, func(one struct{ name, label string }) bool { return one.name == f.Reason }), "reason", "choice", "One of failed, slow, waited, n+1, sample, or nothing for all.")
	f.Before = seqCursor(&c, q.Get("cursor"))
	return f, c.Err()
}

type tracesData struct {
	Tabs, Reasons []chip
	Rows          []TraceSummary
	Filter        TraceFilter
	All           string // path without the source
	Older, Newer  string
}

func (s *System) tracesPage(w http.ResponseWriter, r *http.Request) error {
	f, err := traceAsked(r)
	if err != nil {
		return err
	}
	page, err := s.Traces(r.Context(), f)
	if err != nil {
		return err
	}
	const base = performanceBase + "/traces"
	d := tracesData{Tabs: tabs(base), Rows: page.Traces, Filter: f, All: base}
	keep := url.Values{}
	for k, v := range map[string]string{"class": string(f.Class), "source": f.Source} {
		if v != "" {
			keep.Set(k, v)
		}
	}
	for _, one := range reasons {
		keep.Set("reason", one.name)
		d.Reasons = append(d.Reasons, chip{Label: one.label, Path: base + "?" + keep.Encode(), On: one.name == f.Reason})
	}
	keep.Set("reason", f.Reason)
	if page.Next != "" {
		d.Older = address(base, keep, page.Next)
	}
	if f.Before != 0 {
		d.Newer = address(base, keep, "")
	}
	return s.Pages.Render(w, r, "observe/traces", web.View{Title: "Traces", Data: d})
}

// line is a span as the waterfall draws it, of a width of 1000.
type line struct {
	TraceSpan
	From, Width float64
	MS          Millis
	Indent      int
	Kind        string // of colour
	Facts       []fact
}

type fact struct{ Name, Value, Path string }

type traceData struct {
	TraceDetail
	Lines []line
	MS    Millis
	Logs  bool
}

func (s *System) tracePage(w http.ResponseWriter, r *http.Request) error {
	detail, err := s.Trace(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	d := traceData{TraceDetail: detail, Logs: web.IdentityOf(r.Context()).Can("logs:read")}
	first, last := detail.Spans[0].At, int64(0)
	for _, sp := range detail.Spans {
		first, last = min(first, sp.At), max(last, sp.At+sp.US)
	}
	d.MS = Millis(last-first) / 1000
	for _, sp := range detail.Spans {
		l := line{TraceSpan: sp, MS: Millis(sp.US) / 1000, Indent: sp.Depth * 12, Kind: kindOf(sp)}
		l.From = 1000 * float64(sp.At-first) / float64(max(last-first, 1))
		l.Width = max(2, 1000*float64(sp.US)/float64(max(last-first, 1)))
		l.From = min(l.From, 998)
		l.Facts = factsOf(sp)
		d.Lines = append(d.Lines, l)
	}
	title := "Trace " + strings.ToValidUTF8(detail.ID[:min(len(detail.ID), 8)], "") // an SDK may give it any id
	return s.Pages.Render(w, r, "observe/trace", web.View{Title: title, Data: d})
}

// kindOf is what a span's bar looks like.
func kindOf(sp TraceSpan) string {
	switch {
	case badStatus(sp.Status):
		return "bad"
	case sp.Op == "db.sql":
		return "sql"
	case sp.Op == "db.transaction" || sp.Op == "db.wait":
		return "wait"
	case sp.Op == "http.client" || sp.Op == "smtp.client":
		return "call"
	}
	return "own"
}

// factsOf are a span's attributes in a fixed order, with links where they lead somewhere.
func factsOf(sp TraceSpan) (all []fact) {
	names := make([]string, 0, len(sp.Attrs))
	for k := range sp.Attrs {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		f := fact{Name: k}
		switch v := sp.Attrs[k].(type) {
		case string:
			f.Value = v
		case float64:
			f.Value = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			continue
		}
		switch k {
		case "query":
			f.Path = performanceBase + "/queries/" + url.PathEscape(f.Value)
		case "request":
			f.Path = logsBase + "?request=" + url.QueryEscape(f.Value)
		case "job":
			f.Path = "/-/admin/jobs/" + url.PathEscape(f.Value)
		case "user":
			f.Path = "/-/admin/users/" + url.PathEscape(f.Value)
		}
		all = append(all, f)
	}
	return all
}

func (s *System) tracesAPI(w http.ResponseWriter, r *http.Request) error {
	f, err := traceAsked(r)
	if err != nil {
		return err
	}
	page, err := s.Traces(r.Context(), f)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, page)
}

func (s *System) traceAPI(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Trace(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, d)
}

type slowData struct {
	Tabs         []chip
	Rows         []Slow
	Older, Newer string
}

func (s *System) slowShown(w http.ResponseWriter, r *http.Request) error {
	cursor := r.URL.Query().Get("cursor")
	page, err := s.slowPage(r.Context(), cursor, 50)
	if err != nil {
		return err
	}
	const base = performanceBase + "/slow"
	d := slowData{Tabs: tabs(base), Rows: page.Slow}
	if page.Next != "" {
		d.Older = address(base, nil, page.Next)
	}
	if cursor != "" {
		d.Newer = base
	}
	return s.Pages.Render(w, r, "observe/slow", web.View{Title: "What was slow", Data: d})
}

func (s *System) slowAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	page, err := s.slowPage(r.Context(), q.Get("cursor"), limitOf(q, 100))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, page)
}
