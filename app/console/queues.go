package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/jobs"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// span is a stretch of time that the charts can show.
type span struct {
	Name, Label  string
	length, step time.Duration
}

var spans = []span{{"1h", "1 hour", time.Hour, time.Minute}, {"6h", "6 hours", 6 * time.Hour, 5 * time.Minute}, {"24h", "24 hours", 24 * time.Hour, 15 * time.Minute}}

// maxMinutes bounds the rows the charts are made of.
const maxMinutes = 40_000

// point is one step of the charts.
type point struct {
	At                time.Time
	Completed, Failed float64 // a minute
	Wait, Run         float64 // 95th percentile, seconds
}

type queueRow struct {
	queue.Line
	Busy    int
	Waiting int
	Limit   string
	Form    *web.Form
}

type queuesData struct {
	Cards  []card
	Rows   []queueRow
	Points []point
	Spans  []chip
	Empty  bool // nothing ended in the span
	Done   string
	Manage bool
}

// queuesDone is what happened before the page was shown again.
var queuesDone = map[string]string{
	"paused":  "The queue is paused. Jobs that run go on; no other starts.",
	"resumed": "The queue goes on.",
	"limits":  "The limits are changed. They hold from the next job on.",
}

func (s *System) queues(w http.ResponseWriter, r *http.Request) error {
	return s.showQueues(w, r, 0, "", &web.Form{})
}

func (s *System) showQueues(w http.ResponseWriter, r *http.Request, status int, wrong string, form *web.Form) error {
	q := r.URL.Query()
	chosen := spans[0]
	d := queuesData{Done: queuesDone[q.Get("done")], Manage: web.IdentityOf(r.Context()).Can("jobs:manage")}
	for _, one := range spans {
		if one.Name == q.Get("span") {
			chosen = one
		}
	}
	for _, one := range spans {
		d.Spans = append(d.Spans, chip{Label: one.Label, Path: jobsBase + "/queues?span=" + one.Name, On: one == chosen})
	}
	busy := s.Queue.Busy()
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		lines, err := queue.Lines(tx, countLimit)
		if err != nil {
			return err
		}
		for _, l := range withBusy(lines, busy) {
			d.Rows = append(d.Rows, queueRow{Line: l, Busy: busy[l.Queue], Waiting: max(0, l.Ready-busy[l.Queue]), Limit: limitText(l.Setting), Form: formOf(l, wrong, form)})
		}
		if d.Cards, err = s.jobCards(tx, lines); err != nil {
			return err
		}
		since := tx.Now().Add(-chosen.length).Truncate(chosen.step)
		minutes, err := queue.Minutes(tx, since, maxMinutes)
		d.Points, d.Empty = points(minutes, since, tx.Now(), chosen.step), len(minutes) == 0
		return err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "console/queues", web.View{Title: "Queues", Status: status, Data: d, Form: form})
}

// withBusy adds the queues that only have jobs running.
func withBusy(lines []queue.Line, busy map[string]int) []queue.Line {
	for name := range busy {
		if !slices.ContainsFunc(lines, func(l queue.Line) bool { return l.Queue == name }) {
			lines = append(lines, queue.Line{Setting: queue.Setting{Queue: name}})
		}
	}
	slices.SortFunc(lines, func(a, b queue.Line) int { return strings.Compare(a.Queue, b.Queue) })
	return lines
}

