package billing

import (
	"maps"
	"slices"

	"seaworthy/store"
)

// grantRow is an item of a living subscription with what its plan gives.
type grantRow struct {
	state    State
	quantity int64
	paused   bool
	Plan
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
