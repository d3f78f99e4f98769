package billing

import (
	"context"
	"slices"

	"seaworthy/app/web"
	"seaworthy/store"
)

// How much of the app an org can use.
const (
	AccessFull = "full"
	AccessRead = "read_only" // look, export and pay; no new seats, no jobs
	AccessNone = "none"      // choose a plan first
)

// Entitlements are what an org may use: the union over its subscriptions, or what
// the free plan gives. They are shared; nobody changes them.
type Entitlements struct {
	Org      string           `json:"org_id"`
	Plan     string           `json:"plan"` // key of the largest; "" for none
	PlanName string           `json:"plan_name"`
	State    State            `json:"state"`
	Access   string           `json:"access"`
	Features []string         `json:"features"` // sorted
	Limits   map[string]Limit `json:"limits"`

	due *dunningRow // nil: nothing is overdue
}

// Has reports whether they hold a feature.
func (e *Entitlements) Has(feature string) bool {
	_, found := slices.BinarySearch(e.Features, feature)
	return found
}

// Entitlements are what an org, by its id, may use now.
func (s *System) Entitlements(ctx context.Context, org string) (*Entitlements, error) {
	if e := s.shelf.get(org); e != nil {
		return e, nil
	}
	return store.Read(ctx, s.DB, func(tx *store.Tx) (*Entitlements, error) { return s.within(tx, org) })
}

// within is Entitlements inside of a transaction.
func (s *System) within(tx *store.Tx, org string) (*Entitlements, error) {
	if e := s.shelf.get(org); e != nil {
		return e, nil
	}
	e, err := entitlementsOf(tx, org)
	if err == nil {
		s.shelf.put(org, e, tx.Sees())
	}
	return e, err
}

// PlanIn implements auth.Planner.
func (s *System) PlanIn(tx *store.Tx, org string) (plan string, features []string, err error) {
	e, err := s.within(tx, org)
	if err != nil {
		return "", nil, err
	}
	return e.Plan, e.Features, nil
}

type systemKey struct{}

// Into puts the system where Entitled finds it.
func (s *System) Into(ctx context.Context) context.Context {
	return context.WithValue(ctx, systemKey{}, s)
}

// Entitled reports whether the org in which the request of ctx works has a feature.
// It is false outside of requests, and when that cannot be told. While the org's access
// is read-only its features are still there to look at: what changes something asks
// Changeable as well.
func Entitled(ctx context.Context, feature string) bool {
	s, ok := ctx.Value(systemKey{}).(*System)
	org := web.OriginOf(ctx).Org.ID
	if org == "" {
		org = web.IdentityOf(ctx).Org
	}
	if !ok || org == "" {
		return false
	}
	e, err := s.Entitlements(ctx, org)
	return err == nil && e.Has(feature)
}

// entitlementsOf computes what an org may use.
func entitlementsOf(tx *store.Tx, org string) (*Entitlements, error) {
	e := &Entitlements{Org: org, State: None, Access: AccessNone, Features: []string{}, Limits: map[string]Limit{}}
	all, err := grantsOf(tx, org)
	if err != nil {
		return nil, err
	}
	d, err := dunningOfOrg(tx, org)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	if d.state != "" {
		e.due = &d
	}
	if d.state == Canceled {
		all, e.State = nil, Canceled
	}
	if len(all) == 0 {
		return e, e.free(tx)
	}
	e.join(all)
	if d.state != "" && e.State != Restricted && e.State != Paused {
		e.State = d.state
	}
	if e.State == Restricted || e.State == Paused {
		e.Access = AccessRead
	}
	return e, nil
}

// free gives what the free plan gives. Without any plan at all nothing is sold here,
// and everything is open.
func (e *Entitlements) free(tx *store.Tx) error {
	p, err := scanPlan(tx.QueryRow(planColumns + `WHERE p.kind = 'free' AND p.archived_at IS NULL ORDER BY p.key LIMIT 1`))
	if err == nil {
		e.Access, e.Plan, e.PlanName = AccessFull, p.Key, p.Name
		e.Features, e.Limits = slices.Sorted(slices.Values(p.Features)), p.Limits
		return nil
	}
	if !isNotFound(err) {
		return err
	}
	var any string
	if err = tx.QueryRow(`SELECT key FROM billing_plan WHERE archived_at IS NULL ORDER BY key LIMIT 1`).Scan(&any); isNotFound(err) {
		e.Access, err = AccessFull, nil
	}
	return err
}

// checkLimits raises an alarm for an org that uses more than it pays for: who went to
// a smaller plan at Stripe keeps everybody and everything, and is told.
func (s *System) checkLimits(tx *store.Tx, org string) error {
	e, err := entitlementsOf(tx, org)
	if err != nil {
		return err
	}
	used, err := usedOf(tx, org)
	if err != nil {
		return err
	}
	words := overWords(e.Limits, used)
	if words == "" {
		return clearAlarm(tx, alarmLimit, org)
	}
	return raise(tx, alarm{Kind: alarmLimit, Object: org, Org: org, About: "An organization has " + words + ". Nothing was removed."})
}