func (s *System) jobCards(tx *store.Tx, lines []queue.Line) ([]card, error) {
	counts := map[queue.State]int{}
	for _, state := range []queue.State{queue.Available, queue.Running, queue.Scheduled, queue.Retryable, queue.Dead} {
		n, err := queue.CountState(tx, state, countLimit)
		if err != nil {
			return nil, err
		}
		counts[state] = n
	}
	oldest := queue.Oldest(lines)
	ready := card{Label: "Ready", Value: count(counts[queue.Available]), Note: "nothing waits", Kind: kind(oldest > 30*time.Second, "warn"), Path: jobsBase + "?state=available"}
	switch {
	case oldest >= time.Second:
		ready.Note = "the oldest for " + took(oldest.Round(time.Second))
	case counts[queue.Available] > 0:
		ready.Note = "since a moment ago, or held back"
	}
	running := card{Label: "Running", Value: count(counts[queue.Running]), Note: "now", Kind: "quiet", Path: jobsBase + "?state=running"}
	if n := s.Queue.Stuck(); n > 0 {
		running.Kind, running.Note = "danger", count(n)+" ignore the end of their time"
	}
	return []card{ready, running,
		{Label: "Scheduled", Value: count(counts[queue.Scheduled]), Note: "wait for their time", Kind: "quiet", Path: jobsBase + "?state=scheduled"},
		{Label: "Retrying", Value: count(counts[queue.Retryable]), Note: "failed, will run again", Kind: kind(counts[queue.Retryable] > 100, "warn"), Path: jobsBase + "?state=retryable"},
		{Label: "Dead letters", Value: count(counts[queue.Dead]), Note: "gave up, need a look", Kind: kind(counts[queue.Dead] > 0, "danger"), Path: jobsBase + "?state=dead"},
	}, nil
}

// points gathers the figures of all queues and kinds by step. Steps in which nothing
// ended are there too.
func points(minutes []queue.Minute, since, now time.Time, step time.Duration) []point {
	all := make([]queue.Figures, max(1, int(now.Sub(since)/step)))
	for _, m := range minutes {
		if i := int(m.At.Sub(since) / step); i >= 0 && i < len(all) {
			all[i].Add(m.Figures)
		}
	}
	out := make([]point, len(all))
	for i, f := range all {
		out[i] = point{At: since.Add(time.Duration(i) * step), Completed: float64(f.Completed) / step.Minutes(), Failed: float64(f.Failed+f.Dead) / step.Minutes(),
			Wait: f.Wait.Quantile(0.95), Run: f.Run.Quantile(0.95)}
	}
	return out
}

func limitText(s queue.Setting) string {
	if s.Rate == 0 {
		return "no limit"
	}
	return strconv.Itoa(s.Rate) + " a " + per(s.Per)
}

func per(d time.Duration) string {
	switch d {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	}
	return "second"
}

// formOf is what the form of a queue's limits begins with: what was refused, or what holds.
func formOf(l queue.Line, wrong string, form *web.Form) *web.Form {
	if l.Queue == wrong {
		return form
	}
	return &web.Form{Values: map[string]string{"concurrency": strconv.Itoa(l.Concurrency), "rate": strconv.Itoa(l.Rate), "per": per(l.Per), "burst": strconv.Itoa(max(1, l.Burst))}}
}

// queueAct does something to a queue, and shows the page again.
func (s *System) queueAct(done string, act func(ctx context.Context, name string) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := act(r.Context(), r.PathValue("queue")); err != nil {
			return err
		}
		return web.SeeOther(w, r, jobsBase+"/queues?done="+done)
	}
}

func (s *System) pauseQueue(ctx context.Context, name string) error {
	return s.Jobs.PauseQueue(ctx, name, true)
}

func (s *System) resumeQueue(ctx context.Context, name string) error {
	return s.Jobs.PauseQueue(ctx, name, false)
}

type limitsInput struct {
	Concurrency string `json:"concurrency"`
	Rate        string `json:"rate"`
	Per         string `json:"per"`
	Burst       string `json:"burst"`
}

func (s *System) limitQueue(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[limitsInput](r)
	if err != nil {
		return err
	}
	number := func(text string) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return -1 // which is refused with the field's name
		}
		return n
	}
	l := jobs.Limits{Concurrency: number(in.Concurrency), Rate: number(in.Rate), Burst: number(in.Burst),
		Per: map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}[in.Per]}
	if err := s.Jobs.LimitQueue(r.Context(), r.PathValue("queue"), l); err != nil {
		e := web.AsError(err)
		if e.Status != http.StatusUnprocessableEntity {
			return err
		}
		typed := map[string]string{"concurrency": in.Concurrency, "rate": in.Rate, "per": in.Per, "burst": in.Burst}
		return s.showQueues(w, r, e.Status, r.PathValue("queue"), &web.Form{Values: typed, Err: e})
	}
	return web.SeeOther(w, r, jobsBase+"/queues?"+url.Values{"done": {"limits"}}.Encode())
}
