package jobs

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

func (s *System) jobRoutes() []web.Route {
	const all, one = "/-/api/v1/jobs", "/-/api/v1/jobs/{id}"
	enqueue, read, manage := web.Permission(permEnqueue), web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "POST", Pattern: all, Access: enqueue, Handler: s.enqueueAPI, OwnKeys: true, Body: queue.MaxArgs + 64<<10, Audit: actions(actEnqueued),
			Doc: web.Doc{Summary: "Enqueue a job of your app", In: jobInput{}, Out: jobMade{}, Status: http.StatusCreated}},
		{Method: "POST", Pattern: all + "/batch", Access: enqueue, Handler: s.batchAPI, OwnKeys: true, Body: maxBatchBytes, Audit: actions(actEnqueued),
			Doc: web.Doc{Summary: "Enqueue up to 1000 jobs, all or none, as a list or as NDJSON", In: []jobInput{}, Out: batchMade{}, Status: http.StatusCreated}},
		{Method: "GET", Pattern: all, Access: read, Handler: s.listAPI,
			Doc: web.Doc{Summary: "List jobs, newest first; query: state, kind, org, endpoint, queue (of the endpoint, the default one without) or lane (a queue by its whole name), cursor, limit", Out: JobPage{}}},
		{Method: "GET", Pattern: one, Access: read, Handler: s.jobAPI, Doc: web.Doc{Summary: "One job with its attempts", Out: Job{}}},
		{Method: "POST", Pattern: one + "/cancel", Access: manage, Handler: s.cancelAPI, Audit: actions(actCancelled),
			Doc: web.Doc{Summary: "Cancel a job that has not finished; one that runs ends when its attempt does", Out: Job{}}},
		{Method: "POST", Pattern: one + "/retry", Access: manage, Handler: s.retryAPI, Audit: actions(actRetried),
			Doc: web.Doc{Summary: "Run a finished job again with fresh attempts, or one that waits for its time now", Out: Job{}}},
		{Method: "POST", Pattern: one + "/complete", Access: enqueue, Handler: s.completeAPI, Body: maxAnswer + 64<<10, Audit: actions(actReported),
			Doc: web.Doc{Summary: "End a job that the endpoint answered with 202 and Seaworthy-Ack: manual", In: completion{}, Status: http.StatusAccepted}},
		{Method: "POST", Pattern: one + "/progress", Access: enqueue, Handler: s.progressAPI, Exempt: "how far a job is changes nothing, and nobody is told but who looks",
			Doc: web.Doc{Summary: "Say how far a job is that is being delivered", In: progressInput{}, Status: http.StatusAccepted}},
	}
}

// Job is a job as the API and the command line give it.
type Job struct {
	ID          string         `json:"id"`
	Kind        string         `json:"kind"`
	State       queue.State    `json:"state"`
	Cancelling  bool           `json:"cancelling,omitempty"`
	Endpoint    string         `json:"endpoint,omitempty"` // its name, or its id if it was deleted; none for jobs of Seaworthy's own
	Queue       string         `json:"queue"`
	Lane        string         `json:"lane"` // the whole name of its queue, by which it is paused
	Org         string         `json:"org,omitempty"`
	Priority    int            `json:"priority"`
	Attempt     int            `json:"attempt"`
	MaxAttempts int            `json:"max_attempts"`
	Snoozes     int            `json:"snoozes"` // attempts that did not count
	Progress    int            `json:"progress,omitempty"`
	RunAt       time.Time      `json:"run_at"`
	Created     time.Time      `json:"created_at"`
	Started     *time.Time     `json:"started_at,omitempty"`
	Finished    *time.Time     `json:"finished_at,omitempty"`
	Timeout     int            `json:"timeout_seconds"`
	LastError   string         `json:"last_error,omitempty"`
	Args        jsontext.Value `json:"args,omitempty"`   // of one job, not in lists
	Output      *string        `json:"output,omitempty"` // what the endpoint answered, as text
	Attempts    []Attempt      `json:"attempts,omitempty"`
}

// Attempt is one run of a job that ended.
type Attempt struct {
	Attempt  int       `json:"attempt"`
	Started  time.Time `json:"started_at"`
	Finished time.Time `json:"finished_at"`
	Outcome  string    `json:"outcome"`
	Error    string    `json:"error,omitempty"`
	Status   int       `json:"http_status,omitempty"`
	Snippet  string    `json:"response_snippet,omitempty"`
	Stack    string    `json:"stack,omitempty"` // of a handler of Seaworthy's own that panicked
}

