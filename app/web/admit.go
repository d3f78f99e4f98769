package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"seaworthy/queue"
)

// Guard answers who makes a request and what he may do in an org. auth
// implements it.
type Guard interface {
	// Identify says who asks. A request without credentials is the zero Identity;
	// an error is a credential that does not work, or a failure to look.
	Identify(ctx context.Context, r *http.Request) (Identity, error)
	// Access says whose access token of ours this is; ok is false if it is none that works.
	Access(ctx context.Context, token string) (id Identity, ok bool)
	// Enter finds an org by its slug or id, with what the identity may do there.
	// It is ErrNotFound for one that is not there or that is none of his business.
	Enter(ctx context.Context, id Identity, slugOrID string) (Org, []string, error)
	// Confirmed reports whether a person has proved lately, and as strongly as he
	// can, who he is: nil, ErrStale, or why he may not do so at all.
	Confirmed(ctx context.Context, id Identity) error
}

// admit decides whether the request may reach its handler.
func (s *Server) admit(route Route, r *http.Request) error {
	origin := OriginOf(r.Context())
	var identity Identity
	var err error
	if !route.Anywhere || origin.Bearer || s.alien.Check(r) == nil { // else the cookie is not the sender's to show
		if identity, err = s.Guard.Identify(r.Context(), r); err != nil {
			return fmt.Errorf("identify: %w", err)
		}
	}
	origin.Identity = identity
	key := AddrKey(origin.Addr)
	if route.Limit.By == ByUser && identity.Known() {
		key = identity.Actor()
	}
	if wait, ok := s.Limiter.Allow(route.Method+" "+route.Pattern+" "+key, route.Limit); !ok {
		return TooMany(wait)
	}
	switch {
	case route.Access == Public:
		return nil
	case !identity.Known() && origin.Bearer:
		return ErrBadToken
	case !identity.Known():
		return ErrSignedOut
	case route.Access == Person && !identity.Person():
		return ErrPersonOnly
	case route.Access.inOrg:
		err = s.enter(route, r, origin)
	default:
		err = permit(identity, route.Access)
	}
	if err == nil && route.Fresh && identity.Person() {
		err = s.Guard.Confirmed(r.Context(), identity)
	}
	return err
}

// enter makes the org that the path names the one the request works in, and the
// caller's permissions those he has there.
func (s *Server) enter(route Route, r *http.Request, origin *Origin) error {
	org, permissions, err := s.Guard.Enter(r.Context(), origin.Identity, r.PathValue(orgParameter(route.Pattern)))
	if err != nil {
		return fmt.Errorf("enter: %w", err)
	}
	in := origin.Identity
	in.Org, in.Permissions = org.ID, permissions
	if err := permit(in, route.Access); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Org = org.ID
		}
		return err
	}
	origin.Org, origin.Identity = org, in
	if s.Writable == nil || route.Narrow || !route.Mutates() {
		return nil
	}
	return s.Writable(r.Context(), org)
}

// permit demands the permission of a route. A program learns from the challenge
// which one its token lacks (RFC 6750 section 3.1).
func permit(id Identity, a Access) error {
	need := a.RequiredPermission()
	if need == "" || id.Can(need) {
		return nil
	}
	refusal := Forbidden(need)
	if !id.Person() {
		refusal.Challenge = `Bearer error="insufficient_scope", scope="` + need + `"`
	}
	return refusal
}

// refused tells that somebody tried to change what he may not. The context has no
// Idempotency-Key to take: nothing was done.
func (s *Server) refused(r *http.Request, route Route, err error) {
	var e *Error
	if s.Refused == nil || len(route.Audit) == 0 || !errors.As(err, &e) || e.Lacks == "" {
		return
	}
	o := *OriginOf(r.Context())
	o.Once = nil
	s.Refused(WithOrigin(r.Context(), &o), route, e)
}

// cause is what the jobs that a request enqueues remember of it.
func cause(ctx context.Context) queue.Cause {
	o := OriginOf(ctx)
	return queue.Cause{RequestID: o.RequestID, Org: o.Identity.Org, Actor: o.Identity.Actor(), Trace: o.Trace}
}
