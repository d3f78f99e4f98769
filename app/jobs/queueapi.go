package jobs

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

func (s *System) queueRoutes() []web.Route {
	const all = "/-/api/v1/jobs/queues"
	read, manage := web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "GET", Pattern: all, Access: read, Handler: s.queuesAPI,
			Doc: web.Doc{Summary: "List the queues that have work or limits of their own, by their whole names", Out: queueList{}}},
		{Method: "POST", Pattern: all + "/{queue}/pause", Access: manage, Handler: s.pauseAPI(true), Audit: actions(actPaused),
			Doc: web.Doc{Summary: "Keep jobs of a queue from starting; those that run go on", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: all + "/{queue}/resume", Access: manage, Handler: s.pauseAPI(false), Audit: actions(actResumed),
			Doc: web.Doc{Summary: "Let the jobs of a paused queue start again", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: "/-/api/v1/jobs/replay", Access: manage, Handler: s.replayAPI, Audit: actions(actReplayed),
			Doc: web.Doc{Summary: "Run all jobs of a final state that a filter names again; a job does so, whose id is the answer", In: replayInput{}, Out: replayMade{}, Status: http.StatusAccepted}},
	}
}

// QueueState is a queue as the API and the command line give it.
type QueueState struct {
	Name        string     `json:"name"`
	Waiting     int        `json:"waiting"` // ready to run; at most 10,000 are counted
	Running     int        `json:"running"`
	Oldest      int        `json:"oldest_seconds"` // since when the oldest waits
	Paused      bool       `json:"paused"`
	PausedAt    *time.Time `json:"paused_at,omitempty"`
	PausedBy    string     `json:"paused_by,omitempty"`
	Concurrency int        `json:"concurrency,omitempty"` // jobs that run at once; none for the default
	Rate        int        `json:"rate,omitempty"`        // jobs that may start in per_seconds; none for no limit
	Per         int        `json:"per_seconds,omitempty"`
	Burst       int        `json:"burst,omitempty"` // of them at once after a rest
}

type queueList struct {
	Queues []QueueState `json:"queues"`
}

// maxCounted bounds the counts of a queue, maxRunning the jobs that run at once.
const maxCounted, maxRunning = 10_000, 1000

// Queues are the queues that have work ready or that somebody changed, by name.
func Queues(tx *store.Tx, now time.Time) ([]QueueState, error) {
	lines, err := queue.Lines(tx, maxCounted)
	if err != nil {
		return nil, err
	}
	running, err := runningIn(tx, maxRunning)
	if err != nil {
		return nil, err
	}
	all := []QueueState{}
	for _, l := range lines {
		// What runs is counted as ready by the queue, which keeps its message until it ends.
		q := QueueState{Name: l.Queue, Running: running[l.Queue], Waiting: max(0, l.Ready-running[l.Queue]), Paused: l.Paused, PausedAt: timeOrNil(l.PausedAt), PausedBy: l.PausedBy,
			Concurrency: l.Concurrency}
		if l.Rate > 0 {
			q.Rate, q.Per, q.Burst = l.Rate, int(l.Per/time.Second), l.Burst
		}
		since, err := oldestReady(tx, l.Queue)
		if err != nil {
			return nil, err
		}
		if !since.IsZero() {
			q.Oldest = max(0, int(now.Sub(since)/time.Second))
		}
		all = append(all, q)
	}
	return all, nil
}

func (s *System) queuesAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]QueueState, error) { return Queues(tx, tx.Now()) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, queueList{all})
}

func (s *System) pauseAPI(paused bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.PauseQueue(r.Context(), r.PathValue("queue"), paused); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

type replayInput struct {
	State    queue.State `json:"state" doc:"dead, cancelled or completed"`
	Kind     string      `json:"kind,omitempty" doc:"Only those of a kind"`
	Lane     string      `json:"lane,omitempty" doc:"Only those of a queue, by its whole name"`
	Org      string      `json:"org,omitempty" doc:"Only those of an organization"`
	Endpoint string      `json:"endpoint,omitempty" doc:"Only those for an endpoint, by name or id"`
}

type replayMade struct {
	ID string `json:"id"`
}

func (s *System) replayAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[replayInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	c.Fault(in.State.Final(), "state", "unknown", "One of dead, cancelled and completed.")
	c.Text("kind", in.Kind, 0, 100)
	c.Text("org", in.Org, 0, 100)
	c.Fault(in.Lane == "" || checkQueue(in.Lane) == nil, "lane", "form", "The whole name of a queue.")
	if err := c.Err(); err != nil {
		return err
	}
	f, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (queue.Filter, error) {
		return Sought{State: in.State, Kind: in.Kind, Lane: in.Lane, Org: in.Org, Endpoint: in.Endpoint}.filter(tx)
	})
	if err != nil {
		return err
	}
	id, err := s.ReplayJobs(r.Context(), f)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, replayMade{id})
}