// JobPage is a page of a list.
type JobPage struct {
	Jobs []Job  `json:"jobs"`
	Next string `json:"next_cursor,omitempty"` // of the next, older page; none on the last
}

// names are the endpoints' names by id.
func names(tx *store.Tx) (map[string]string, error) {
	all, err := listEndpoints(tx, maxEndpoints)
	known := map[string]string{}
	for _, e := range all {
		known[e.id] = e.name
	}
	return known, err
}

func summary(j queue.Record, known map[string]string) Job {
	timeout := j.Timeout
	if j.Endpoint != "" {
		timeout -= slack
	}
	return Job{ID: j.ID, Kind: j.Kind, State: j.State, Cancelling: j.Cancelling, Endpoint: cmp.Or(known[j.Endpoint], j.Endpoint), Queue: unlane(j.Queue), Lane: j.Queue, Org: j.Org, Priority: j.Priority, Attempt: j.Attempt,
		MaxAttempts: j.MaxAttempts, Snoozes: j.Snoozes, Progress: j.Progress, RunAt: j.RunAt, Created: j.Created, Started: timeOrNil(j.Started), Finished: timeOrNil(j.Finished),
		Timeout: int(timeout / time.Second), LastError: j.LastError}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// maxAttempts bounds the history that is shown of one job.
const maxAttempts = 500

// Find is a job with all there is to it, or store.ErrNotFound. What our own jobs were given is
// nobody's business: it is ours to change.
func Find(tx *store.Tx, id string) (Job, error) {
	j, err := queue.ByID(tx, id)
	if err != nil {
		return Job{}, err
	}
	known, err := names(tx)
	if err != nil {
		return Job{}, err
	}
	out := summary(j, known)
	if j.Endpoint != "" {
		out.Args = j.Args
		if j.Output != nil {
			text := strings.ToValidUTF8(string(j.Output), "\uFFFD")
			out.Output = &text
		}
	}
	attempts, err := queue.Attempts(tx, id, maxAttempts)
	for _, a := range attempts {
		out.Attempts = append(out.Attempts, Attempt{Attempt: a.Number, Started: a.Started, Finished: a.Finished, Outcome: a.Outcome, Error: a.Err, Status: a.Status, Snippet: a.Snippet, Stack: a.Stack})
	}
	return out, err
}

// sought reads the filters of a query.
func sought(q url.Values) (f Sought, err error) {
	var c web.Check
	f = Sought{State: queue.State(q.Get("state")), Kind: q.Get("kind"), Queue: q.Get("queue"), Lane: q.Get("lane"), Org: q.Get("org"), Endpoint: q.Get("endpoint"),
		Before: q.Get("cursor"), Limit: 50}
	if text := q.Get("limit"); text != "" {
		f.Limit, err = strconv.Atoi(text)
		c.Fault(err == nil && f.Limit >= 1 && f.Limit <= MaxPage, "limit", "range", "From 1 to 200.")
	}
	c.Fault(f.State == "" || slices.Contains(queue.States, f.State), "state", "unknown", fmt.Sprintf("One of %v.", queue.States))
	c.Text("kind", f.Kind, 0, 100)
	c.Fault(f.Queue == "" || queueForm.MatchString(f.Queue), "queue", "form", "Up to 40 small letters, digits, underscores and hyphens.")
	c.Fault(f.Lane == "" || checkQueue(f.Lane) == nil, "lane", "form", "The whole name of a queue.")
	c.Fault(f.Lane == "" || f.Queue == "", "lane", "alone", "Give either queue or lane.")
	c.Text("org", f.Org, 0, 100)
	_, isID := store.IDTime(f.Before)
	c.Fault(f.Before == "" || isID, "cursor", "form", "Use next_cursor of the page before.")
	return f, c.Err()
}

func (s *System) listAPI(w http.ResponseWriter, r *http.Request) error {
	f, err := sought(r.URL.Query())
	if err != nil {
		return err
	}
	out, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (JobPage, error) { return Page(tx, f) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) jobAPI(w http.ResponseWriter, r *http.Request) error {
	j, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Job, error) { return Find(tx, r.PathValue("id")) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, j)
}

// act does something to a job, records it and answers with the job as it is then.
func (s *System) act(w http.ResponseWriter, r *http.Request, action audit.Action, do func(*store.Tx, queue.Record) error) error {
	out, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (Job, error) {
		if err := s.changeJob(tx, r.PathValue("id"), action, do); err != nil {
			return Job{}, err
		}
		return Find(tx, r.PathValue("id"))
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) cancelAPI(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, actCancelled, s.cancel)
}

func (s *System) retryAPI(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, actRetried, retry)
}
