// Package jobs runs the jobs of the customer's app: they are handed in over HTTP,
// kept by the queue like our own, and delivered to an endpoint of the app as signed
// requests (spec/jobs.md section 3). The engine is package queue.
package jobs

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/dial"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what jobs needs of the rest.
type Deps struct {
	DB    *store.DB
	Queue *queue.Queue
	Audit *audit.Log
	Keys  *seal.Keys
	Log   *slog.Logger

	URL        string         // of the app's endpoint named "default"; "": none is configured
	Secret     webhook.Secret // it is signed with; nil: one is made
	Allowed    dial.Allowed   // places of the own network where endpoints may be
	Production bool           // addresses are https, but for those allowed
	Resolver   *net.Resolver  // the system's if nil

	// Span is told of each delivery; it returns what the endpoint is told of the trace it belongs
	// to, "" for none, and a function that is told how it ended. nil: nobody asks.
	Span func(ctx context.Context, r *http.Request) (traceparent string, ended func(status int, err error))
	// Work says why no work may be done for an org now, as for want of payment; nil:
	// it may be for any.
	Work func(tx *store.Tx, org string) error
}

// System is jobs as the other systems use it.
type System struct {
	Deps
	clients clients
	gate    gate
	breaker breaker
	live    live
}

// New makes the system. Open is called before anything is served.
func New(d Deps) *System {
	s := &System{Deps: d}
	s.clients.dialer = dial.Dialer{Allowed: d.Allowed, Resolver: d.Resolver}
	return s
}

// Open makes the configured endpoint what the configuration says.
func (s *System) Open(ctx context.Context) error { return s.configure(ctx) }

// Jobs registers what jobs does in the background: deliveries, and waking what
// waited for an endpoint.
func (s *System) Jobs(q *queue.Queue) {
	queue.HandleEndpoint(q, s.deliver)
	queue.Handle(q, s.resume)
}

// Routes are its part of the API.
func (s *System) Routes() []web.Route {
	return slices.Concat(s.jobRoutes(), s.endpointRoutes(), s.queueRoutes(), s.scheduleRoutes())
}

// The permissions of the jobs API.
const (
	permEnqueue   = "jobs:enqueue"
	permRead      = "jobs:read"
	permManage    = "jobs:manage"
	permEndpoints = "jobs:endpoints"
)

// Permissions are the part of jobs in the catalogue.
var Permissions = []web.PermissionKind{
	{Name: permEnqueue, Title: "Enqueue jobs", Means: "Hand in jobs for the app, and say how they go while they are delivered.", Scope: web.ScopeInstance},
	{Name: permRead, Title: "See jobs", Means: "See jobs, what they were given, how they went, and where they are delivered.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Manage jobs", Means: "Cancel jobs and run them again, hold queues back, and say when jobs run on a schedule.", Scope: web.ScopeInstance},
	{Name: permEndpoints, Title: "Manage job endpoints", Means: "Say where jobs are delivered, and get the secrets they are signed with.", Scope: web.ScopeInstance},
}

// The actions jobs records.
const (
	actEnqueued  audit.Action = "job.enqueued"
	actCancelled audit.Action = "job.cancelled"
	actRetried   audit.Action = "job.retried"
	actReported  audit.Action = "job.reported"
	actMade      audit.Action = "job_endpoint.created"
	actChanged   audit.Action = "job_endpoint.changed"
	actRotated   audit.Action = "job_endpoint.rotated"
	actDisabled  audit.Action = "job_endpoint.disabled"
	actEnabled   audit.Action = "job_endpoint.enabled"
	actDeleted   audit.Action = "job_endpoint.deleted"
	actFailing   audit.Action = "job_endpoint.failing"
	actRecovered audit.Action = "job_endpoint.recovered"
)

// Actions are the part of jobs in the catalogue.
var Actions = slices.Concat([]audit.Kind{
	{Action: actEnqueued, Title: "Jobs enqueued", Means: "The app handed in a job, or several at once."},
	{Action: actCancelled, Title: "Job cancelled", Means: "A job was ended before it was done."},
	{Action: actRetried, Title: "Job retried", Means: "A job was made to run again, or now instead of later."},
	{Action: actReported, Title: "Job's end reported", Means: "The app said that a job it had taken was done, or failed."},
	{Action: actMade, Title: "Job endpoint made", Means: "A place was set up where jobs are delivered."},
	{Action: actChanged, Title: "Job endpoint changed", Means: "The address or the limits of a place where jobs are delivered were changed."},
	{Action: actRotated, Title: "Job endpoint's secret rotated", Means: "Deliveries are signed with a new secret; the old one signs beside it for a day."},
	{Action: actDisabled, Title: "Job endpoint disabled", Means: "Nothing is delivered there until it is enabled; its jobs wait. An endpoint that answers 410 Gone is disabled on its own."},
	{Action: actEnabled, Title: "Job endpoint enabled", Means: "Jobs are delivered there again."},
	{Action: actDeleted, Title: "Job endpoint deleted", Means: "A place where jobs were delivered was removed; jobs that were left for it cannot be delivered any more."},
	{Action: actFailing, Title: "Job endpoint failing", Means: "Most deliveries to an endpoint failed; it is left alone for a while between attempts."},
	{Action: actRecovered, Title: "Job endpoint recovered", Means: "An endpoint that had been failing took a job again."},
}, queueActions, scheduleActions)

func actions(all ...audit.Action) []string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return names
}
