package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
	"seaworthy/store/trail"
)

// What kinds of failure become issues.
const (
	KindPanic = "panic" // a handler, or a closure it gave to the database, panicked
	KindError = "error" // a request was answered with 5xx, or a program captured it
	KindJob   = "job"   // a job gave up
)

// Event is one occurrence of an error, as it is kept and shown.
type Event struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Type    string    `json:"type,omitempty"` // the Go type of the innermost error
	Message string    `json:"message"`
	Culprit string    `json:"culprit"`
	Release string    `json:"release"`
	Frames  []Frame   `json:"frames,omitempty"` // the innermost first
	Request string    `json:"request_id,omitempty"`
	Trace   string    `json:"trace_id,omitempty"`
	Method  string    `json:"method,omitempty"`
	Route   string    `json:"route,omitempty"` // the pattern, not the path: paths carry tokens
	Status  int       `json:"status,omitempty"`
	User    string    `json:"user,omitempty"`
	Org     string    `json:"org,omitempty"`
	Browser string    `json:"user_agent,omitempty"`
	Job     string    `json:"job,omitempty"`
	JobKind string    `json:"job_kind,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Crumbs  []Line    `json:"breadcrumbs,omitempty"` // what the request had logged, the oldest first
	App     *Received `json:"app,omitempty"`         // of a program outside; nil for our own

	// wasReturned is of an error that came back from a call. It is grouped by where it was met and
	// what it says: the calls only tell where it passed our code first.
	wasReturned bool
	group       string // of one that was received: which issue it belongs to
	quiet       bool   // of alerting itself: it is kept, and nobody is told
}

// ourErrors is the series of the errors of this program.
const ourErrors = "seaworthy"

// maxCrumbs bounds how many lines of a request an event repeats.
const maxCrumbs = 30

// Fault takes a failed request; it is what web.Options.Capture wants.
func (s *System) Fault(ctx context.Context, f web.Fault) {
	e := Event{Kind: KindError, Method: f.Method, Route: f.Route, Status: f.Status, Culprit: f.Method + " " + f.Route}
	if _, pattern, ok := cutMethod(f.Route); ok {
		e.Route, e.Culprit = pattern, f.Route
	}
	var p *web.PanicError
	if errors.As(f.Err, &p) {
		e.Kind, e.Message = KindPanic, fmt.Sprint(p.Value)
		e.Type, e.Frames = fmt.Sprintf("%T", p.Value), parseStack(p.Stack)
		if inner, ok := p.Value.(*store.PanicError); ok { // it happened on the writer's goroutine
			e.Message, e.Type, e.Frames = fmt.Sprint(inner.Value), fmt.Sprintf("%T", inner.Value), parseStack(string(inner.Stack))
		}
	} else {
		e.Type, e.Message = typeOf(f.Err), f.Err.Error()
		e.returned(trail.Of(f.Err))
	}
	s.take(ctx, e)
}

// Job takes a job that gave up, or whose handler panicked; it is what
// queue.Options.Failed wants.
func (s *System) Job(f queue.Failure) {
	e := Event{Kind: KindJob, Message: f.Err, Job: f.Job.ID, JobKind: f.Job.Kind, Attempt: f.Job.Attempt, Culprit: "job " + f.Job.Kind,
		Request: f.Job.Cause.RequestID, Trace: or(f.Job.Cause.Trace, web.TraceFor(f.Job.ID)), Org: f.Job.Cause.Org, Frames: parseStack(f.Stack)}
	if len(e.Frames) > 0 {
		e.Kind = KindPanic
	} else if f.Cause != nil {
		e.returned(trail.Of(f.Cause))
	}
	e.quiet = f.Job.Kind == tellChannel{}.Kind() && f.Job.Endpoint == ""
	s.take(context.Background(), e)
}

// Capture keeps an error that a program handled, for those that embed the app.
func (s *System) Capture(ctx context.Context, err error) {
	if err == nil {
		return
	}
	e := Event{Kind: KindError, Type: typeOf(err), Message: err.Error(), Culprit: web.OriginOf(ctx).Route}
	parts := trail.Of(err)
	if parts == nil {
		parts = [][]uintptr{trail.Here()}
	}
	e.returned(parts)
	s.take(ctx, e)
}

// take fills in what is known of every event and counts it.
func (s *System) take(ctx context.Context, e Event) {
	e.At, e.Release = s.now(), s.o.Release
	e.Message = redact.Text(clip(e.Message, maxMessage))
	if f, ok := firstOwn(e.Frames); ok && !e.wasReturned {
		e.Culprit = f.Function
	}
	if o := web.OriginOf(ctx); o.RequestID != "" {
		e.Request, e.Trace, e.User, e.Org, e.Browser = o.RequestID, o.Trace, o.Identity.User, o.Org.ID, o.UserAgent
		if e.Org == "" {
			e.Org = o.Identity.Org
		}
	}
	if !e.quiet {
		s.Count(Series{Errors, ourErrors}, 0, true)
	}
	s.errors.add(e, func(e *Event) {
		e.Crumbs = s.ring.ofRequest(e.Request, maxCrumbs)
		s.report(e)
	}, func() int64 { return s.seq.Add(1) })
}

// typeOf names the type of the innermost error that has a telling one.
func typeOf(err error) string {
	name := ""
	for ; err != nil; err = errors.Unwrap(err) {
		switch t := fmt.Sprintf("%T", err); t {
		case "*fmt.wrapError", "*fmt.wrapErrors", "*errors.errorString", "*errors.joinError", "*web.Error", "*trail.Error":
		default:
			name = t
		}
		if several, ok := err.(interface{ Unwrap() []error }); ok && name == "" {
			for _, e := range several.Unwrap() {
				if name = typeOf(e); name != "" {
					return name
				}
			}
		}
	}
	return name
}
