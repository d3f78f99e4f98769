package billing

import (
	"context"
	"net/http"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// closed is why an org may look, export and pay, and change nothing else; nil: it may.
func (s *System) closed(e *Entitlements, org web.Org) error {
	if e.Access != AccessRead {
		return nil
	}
	fault := &web.Error{Status: http.StatusPaymentRequired, Code: "restricted", Link: s.linkTo(org), LinkText: "Go to billing",
		Public: "A payment of " + org.Name + " is overdue, so that nothing can be added or changed now. Whoever manages its billing can pay it."}
	switch {
	case e.State == Paused:
		fault.Code, fault.Public = "paused", "The plan of "+org.Name+" is paused, so that nothing can be added or changed now. Whoever manages its billing can go on with it."
	case e.due == nil:
		fault.Public = "The plan of " + org.Name + " is not paid for, so that nothing can be added or changed now. Whoever manages its billing can pay."
	}
	return fault
}

// Writable says why an org may not be changed now. It is asked before each change of
// an org's own pages and API, and answered from memory.
func (s *System) Writable(ctx context.Context, org web.Org) error {
	if !s.On() {
		return nil
	}
	e, err := s.Entitlements(ctx, org.ID)
	if err != nil {
		return err
	}
	return s.closed(e, org)
}

// Changeable is Writable for an org of which only the id is known. The org is read only when
// the answer is no.
func (s *System) Changeable(ctx context.Context, org string) error {
	if !s.On() {
		return nil
	}
	e, err := s.Entitlements(ctx, org)
	if err != nil || s.closed(e, web.Org{ID: org}) == nil {
		return err
	}
	named, err := store.Read(ctx, s.DB, func(tx *store.Tx) (web.Org, error) { return auth.FindOrg(tx, org) })
	if err != nil {
		return err
	}
	return s.closed(e, named)
}

// Work says why no jobs may be taken for an org now.
func (s *System) Work(tx *store.Tx, org string) error {
	o, err := auth.FindOrg(tx, org)
	if isNotFound(err) {
		return web.Invalid(web.Field{Field: "org", Code: "unknown", Message: "There is no such organization."})
	}
	if err != nil || !s.On() {
		return err
	}
	e, err := entitlementsOf(tx, o.ID)
	if err != nil {
		return err
	}
	return s.closed(e, o)
}

// Grow says whether an org may have one more member: not while its access is narrow,
// and not beyond the seats that its plan gives.
func (s *System) Grow(tx *store.Tx, org string) error {
	if !s.On() {
		return nil
	}
	e, err := entitlementsOf(tx, org)
	if err != nil {
		return err
	}
	o, err := auth.FindOrg(tx, org)
	if err != nil {
		return err
	}
	if err := s.closed(e, o); err != nil {
		return err
	}
	seats, limited := e.Limits[limitSeats]
	if !limited || seats.Unlimited {
		return nil
	}
	used, err := auth.Seats(tx, org)
	if err != nil || used < seats.Value {
		return err
	}
	return &web.Error{Status: http.StatusConflict, Code: "no_seat", Link: s.linkTo(o), LinkText: "Go to billing",
		Public: "All " + itoa(seats.Value) + " seats of this organization are taken. Whoever manages its billing can get more."}
}
