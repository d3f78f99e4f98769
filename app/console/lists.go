package console

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// countLimit bounds what a number on the overview may cost to count.
const countLimit = 10_000

func count(n int) string {
	if n >= countLimit {
		return strconv.Itoa(countLimit) + "+"
	}
	return strconv.Itoa(n)
}

func kind(is bool, then string) string {
	if is {
		return then
	}
	return "quiet"
}

// href is the address of a list with its filters and a cursor; "" without one.
func href(path string, cursor, value string, filters url.Values) string {
	if value == "" {
		return ""
	}
	q := url.Values{}
	for k, v := range filters {
		if v[0] != "" {
			q[k] = v
		}
	}
	q.Set(cursor, value)
	return path + "?" + q.Encode()
}

// first is the list's first page, with its filters.
func first(path string, filters url.Values) string {
	q := url.Values{}
	for k, v := range filters {
		if v[0] != "" {
			q[k] = v
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

type jobRow struct {
	ID, Kind, Queue, State, LastError string
	Attempt, MaxAttempts              int
	RunAt                             time.Time
}

type jobsData struct {
	Rows                []jobRow
	State, Older, Newer string
}

func (s *System) jobs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]queue.Record, error) {
		return queue.List(tx, queue.Filter{State: queue.State(q.Get("state")), Before: q.Get("before"), Limit: pageSize + 1})
	})
	if err != nil {
		return err
	}
	data := jobsData{State: q.Get("state")}
	filters := url.Values{"state": {data.State}}
	if len(all) > pageSize {
		all = all[:pageSize]
		data.Older = href("/-/admin/jobs", "before", all[pageSize-1].ID, filters)
	}
	for _, j := range all {
		data.Rows = append(data.Rows, jobRow{ID: j.ID, Kind: j.Kind, Queue: j.Queue, State: string(j.State), LastError: j.LastError,
			Attempt: j.Attempt, MaxAttempts: j.MaxAttempts, RunAt: j.RunAt})
	}
	if q.Get("before") != "" {
		data.Newer = first("/-/admin/jobs", filters)
	}
	return s.Pages.Render(w, r, "console/jobs", web.View{Title: "Jobs", Data: data})
}
