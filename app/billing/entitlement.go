package billing

import (
	"context"
	"maps"
	"slices"
	"sync"

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

// maxCached bounds how many orgs are remembered.
const maxCached = 20_000

// shelf remembers entitlements. What was computed from a state that a commit has
// replaced meanwhile is not put there: each commit that matters raises gen.
type shelf struct {
	mu  sync.RWMutex
	gen int64
	of  map[string]*Entitlements
}

func (c *shelf) get(org string) (e *Entitlements, gen int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.of[org], c.gen
}

func (c *shelf) put(org string, e *Entitlements, gen int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen != c.gen {
		return
	}
	if c.of == nil || len(c.of) >= maxCached {
		c.of = map[string]*Entitlements{}
	}
	c.of[org] = e
}

// drop forgets an org, or all for "".
func (c *shelf) drop(org string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	if org == "" {
		c.of = nil
		return
	}
	delete(c.of, org)
}

// forget has what an org may use computed anew, once the transaction is durable.
func (s *System) forget(tx *store.Tx, org string) { tx.AfterCommit(func() { s.shelf.drop(org) }) }

// Entitlements are what an org, by its id, may use now.
func (s *System) Entitlements(ctx context.Context, org string) (*Entitlements, error) {
	e, gen := s.shelf.get(org)
	if e != nil {
		return e, nil
	}
	e, err := store.Read(ctx, s.DB, func(tx *store.Tx) (*Entitlements, error) { return entitlementsOf(tx, org) })
	if err == nil {
		s.shelf.put(org, e, gen)
	}
	return e, err
}

// within is Entitlements inside of a transaction.
func (s *System) within(tx *store.Tx, org string) (*Entitlements, error) {
	if e, _ := s.shelf.get(org); e != nil {
		return e, nil
	}
	return entitlementsOf(tx, org)
}

// PlanOf implements auth.Planner.
func (s *System) PlanOf(tx *store.Tx, org string) (string, error) {
	e, err := s.within(tx, org)
	if err != nil {
		return "", err
	}
	return e.Plan, nil
}

// Features implements auth.Planner.
func (s *System) Features(tx *store.Tx, org string) ([]string, error) {
	e, err := s.within(tx, org)
	if err != nil {
		return nil, err
	}
	return e.Features, nil
}

type systemKey struct{}

// Into puts the system where Entitled finds it.
func (s *System) Into(ctx context.Context) context.Context {
	return context.WithValue(ctx, systemKey{}, s)
}

// Entitled reports whether the org in which the request of ctx works has a feature.
// It is false outside of requests, and while the org's access is not whole or that
// cannot be told.
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

// Access is how much of the app an org can use: full, read_only or none. It is for
// whoever stands before the app.
func (s *System) Access(ctx context.Context, org string) (string, error) {
	e, err := s.Entitlements(ctx, org)
	if err != nil {
		return "", err
	}
	return e.Access, nil
}

// grant is an item of a living subscription with what its plan gives.
type grantRow struct {
	state    State
	quantity int64
	paused   bool
	Plan
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

// standing orders states: an org is as its best subscription is.
var standing = map[State]int{Restricted: 1, Paused: 2, Grace: 3, Active: 4}

// join makes the union: every feature of any, the largest of each limit, and what
// addons give on top.
func (e *Entitlements) join(all []grantRow) {
	features, more := map[string]bool{}, map[string]Limit{}
	best := int64(-1 << 62)
	e.State, e.Access = Restricted, AccessFull
	for _, g := range all {
		state := g.state
		if g.paused && state == Active {
			state = Paused
		}
		if standing[state] > standing[e.State] {
			e.State = state
		}
		for _, f := range g.Features {
			features[f] = true
		}
		for name, l := range g.Limits {
			if l.PerUnit {
				l.Value, l.PerUnit = l.Value*g.quantity, false
			}
			if g.Kind == kindAddon {
				more[name] = Limit{Value: more[name].Value + l.Value, Unlimited: more[name].Unlimited || l.Unlimited}
			} else if have := e.Limits[name]; !have.Unlimited && (l.Unlimited || l.Value >= have.Value) {
				e.Limits[name] = l
			}
		}
		if g.Kind != kindAddon && g.Rank > best {
			e.Plan, e.PlanName, best = g.Key, g.Name, g.Rank
		}
	}
	for name, l := range more {
		have := e.Limits[name]
		e.Limits[name] = Limit{Value: have.Value + l.Value, Unlimited: have.Unlimited || l.Unlimited}
		if e.Limits[name].Unlimited {
			e.Limits[name] = Limit{Unlimited: true}
		}
	}
	e.Features = slices.Sorted(maps.Keys(features))
}

// grantsOf are the items of an org's living subscriptions, with the plan version that
// their price is of: the newest that lists it, or for a price that belongs to no
// plan any more the one that was kept.
func grantsOf(tx *store.Tx, org string) ([]grantRow, error) {
	return store.All(tx, func(r store.Scanner) (g grantRow, err error) {
		var features, limits string
		if err = r.Scan(&g.state, &g.paused, &g.quantity, &g.Key, &g.Kind, &g.Name, &g.Rank, &features, &limits); err != nil {
			return g, err
		}
		return g, g.read(features, limits)
	}, `SELECT s.state, s.paused, i.quantity, l.key, l.kind, l.name, l.rank, v.features, v.limits
		FROM billing_subscription s JOIN billing_item i ON i.subscription_id = s.id
		LEFT JOIN billing_price p ON p.id = i.price_id
		JOIN billing_plan_version v ON v.plan = coalesce(p.plan, i.plan) AND v.version = coalesce(p.plan_version, i.plan_version)
		JOIN billing_plan l ON l.key = v.plan
		WHERE s.org_id = ? AND s.state IN ('active', 'grace', 'restricted')`, org)
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
