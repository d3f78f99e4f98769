package console

import (
	"net/http"
	"net/url"
	"strings"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

const jobsBase = "/-/admin/jobs"

// jobRoutes are the pages of jobs and queues. The acts are those of jobs.
func (s *System) jobRoutes() []web.Route {
	see, manage := web.Permission("jobs:read"), web.Permission("jobs:manage")
	return []web.Route{
		{Method: "GET", Pattern: jobsBase, Access: see, Handler: page(s.jobs)},
		{Method: "GET", Pattern: jobsBase + "/events", Access: see, Handler: page(s.jobEvents)},
		{Method: "GET", Pattern: jobsBase + "/queues", Access: see, Handler: page(s.queues)},
		{Method: "GET", Pattern: jobsBase + "/{id}", Access: see, Handler: page(s.job)},
		{Method: "POST", Pattern: jobsBase + "/replay", Access: manage, Handler: page(s.replayJobs), Audit: []string{"jobs.replayed"}},
		{Method: "POST", Pattern: jobsBase + "/{id}/retry", Access: manage, Handler: page(s.jobAct("retried", s.Jobs.RetryJob)), Audit: []string{"job.retried"}},
		{Method: "POST", Pattern: jobsBase + "/{id}/cancel", Access: manage, Handler: page(s.jobAct("cancelled", s.Jobs.CancelJob)), Audit: []string{"job.cancelled"}},
		{Method: "POST", Pattern: jobsBase + "/queues/{queue}/pause", Access: manage, Handler: page(s.queueAct("paused", s.pauseQueue)), Audit: []string{"queue.paused"}},
		{Method: "POST", Pattern: jobsBase + "/queues/{queue}/resume", Access: manage, Handler: page(s.queueAct("resumed", s.resumeQueue)), Audit: []string{"queue.resumed"}},
		{Method: "POST", Pattern: jobsBase + "/queues/{queue}/limits", Access: manage, Handler: page(s.limitQueue), Audit: []string{"queue.limits_changed"}},
	}
}

// jobFilter reads a list's filter from its address. What is not known narrows nothing.
func jobFilter(q url.Values) queue.Filter {
	f := queue.Filter{Kind: word(q, "kind"), Queue: word(q, "queue"), Org: word(q, "org"), Endpoint: word(q, "endpoint"), Before: q.Get("before")}
	for _, state := range queue.States {
		if q.Get("state") == string(state) {
			f.State = state
		}
	}
	return f
}

func word(q url.Values, name string) string {
	return strings.TrimSpace(web.CleanText(q.Get(name), 200))
}

// jobQuery is a filter as an address, without the cursor.
func jobQuery(f queue.Filter) url.Values {
	return url.Values{"state": {string(f.State)}, "kind": {f.Kind}, "queue": {f.Queue}, "org": {f.Org}, "endpoint": {f.Endpoint}}
}

type jobsData struct {
	Rows         []queue.Record
	Filter       queue.Filter
	Chips        []chip
	Here         string // this list's address, for what refreshes it
	Older, Newer string
	Narrowed     bool // by more than the state
	Done         string
	Manage       bool
}

// jobsDone is what happened before the list was shown again.
var jobsDone = map[string]string{
	"replayed": "They are being replayed: each runs again as soon as there is room.",
}

func (s *System) jobs(w http.ResponseWriter, r *http.Request) error {
	f := jobFilter(r.URL.Query())
	f.Limit = pageSize + 1
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]queue.Record, error) { return queue.List(tx, f) })
	if err != nil {
		return err
	}
	filters := jobQuery(f)
	d := jobsData{Filter: f, Chips: stateChips(f), Manage: web.IdentityOf(r.Context()).Can("jobs:manage"), Done: jobsDone[r.URL.Query().Get("done")],
		Narrowed: f.Kind+f.Queue+f.Org+f.Endpoint != "", Here: first(jobsBase, filters)}
	if len(all) > pageSize {
		all = all[:pageSize]
		d.Older = href(jobsBase, "before", all[pageSize-1].ID, filters)
	}
	d.Rows = all
	if f.Before != "" {
		d.Newer = first(jobsBase, filters)
		d.Here = href(jobsBase, "before", f.Before, filters)
	}
	return s.Pages.Render(w, r, "console/jobs", web.View{Title: "Jobs", Data: d})
}

// stateChips are the states as links that keep the rest of the filter.
func stateChips(f queue.Filter) []chip {
	at := func(state queue.State) string {
		g := f
		g.State = state
		return first(jobsBase, jobQuery(g))
	}
	all := []chip{{Label: "All", Path: at(""), On: f.State == ""}}
	for _, state := range queue.States {
		all = append(all, chip{Label: capital(string(state)), Path: at(state), On: f.State == state})
	}
	return all
}

// jobEvents tells a page of jobs that something about them changed.
func (s *System) jobEvents(w http.ResponseWriter, r *http.Request) error {
	changed := s.DB.Listen(queue.Ready)
	defer s.DB.Unlisten(queue.Ready, changed)
	return web.Stream(w, r, changed)
}

// replayInput is a filter whose jobs are to run again.
type replayInput struct {
	State    string `json:"state"`
	Kind     string `json:"kind,omitempty"`
	Queue    string `json:"queue,omitempty"`
	Org      string `json:"org,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
}

func (s *System) replayJobs(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[replayInput](r)
	if err != nil {
		return err
	}
	f := jobFilter(url.Values{"state": {in.State}, "kind": {in.Kind}, "queue": {in.Queue}, "org": {in.Org}, "endpoint": {in.Endpoint}})
	if _, err := s.Jobs.ReplayJobs(r.Context(), f); err != nil {
		return err
	}
	q := jobQuery(f)
	return web.SeeOther(w, r, href(jobsBase, "done", "replayed", q))
}
