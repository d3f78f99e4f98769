package observe

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"seaworthy/app/web"
)

// orderLabels are the orders of the list, as people call them.
var orderLabels = []struct{ name, label string }{{"total", "Time in all"}, {"p95", "Slowest"}, {"count", "Most often"}, {"wait", "Waits"}, {"errors", "Errors"}}

// queryAsked reads the range and order of a list of statements.
func queryAsked(r *http.Request) (span string, order string, err error) {
	q := r.URL.Query()
	span, order = cmp.Or(q.Get("range"), "24h"), cmp.Or(q.Get("order"), "total")
	_, known := spans[span]
	var c web.Check
	c.Fault(known && spans[span] <= keepQueriesFor, "range", "choice", "One of 15m, 1h, 6h, 24h, 7d.")
	_, ordered := orders[order]
	c.Fault(ordered, "order", "choice", "One of total, p95, max, count, wait, errors.")
	return span, order, c.Err()
}

type queriesData struct {
	Tabs, Orders, Spans []chip
	Rows                []Query
	More                bool
}

func (s *System) queriesPage(w http.ResponseWriter, r *http.Request) error {
	span, order, err := queryAsked(r)
	if err != nil {
		return err
	}
	const base = performanceBase + "/queries"
	d := queriesData{Tabs: tabs(base)}
	if d.Rows, err = s.Queries(r.Context(), spans[span], order); err != nil {
		return err
	}
	if d.More = len(d.Rows) > mostRows; d.More {
		d.Rows = d.Rows[:mostRows]
	}
	for _, o := range orderLabels {
		d.Orders = append(d.Orders, chip{Label: o.label, Path: base + "?" + url.Values{"order": {o.name}, "range": {span}}.Encode(), On: o.name == order})
	}
	d.Spans = rangeChips(base, url.Values{"order": {order}}, span)[:4]
	return s.Pages.Render(w, r, "observe/queries", web.View{Title: "Statements", Data: d})
}

type queryData struct {
	QueryDetail
	Advice  Advice
	Changed bool   // the plan of now is another than the one before
	Last    string // plan before the one of now, "" when there is none
	Bars    []bar
	Spans   []chip
	Marks   int // values it takes
	Manage  bool
	Reads   bool // it may be run again
	Values  string
	Done    *Analysis
}

// bar is a part of the time a statement takes, with its share for a drawing of 100.
type bar struct {
	Name, Means string
	MS          Millis
	From, Width float64
}

func (s *System) queryPage(w http.ResponseWriter, r *http.Request) error {
	return s.showQuery(w, r, 0, &web.Form{}, "", nil)
}

func (s *System) showQuery(w http.ResponseWriter, r *http.Request, status int, form *web.Form, values string, done *Analysis) error {
	span, _, err := queryAsked(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	detail, err := s.Query(r.Context(), id, spans[span])
	if err != nil {
		return err
	}
	d := queryData{QueryDetail: detail, Values: values, Done: done, Marks: strings.Count(detail.Text, "?"), Manage: web.IdentityOf(r.Context()).Can("performance:manage")}
	d.Range = span
	if found, ok := s.shapes.byID.Load(id); ok {
		h := found.(*shape)
		d.Marks = strings.Count(h.sql, "?")
		d.Reads = h.reads()
		if d.Advice, err = s.Advise(r.Context(), id); err != nil {
			return err
		}
	}
	for _, p := range d.Plans {
		if p.Text != d.Now && d.Now != "" {
			d.Last = p.Text
			break
		}
	}
	d.Changed = d.Last != ""
	d.Bars = barsOf(detail.Query)
	d.Spans = rangeChips(performanceBase+"/queries/"+id, url.Values{}, span)[:4]
	return s.Pages.Render(w, r, "observe/query", web.View{Title: "Statement " + id, Status: status, Data: d, Form: form})
}

// barsOf splits the time of one run, on average, into where it goes.
func barsOf(q Query) []bar {
	run := Millis(0)
	if q.Count > 0 {
		run = q.TotalMS / Millis(q.Count)
	}
	all := []bar{{Name: "Run", Means: "SQLite works", MS: run}}
	if q.Writes > 0 {
		all = []bar{{Name: "Gate", Means: "waits for its turn with our writer", MS: q.GateMS}, {Name: "Lock", Means: "waits for another process", MS: q.LockMS}, all[0], {Name: "Commit", Means: "waits until it is on the disk", MS: q.CommitMS}}
	}
	total, from := 0.0, 0.0
	for _, b := range all {
		total += float64(b.MS)
	}
	for i := range all {
		all[i].From = from
		all[i].Width = 100 * float64(all[i].MS) / max(total, 0.000001)
		from += all[i].Width
	}
	return all
}

func (s *System) queryAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[AnalyseInput](r)
	if err == nil {
		var done Analysis
		if done, err = s.Analyse(r.Context(), r.PathValue("id"), in); err == nil {
			return s.showQuery(w, r, 0, &web.Form{}, in.Values, &done)
		}
	}
	if e := web.AsError(err); e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict {
		return s.showQuery(w, r, e.Status, &web.Form{Values: map[string]string{"values": in.Values}, Err: e}, in.Values, nil)
	}
	return err
}

func (s *System) queriesAPI(w http.ResponseWriter, r *http.Request) error {
	span, order, err := queryAsked(r)
	if err != nil {
		return err
	}
	page := QueryPage{Range: span}
	if page.Queries, err = s.Queries(r.Context(), spans[span], order); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, page)
}

func (s *System) queryAPI(w http.ResponseWriter, r *http.Request) error {
	span, _, err := queryAsked(r)
	if err != nil {
		return err
	}
	d, err := s.Query(r.Context(), r.PathValue("id"), spans[span])
	if err != nil {
		return err
	}
	d.Range = span
	return web.JSON(w, http.StatusOK, d)
}

func (s *System) adviceAPI(w http.ResponseWriter, r *http.Request) error {
	a, err := s.Advise(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, a)
}

func (s *System) analyseAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[AnalyseInput](r)
	if err != nil {
		return err
	}
	a, err := s.Analyse(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, a)
}
