package billing

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// PutPlan makes a plan, or changes one: each change of what it gives or of its prices
// is a version of its own. Prices that it does not list any more are not offered;
// who has one keeps what the last version gives that listed it.
func (s *System) PutPlan(ctx context.Context, in PlanInput) (Plan, error) {
	features, limits, err := in.encode()
	if err != nil {
		return Plan{}, err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (Plan, error) {
		if err := s.putPlan(tx, in, features, limits); err != nil {
			return Plan{}, err
		}
		s.forget(tx, "")
		return planByKey(tx, in.Key)
	})
}

// encode checks a plan and gives what it gives as the tables hold it.
func (in *PlanInput) encode() (features, limits string, err error) {
	if err := in.check(); err != nil {
		return "", "", err
	}
	f, err := json.Marshal(append([]string{}, in.Features...))
	if err != nil {
		return "", "", err
	}
	if in.Limits == nil {
		in.Limits = map[string]Limit{}
	}
	l, err := json.Marshal(in.Limits)
	return string(f), string(l), err
}

func (s *System) putPlan(tx *store.Tx, in PlanInput, features, limits string) error {
	old, err := planByKey(tx, in.Key)
	known := err == nil
	switch {
	case err != nil && !isNotFound(err):
		return err
	case in.Version != old.Version:
		return errPlanChanged
	case known && old.Kind != in.Kind:
		return web.Invalid(web.Field{Field: "kind", Code: "fixed", Message: "The kind of a plan does not change. Make another plan."})
	}
	if err := checkOther(tx, in); err != nil {
		return err
	}
	changes := planChanges(old, in)
	if known && len(changes) == 0 && len(in.Make) == 0 {
		return nil
	}
	version := old.Version + 1
	if err := writePlan(tx, in, version, features, limits); err != nil {
		return err
	}
	if err := s.writePrices(tx, in, version); err != nil {
		return err
	}
	event := audit.Event{Action: actPlanChanged, Targets: []audit.Ref{{Type: "plan", ID: in.Key}}, Changes: changes, Details: map[string]any{"version": version}}
	if in.Comment != "" {
		event.Details["comment"] = in.Comment
	}
	switch {
	case !known:
		event.Action = actPlanMade
	case in.Archived && !old.Archived:
		event.Action = actPlanArchived
	case !in.Archived && old.Archived:
		event.Action = actPlanReopened
	}
	return s.Audit.Record(tx, event)
}

// checkOther finds what a plan has in common with another that it must not.
func checkOther(tx *store.Tx, in PlanInput) error {
	if in.Version == 0 { // a new one
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM (SELECT key FROM billing_plan ORDER BY key LIMIT ?)`, maxPlans).Scan(&n); err != nil {
			return err
		}
		if n == maxPlans { // a list has no more, so that one more would be seen by nobody
			return web.Invalid(web.Field{Field: "key", Code: "too_many", Message: "There are " + itoa(maxPlans) + " plans, which is the most. Change one that you have."})
		}
	}
	if in.Kind == kindFree && !in.Archived {
		var other string
		err := tx.QueryRow(`SELECT key FROM billing_plan WHERE kind = 'free' AND archived_at IS NULL AND key <> ? ORDER BY key LIMIT 1`, in.Key).Scan(&other)
		if err == nil {
			return web.Invalid(web.Field{Field: "kind", Code: "taken", Message: "There is a free plan already: " + other + ". Archive it first."})
		}
		if !isNotFound(err) {
			return err
		}
	}
	for _, id := range in.Prices {
		p, err := priceByID(tx, id)
		if err != nil && !isNotFound(err) {
			return err
		}
		if err == nil && p.plan != in.Key {
			return web.Invalid(web.Field{Field: "prices", Code: "taken", Message: id + " belongs to the plan " + p.plan + "."})
		}
	}
	return nil
}

// planChanges are the differences that a version is made for.
func planChanges(old Plan, in PlanInput) map[string]audit.Change {
	changes := map[string]audit.Change{}
	put := func(name string, from, to any, same bool) {
		if !same {
			changes[name] = audit.Change{From: from, To: to}
		}
	}
	var offered []string
	for _, p := range old.Prices {
		if p.Offered {
			offered = append(offered, p.ID)
		}
	}
	put("name", old.Name, in.Name, old.Name == in.Name)
	put("description", old.About, in.About, old.About == in.About)
	put("rank", old.Rank, in.Rank, old.Rank == in.Rank)
	put("trial_days", old.Trial, in.Trial, old.Trial == in.Trial)
	put("archived", old.Archived, in.Archived, old.Archived == in.Archived)
	put("features", old.Features, in.Features, slices.Equal(old.Features, in.Features))
	put("prices", offered, in.Prices, slices.Equal(offered, in.Prices))
	same := len(old.Limits) == len(in.Limits)
	for name, l := range in.Limits {
		same = same && old.Limits[name] == l
	}
	put("limits", old.Limits, in.Limits, same)
	put("titles", old.Titles, in.Titles, maps.Equal(old.Titles, in.Titles))
	return changes
}

func writePlan(tx *store.Tx, in PlanInput, version int64, features, limits string) error {
	now := tx.Now().UnixMilli()
	var archived any
	if in.Archived {
		archived = now
	}
	titles, err := json.Marshal(in.Titles)
	if err != nil {
		return err
	}
	if len(in.Titles) == 0 {
		titles = []byte("{}")
	}
	if _, err := tx.Exec(`INSERT INTO billing_plan (key, kind, name, about, rank, trial_days, version, created_at, changed_at, archived_at, titles) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET name = excluded.name, about = excluded.about, rank = excluded.rank, trial_days = excluded.trial_days, version = excluded.version,
		changed_at = excluded.changed_at, archived_at = excluded.archived_at, titles = excluded.titles`, in.Key, in.Kind, in.Name, in.About, in.Rank, in.Trial, version, now, now, archived, string(titles)); err != nil {
		return err
	}
	prices, err := json.Marshal(append([]string{}, in.Prices...))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO billing_plan_version (plan, version, features, limits, prices, comment, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		in.Key, version, features, limits, string(prices), in.Comment, by(tx), now)
	return err
}

// writePrices offers the prices of a version, withdraws the others, and has looked up
// what is not known of them.
func (s *System) writePrices(tx *store.Tx, in PlanInput, version int64) error {
	if _, err := tx.Exec(`UPDATE billing_price SET offered = 0 WHERE plan = ?`, in.Key); err != nil {
		return err
	}
	for _, id := range in.Prices {
		if err := s.offer(tx, in.Key, version, id); err != nil {
			return err
		}
	}
	for n, p := range in.Make {
		if _, err := queue.Enqueue(tx, MakePrice{Plan: in.Key, Version: version, N: n, NewPrice: p}); err != nil {
			return err
		}
	}
	return nil
}

// offer adds a price to a version of a plan.
func (s *System) offer(tx *store.Tx, plan string, version int64, id string) error {
	if _, err := tx.Exec(`INSERT INTO billing_price (id, plan, plan_version, offered, product_id, currency, unit_amount, interval, interval_count, active, fault)
		VALUES (?, ?, ?, 1, '', '', 0, '', 0, 0, '') ON CONFLICT (id) DO UPDATE SET plan_version = excluded.plan_version, offered = 1`, id, plan, version); err != nil {
		return err
	}
	_, err := queue.Enqueue(tx, LookUpPrice{Price: id})
	return err
}

// by is who makes a change, as type:id.
func by(tx *store.Tx) string {
	if actor := web.IdentityOf(tx.Context()).Actor(); actor != "" {
		return actor
	}
	return "system:billing"
}
