package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

// slack is what the engine allows an attempt beyond the time of the delivery.
const slack = 2 * time.Second

// maxAnswer is what is read of an answer, maxSnippet what is kept of one with an
// attempt, in bytes.
const (
	maxAnswer  = queue.MaxOutput
	maxSnippet = 1 << 10
)

// answer is what came back from an endpoint.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	tooLong bool // there was more than maxAnswer
}

// deliver runs a job: it posts it to its endpoint and does what the answer says.
func (s *System) deliver(ctx context.Context, job queue.Job[json.RawMessage]) error {
	e, err := store.Read(ctx, s.DB, func(tx *store.Tx) (endpoint, error) { return findEndpoint(tx, job.Endpoint) })
	switch {
	case errors.Is(err, store.ErrNotFound):
		return queue.Bury(errors.New("the endpoint was deleted"))
	case err != nil:
		return err
	case e.disabledAt != nil:
		return queue.Snooze(s.whileDisabled(e))
	}
	if !s.gate.enter(e.id, e.concurrency) {
		return queue.Snooze(atGate(job.Snoozes))
	}
	defer s.gate.leave(e.id)
	wait, probe := s.breaker.ask(e, s.DB.Now())
	if wait > 0 {
		return queue.Snooze(wait)
	}
	defer s.breaker.probed(e.id, probe)
	d := s.live.begin(job)
	defer s.live.end(job.ID, d)
	a, err := s.post(ctx, e, job)
	if cause := context.Cause(ctx); errors.Is(cause, queue.ErrStopping) || errors.Is(cause, queue.ErrCancelled) {
		return cause // it says nothing of the endpoint
	}
	if err == nil && a.manual() {
		job.Answer(a.status, a.snippet())
		s.tell(context.WithoutCancel(ctx), e, true)
		return s.await(ctx, job, d)
	}
	return s.judge(ctx, e, job, a, err)
}

// whileDisabled grows with the time that an endpoint is disabled already: each wait
// leaves a line in the job's history, and enabling it wakes the job.
func (s *System) whileDisabled(e endpoint) time.Duration {
	return min(max(s.DB.Now().Sub(time.UnixMilli(*e.disabledAt)), time.Minute), 6*time.Hour)
}

// body is what is posted.
type body struct {
	ID          string          `json:"id"` // the same at every attempt
	Kind        string          `json:"kind"`
	Queue       string          `json:"queue"`
	Args        json.RawMessage `json:"args"`
	Attempt     int             `json:"attempt"` // 1 at the first
	MaxAttempts int             `json:"max_attempts"`
	Created     time.Time       `json:"created_at"`
}

// post makes one delivery. Its time ends a little before the engine's.
func (s *System) post(ctx context.Context, e endpoint, job queue.Job[json.RawMessage]) (answer, error) {
	secrets, err := s.secrets(e)
	if err != nil {
		return answer{}, err
	}
	text, err := json.Marshal(body{job.ID, job.Kind, unlane(job.Queue), job.Args, job.Attempt, job.MaxAttempts, job.Enqueued})
	if err != nil {
		return answer{}, err
	}
	end := time.Now().Add(e.timeout)
	if at, ok := ctx.Deadline(); ok {
		end = at.Add(-slack)
	}
	left := time.Until(end)
	ctx, stop := context.WithDeadline(ctx, end)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	now := s.DB.Now()
	h := r.Header
	webhook.Sign(h, job.ID, now, text, secrets...)
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Seaworthy-Jobs/1")
	h.Set("Seaworthy-Kind", job.Kind)
	h.Set("Seaworthy-Attempt", strconv.Itoa(job.Attempt))
	h.Set("Seaworthy-Max-Attempts", strconv.Itoa(job.MaxAttempts))
	h.Set("Seaworthy-Deadline", now.Add(left).UTC().Format(time.RFC3339))
	trace, ended := "", func(int, error) {}
	if s.Span != nil {
		trace, ended = s.Span(ctx, r)
	}
	if trace == "" {
		trace = traceparent(job.ID)
	}
	h.Set("Traceparent", trace)
	a, err := s.exchange(r, e, left)
	ended(a.status, err)
	return a, err
}

// exchange sends a request and reads a bounded part of the answer. Its errors are
// words for whoever looks at the job; url.Error would repeat an address that may hold
// a secret.
func (s *System) exchange(r *http.Request, e endpoint, left time.Duration) (answer, error) {
	res, err := s.clients.of(e).Do(r)
	if err != nil {
		return answer{}, said(r, err, left)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if a.tooLong = len(a.body) > maxAnswer; a.tooLong {
		a.body = a.body[:maxAnswer]
	}
	if err != nil && a.good() {
		return a, fmt.Errorf("the answer broke off: %w", said(r, err, left))
	}
	return a, nil // what else it says is in the status
}

func said(r *http.Request, err error, left time.Duration) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer within %v", left.Round(time.Second))
	}
	return err
}

func (a answer) good() bool { return a.status >= 200 && a.status < 300 }

// snippet is the beginning of the answer, for people.
func (a answer) snippet() string {
	if a.good() && a.tooLong {
		return fmt.Sprintf("The answer was longer than %d bytes and was not kept.", maxAnswer)
	}
	return web.CleanText(string(a.body[:min(len(a.body), 4*maxSnippet)]), maxSnippet)
}

// traceparent is a trace for each job and a span for each attempt (W3C Trace Context
// level 1, sampled).
func traceparent(job string) string {
	return web.Traceparent(web.TraceFor(job), web.NewSpan())
}
