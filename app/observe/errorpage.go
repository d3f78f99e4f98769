package observe

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	Filter       IssueFilter
	Mine         bool // narrowed to what is assigned to who asks
	Narrowed     bool
	Projects     []Project
	Levels       []string
	Manage       bool
	Here, Clear  string
	Older, Newer string
	Alone        bool // no app reports its errors here
}

func (s *System) errorsPage(w http.ResponseWriter, r *http.Request) error {
	quiet(r)
	q := r.URL.Query()
	status := q.Get("status")
	if !q.Has("status") {
		status = "open"
	}
	id := web.IdentityOf(r.Context())
	f := issueFilter(q, id.User)
	if f.Status = status; status == "all" {
		f.Status = ""
	}
	page, err := s.Issues(r.Context(), f)
	if err != nil {
		return err
	}
	keep := url.Values{"status": {status}}
	for _, name := range []string{"project", "release", "environment", "level", "assignee", "q"} {
		if v := q.Get(name); v != "" {
			keep.Set(name, v)
		}
	}
	d := errorsData{Rows: page.Errors, Status: status, Filter: f, Mine: q.Get("assignee") == "me", Narrowed: f.narrowed(), Projects: s.Projects(), Alone: len(s.Projects()) == 0, Levels: issueLevels,
		Manage: id.Can("errors:manage"), Here: address(errorsBase, keep, f.Before), Clear: errorsBase + "?status=" + url.QueryEscape(status)}
	for _, name := range append(append([]string{}, statuses...), "all") {
		there := maps.Clone(keep)
		there.Set("status", name)
		d.Chips = append(d.Chips, chip{Label: strings.ToUpper(name[:1]) + name[1:], Path: address(errorsBase, there, ""), On: name == status})
	}
	if page.Next != "" {
		d.Older = address(errorsBase, keep, page.Next)
	}
	if f.Before != "" {
		d.Newer = address(errorsBase, keep, "")
	}
	return s.Pages.Render(w, r, "observe/errors", web.View{Title: "Errors", Data: d})
}

// mergeInput is the form of the list.
type mergeInput struct {
	Errors []string `json:"error"`
}

func (s *System) errorsMerge(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[mergeInput](r)
	if err != nil {
		return err
	}
	i, err := s.Merge(r.Context(), Merge(in))
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, errorsBase+"/"+i.ID+"?done=merged")
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
	Earlier  string // what the address names the occurrence before the shown one by; "" for none
	Later    string // and after it
	Open     int    // which call of the stack shows its source at once: the innermost that has it; -1 for none
}

// errorDone is what happened before an issue's page was shown again.
var errorDone = map[string]string{
	"resolved": "The error is resolved. When it is seen again it is open again, and marked as a regression.",
	"ignored":  "The error is ignored. It is counted on.",
	"open":     "The error is open again.",
	"assigned": "It is clear now who looks after it.",
	"merged":   "The errors are one now. Each goes on counting for itself too, so that it can be taken out again.",
	"unmerged": "This error is one of its own again.",
}

func (s *System) errorPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Detail(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if d.MergedInto != "" {
		return web.SeeOther(w, r, errorsBase+"/"+d.MergedInto)
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
				s.showSource(&data.Shown.Event)
			}
		}
	}
	data.Earlier, data.Later = d.beside(data.Shown, r.URL.Query().Get("event"))
	data.Open = slices.IndexFunc(data.Shown.Frames, func(f Frame) bool { return len(f.Source) > 0 })
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

// beside are the occurrences before and after the shown one, among those that are kept whole: "first",
// "last", or a number.
func (d IssueDetail) beside(shown Sample, name string) (earlier, later string) {
	at := slices.IndexFunc(d.Events, func(e Sample) bool { return e.Seq == shown.Seq })
	number := func(i int) string { return strconv.FormatInt(d.Events[i].Seq, 10) }
	switch {
	case name == "first":
		for i := len(d.Events) - 1; i >= 0; i-- {
			if d.Events[i].At.After(d.First.At) {
				return "", number(i)
			}
		}
		if d.N > 1 {
			later = "last"
		}
	case at >= 0:
		if earlier = "first"; at < len(d.Events)-1 {
			earlier = number(at + 1)
		}
		if later = "last"; at > 0 {
			later = number(at - 1)
		}
	default:
		for i := range d.Events {
			if d.Events[i].At.Before(d.Last.At) {
				return number(i), ""
			}
		}
		if d.N > 1 {
			earlier = "first"
		}
	}
	return earlier, later
}

// errorInput is one button of an issue's page.
type errorInput struct {
	Act  string `json:"act"`
	Part string `json:"part"` // of unmerge
}

func (s *System) errorAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[errorInput](r)
	if err != nil {
		return err
	}
	if in.Act == "unmerge" {
		i, err := s.Unmerge(r.Context(), r.PathValue("id"), Unmerge{Error: in.Part})
		if err != nil {
			return err
		}
		return web.SeeOther(w, r, errorsBase+"/"+i.ID+"?done=unmerged")
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
