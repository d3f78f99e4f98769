// Package web is the HTTP vocabulary every system speaks: routes as data,
// handlers that return errors, strict decoding, pages and problem+json, client
// addresses, limits and headers. It knows nothing of users: who may do what is
// answered by a Guard that app passes in.
package web

import (
	"cmp"
	"net/http"
	"time"
)

// Handler answers a request or returns an error, which becomes a page or
// problem+json in one place (see Error).
type Handler func(w http.ResponseWriter, r *http.Request) error

// Route is one thing that can be asked for. The list of all routes yields the
// mux, the API description, the list of permissions and the tests that hold
// every mutating route to its audit action.
type Route struct {
	Method  string
	Pattern string // as http.ServeMux takes it, without the method
	Handler Handler
	Access  Access
	Fresh   bool  // only for people who have proved lately who they are; see Guard.Confirmed
	Limit   Limit // zero: none
	// Anywhere lets pages of other sites post to it: what is sent proves itself, and
	// nobody is known by a cookie that comes along.
	Anywhere bool
	Body     int64                            // most bytes of a request body; 64 KiB if 0
	Enter    func() (leave func(), err error) // asked before anything is done for a request; its error is the answer. Patterns without wildcards only
	Audit    []string                         // actions that a successful mutating request may record, one at least
	Exempt   string                           // why a mutating route records nothing; instead of Audit
	OwnKeys  bool                             // its handler sees to Idempotency-Key itself; see Server.once
	Cross    *Cross                           // other sites' pages may ask it; nil: they may not
	// Narrow routes in an org work also while the org may not be changed, as for want
	// of payment: they pay, export, or make less; see Options.Writable.
	Narrow bool
	Doc    Doc
}

// Doc describes a route of the API.
type Doc struct {
	// Summary is a line without a full stop. What a query may have stands at its end:
	// "List jobs; query: state, queue (of the endpoint), cursor, limit".
	Summary string
	In, Out any    // zero values of the body types; nil: none
	Status  int    // of success; 200 if 0
	System  string // under which it is listed, as jobs; filled in by Of
}

// Of says which system routes are of, where they do not say so themselves.
func Of(system string, routes []Route) []Route {
	for i := range routes {
		routes[i].Doc.System = cmp.Or(routes[i].Doc.System, system)
	}
	return routes
}

// Mutates reports whether it may change something: by its method, or, where a
// protocol has people come back by a link, because it says what it audits.
func (r Route) Mutates() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead || len(r.Audit) > 0
}

// By is what a limit counts.
type By int

const (
	ByAddress By = iota // the client's address; a /64 for IPv6
	ByUser              // the signed-in user or the API key, else the address
)

// Limit allows Burst requests at once and then one every Every.
type Limit struct {
	Every time.Duration
	Burst int
	By    By
}

// PerMinute allows n requests a minute from one address, in bursts of up to n.
func PerMinute(n int) Limit { return Limit{Every: time.Minute / time.Duration(n), Burst: n} }
