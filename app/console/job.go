package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// moment is one thing in the life of a job, as its timeline shows it.
type moment struct {
	At           time.Time
	Kind, Word   string // of the pill
	Text, Detail string
	Stack        string
	Took         string
}

type jobData struct {
	queue.Record
	Cause         queue.Cause
	Args, Output  string
	Life          []moment // the newest first
	More          bool     // attempts that are not shown
	Done          string
	Took          string // the last attempt
	Manage, Audit bool
	CanRetry      string // what the button says; "" without one
	CanCancel     bool
	Events        []audit.Row
}

// jobDone is what happened before a job's page was shown again.
var jobDone = map[string]string{
	"retried":   "The job runs as soon as there is room.",
	"cancelled": "The job is cancelled. If it runs, it is told to stop.",
}

// maxAttemptsShown bounds a timeline.
const maxAttemptsShown = 100

func (s *System) job(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	d := jobData{Done: jobDone[r.URL.Query().Get("done")], Manage: id.Can("jobs:manage"), Audit: id.Can("audit:read")}
	var attempts []queue.Attempt
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.Record, err = queue.ByID(tx, r.PathValue("id")); err != nil {
			return err
		}
		if attempts, err = queue.Attempts(tx, d.ID, maxAttemptsShown+1); err != nil || !d.Audit {
			return err
		}
		events, err := audit.List(tx, audit.Filter{Target: "job:" + d.ID, Limit: 10})
		d.Events = s.Audit.Rows(events, "/-/admin/audit")
		return err
	})
	if err != nil {
		return err
	}
	json.Unmarshal(d.Meta, &d.Cause) // our own text; empty is fine
	d.Args, d.Output = redact.JSON(d.Record.Args), redact.JSON(d.Record.Output)
	d.More = len(attempts) > maxAttemptsShown
	d.Life = life(d.Record, attempts)
	switch {
	case d.State.Final():
		d.CanRetry = "Run again"
	case d.State == queue.Scheduled || d.State == queue.Retryable:
		d.CanRetry = "Run now"
	}
	d.CanCancel = !d.State.Final() && !d.Cancelling
	return s.Pages.Render(w, r, "console/job", web.View{Title: d.Kind, Data: d})
}

// life tells what happened to a job, the newest first.
func life(j queue.Record, attempts []queue.Attempt) []moment {
	all := []moment{{At: j.Created, Kind: "quiet", Word: "enqueued", Text: "Put into the queue " + j.Queue}}
	for _, a := range attempts {
		m := moment{At: a.Finished, Word: a.Outcome, Kind: outcomeKind(a.Outcome), Text: "Attempt " + count(a.Number), Detail: a.Err, Stack: a.Stack, Took: took(a.Finished.Sub(a.Started))}
		if a.Status != 0 {
			m.Text += ", answered " + strings.TrimSpace(strconv.Itoa(a.Status)+" "+http.StatusText(a.Status))
			if a.Snippet != "" {
				m.Detail = withSnippet(m.Detail, a.Snippet)
			}
		}
		all = append(all, m)
	}
	switch j.State {
	case queue.Running:
		all = append(all, moment{At: j.Started, Kind: "info", Word: "running", Text: "Attempt " + count(j.Attempt)})
	case queue.Scheduled, queue.Retryable:
		all = append(all, moment{At: j.RunAt, Kind: "quiet", Word: string(j.State), Text: "Runs next"})
	case queue.Blocked:
		all = append(all, moment{At: j.RunAt, Kind: "quiet", Word: "blocked", Text: "Waits for a place: " + count(j.KeyLimit) + " of its key run at once"})
	case queue.Cancelled, queue.Dead:
		if len(attempts) == 0 || !attempts[len(attempts)-1].Finished.Equal(j.Finished) {
			all = append(all, moment{At: j.Finished, Kind: outcomeKind(string(j.State)), Word: string(j.State), Text: "Ended without another attempt"})
		}
	}
	slices.Reverse(all)
	return all
}

func withSnippet(err, snippet string) string {
	if err == "" {
		return snippet
	}
	return err + "\n" + snippet
}

func outcomeKind(outcome string) string {
	switch outcome {
	case "completed":
		return "ok"
	case "failed", "timeout", "lost":
		return "warn"
	case "panicked", "crashed", "dead":
		return "danger"
	}
	return "quiet"
}

// took is a duration as people read it.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// jobAct does something to the job a page is about, and shows the page again.
func (s *System) jobAct(done string, act func(ctx context.Context, id string) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := act(r.Context(), r.PathValue("id")); err != nil {
			return err
		}
		return web.SeeOther(w, r, jobsBase+"/"+r.PathValue("id")+"?done="+done)
	}
}
