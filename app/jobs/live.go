package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// live are the deliveries under way, by job: what the app may say of them through
// the API while it works.
type live struct {
	mu sync.Mutex
	by map[string]*delivering
}

type delivering struct {
	attempt  int
	progress func(percent int)
	spoken   atomic.Bool // the app has said how it ended; the first word counts
	done     chan done   // of one
}

// done is how the app says that a job ended which it had answered with 202 and
// Seaworthy-Ack: manual.
type done struct {
	output    []byte
	failed    string // "" for done
	permanent bool
}

func (l *live) begin(job queue.Job[json.RawMessage]) *delivering {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]*delivering{}
	}
	d := &delivering{attempt: job.Attempt, progress: job.Progress, done: make(chan done, 1)}
	l.by[job.ID] = d
	return d
}

func (l *live) end(id string, d *delivering) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by[id] == d {
		delete(l.by, id)
	}
}

func (l *live) of(id string) *delivering {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[id]
}

// manual reports whether the app took a job and will say through the API when it is
// done.
func (a answer) manual() bool {
	return a.status == http.StatusAccepted && strings.EqualFold(strings.TrimSpace(a.header.Get("Seaworthy-Ack")), "manual")
}

// await waits until the app says that the job is done, at the latest until its
// deadline. The job goes on holding its places: it is being worked on.
func (s *System) await(ctx context.Context, job queue.Job[json.RawMessage], d *delivering) (err error) {
	end, ok := ctx.Deadline()
	if !ok {
		return errors.New("an attempt without an end cannot be waited for")
	}
	timer := time.NewTimer(time.Until(end.Add(-slack)))
	defer timer.Stop()
	select {
	case word := <-d.done:
		return word.end(job)
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = errors.New("the endpoint took the job and did not say by the deadline that it was done")
	}
	if d.spoken.CompareAndSwap(false, true) {
		return err // from now on nobody is told that he came in time
	}
	// Somebody speaks just now: his word counts if it is stored before the engine ends this.
	timer.Reset(slack / 2)
	select {
	case word := <-d.done:
		return word.end(job)
	case <-timer.C:
		return err
	}
}

// end is how a job ends of which the app said so.
func (d done) end(job queue.Job[json.RawMessage]) error {
	switch {
	case d.failed == "":
		job.Output(d.output)
		return nil
	case d.permanent:
		return queue.Bury(errors.New(d.failed))
	}
	return errors.New(d.failed)
}

// completion is the body of the call that ends such a job.
type completion struct {
	Attempt   int            `json:"attempt,omitempty" doc:"Of the delivery; any if left out"`
	Output    jsontext.Value `json:"output,omitempty" doc:"What came of it"`
	Error     string         `json:"error,omitempty" doc:"It failed, and is tried again"`
	Permanent bool           `json:"permanent,omitempty" doc:"With error: it is not tried again"`
}

func (s *System) completeAPI(w http.ResponseWriter, r *http.Request) error {
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return err
	}
	in, err := web.DecodeJSON[completion](raw)
	if err != nil {
		return err
	}
	var c web.Check
	c.Fault(len(in.Output) <= maxAnswer, "output", "too_large", fmt.Sprintf("At most %d bytes.", maxAnswer))
	in.Error = c.Text("error", in.Error, 0, 1000)
	c.Fault(in.Error != "" || !in.Permanent, "permanent", "alone", "Say in error what went wrong.")
	if err := c.Err(); err != nil {
		return err
	}
	d, err := s.underWay(r, in.Attempt)
	if err != nil {
		return err
	}
	state := "done"
	if in.Error != "" {
		state = "failed"
	}
	if !d.spoken.CompareAndSwap(false, true) {
		return errNotUnderWay
	}
	id := r.PathValue("id")
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		return s.Audit.Record(tx, audit.Event{Action: actReported, Targets: []audit.Ref{{Type: "job", ID: id}}, Details: map[string]any{"attempt": d.attempt, "state": state}})
	}); err != nil {
		d.spoken.Store(false)
		return err
	}
	d.done <- done{in.Output, in.Error, in.Permanent}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

type progressInput struct {
	Attempt int `json:"attempt,omitempty" doc:"Of the delivery; any if left out"`
	Percent int `json:"percent" doc:"0 to 100"`
}

func (s *System) progressAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[progressInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	c.Fault(in.Percent >= 0 && in.Percent <= 100, "percent", "range", "From 0 to 100.")
	if err := c.Err(); err != nil {
		return err
	}
	d, err := s.underWay(r, in.Attempt)
	if err != nil {
		return err
	}
	d.progress(in.Percent)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

var errNotUnderWay = &web.Error{Status: http.StatusConflict, Code: "not_delivered",
	Public: "This job is not being delivered now, or that attempt has ended. It may be delivered again."}

// underWay is the delivery that a request speaks of.
func (s *System) underWay(r *http.Request, attempt int) (*delivering, error) {
	id := r.PathValue("id")
	d := s.live.of(id)
	if d == nil {
		_, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (queue.Record, error) { return queue.ByID(tx, id) })
		if err == nil {
			err = errNotUnderWay
		}
		return nil, err
	}
	if attempt != 0 && attempt != d.attempt {
		return nil, errNotUnderWay
	}
	return d, nil
}
