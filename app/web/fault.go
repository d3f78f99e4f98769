package web

import (
	"fmt"
	"net/http"
)

// Fault is a request that failed and is no fault of the client's.
type Fault struct {
	Err    error // a *PanicError for a panic
	Method string
	Route  string // the pattern that matched
	Status int    // of the answer
}

// PanicError is what a handler panicked with.
type PanicError struct {
	Value any
	Stack string // as runtime/debug.Stack writes it
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// capture tells whoever keeps errors of one.
func (s *Server) capture(r *http.Request, err error, status int) {
	if s.Capture != nil {
		s.Capture(r.Context(), Fault{Err: err, Method: r.Method, Route: OriginOf(r.Context()).Route, Status: status})
	}
}
