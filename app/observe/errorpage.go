package observe

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// chip narrows a list to what it names.
type chip struct {
	Label, Path string
	On          bool
}

type errorsData struct {
	Rows         []Issue
	Status       string
	Chips        []chip
	Here         string
	Older, Newer string
}

func (s *System) errorsPage(w http.ResponseWriter, r *http.Request) error {
	quiet(r)
	q := r.URL.Query()
	status := q.Get("status")
	if !q.Has("status") {
		status = "open"
	}
	f := IssueFilter{Status: status, Before: q.Get("cursor"), Limit: 50}
	if status == "all" {
		f.Status = ""
	}
	page, err := s.Issues(r.Context(), f)
	if err != nil {
		return err
	}
	keep := url.Values{"status": {status}}
	d := errorsData{Rows: page.Errors, Status: status, Here: address(errorsBase, keep, f.Before)}
	for _, name := range append(append([]string{}, statuses...), "all") {
		d.Chips = append(d.Chips, chip{Label: strings.ToUpper(name[:1]) + name[1:], Path: errorsBase + "?status=" + name, On: name == status})
	}
	if page.Next != "" {
		d.Older = address(errorsBase, keep, page.Next)
	}
	if f.Before != "" {
		d.Newer = address(errorsBase, keep, "")
	}
	return s.Pages.Render(w, r, "observe/errors", web.View{Title: "Errors", Data: d})
}

type errorData struct {
	IssueDetail
	Shown    Sample // the occurrence that the page is about
	Which    string // "The last occurrence"
	Crumbs   []logRow
	Assignee string // address, or id
	Mine     bool
	Manage   bool
	Logs     bool // may read the log
	Done     string
}

// errorDone is what happened before an issue's page was shown again.
var errorDone = map[string]string{
	"resolved": "The error is resolved. When it is seen again it is open again, and marked as a regression.",
	"ignored":  "The error is ignored. It is counted on.",
	"open":     "The error is open again.",
	"assigned": "It is clear now who looks after it.",
}

func (s *System) errorPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Detail(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	data := errorData{IssueDetail: d, Shown: Sample{Event: d.Last}, Which: "The last occurrence", Manage: id.Can("errors:manage"), Logs: id.Can("logs:read"),
		Done: errorDone[r.URL.Query().Get("done")], Mine: d.Issue.Assignee == id.User && id.User != "", Assignee: d.Issue.Assignee}
	if wanted := r.URL.Query().Get("event"); wanted == "first" {
		data.Shown, data.Which = Sample{Event: d.First}, "The first occurrence"
	} else if wanted != "" {
		for _, e := range d.Events {
			if strconv.FormatInt(e.Seq, 10) == wanted {
				data.Shown, data.Which = e, "One occurrence"
			}
		}
	}
	for _, l := range data.Shown.Crumbs {
		data.Crumbs = append(data.Crumbs, rowOf(l))
	}
	if data.Assignee != "" {
		err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
			if email, err := s.People(tx, data.Assignee); err == nil {
				data.Assignee = email
			}
			return nil // somebody who is deleted stays an id
		})
		if err != nil {
			return err
		}
	}
	return s.Pages.Render(w, r, "observe/error", web.View{Title: d.Title, Data: data})
}

// errorInput is one button of an issue's page.
type errorInput struct {
	Act string `json:"act"`
}

func (s *System) errorAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[errorInput](r)
	if err != nil {
		return err
	}
	me, nobody := web.IdentityOf(r.Context()).User, ""
	c, known := map[string]Change{
		"resolve": {Status: "resolved"}, "resolve_next": {Status: "resolved", NextFix: true},
		"ignore_day": {Status: "ignored", IgnoreDays: 1}, "ignore_week": {Status: "ignored", IgnoreDays: 7}, "ignore": {Status: "ignored"},
		"reopen": {Status: "open"}, "take": {Assignee: &me}, "leave": {Assignee: &nobody},
	}[in.Act]
	if !known {
		return web.Invalid(web.Field{Field: "act", Code: "unknown", Message: "This is no act on an error."})
	}
	i, err := s.Change(r.Context(), r.PathValue("id"), c)
	if err != nil {
		return err
	}
	done := i.Status
	if c.Assignee != nil {
		done = "assigned"
	}
	return web.SeeOther(w, r, errorsBase+"/"+i.ID+"?done="+done)
}
