package billing

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"seaworthy/app/manifest"
	"seaworthy/queue"
	"seaworthy/store"
)

// planDoc is a plan as seaworthy.yml has it; its key is that of the mapping. Prices are
// named by their ids at Stripe, or described in make_prices: one that is described, and
// that the plan does not have, is made at Stripe.
type planDoc struct {
	Kind     string           `json:"kind"`
	Name     string           `json:"name"`
	About    string           `json:"description,omitempty"`
	Rank     int64            `json:"rank"`
	Trial    int64            `json:"trial_days,omitempty"`
	Features []string         `json:"features,omitempty"`
	Limits   map[string]Limit `json:"limits,omitempty"`
	// Titles are what customers read for features and limits; left out, those of the
	// console stay.
	Titles   map[string]string `json:"titles,omitempty"`
	Prices   []string          `json:"prices,omitempty"`
	Make     []NewPrice        `json:"make_prices,omitempty"`
	Archived bool              `json:"archived,omitempty"`
}

// Part is the section of seaworthy.yml with plans and what they give. A plan is never
// deleted: prune archives what the file does not have. It asks for the permissions of
// whoever runs billing here: billing:manage counts in one org, and the key of an org
// must not say what the others buy.
func (s *System) Part() manifest.Part {
	return manifest.Part{Name: "plans", Noun: "plan", Manage: permRun, Read: permSee, Page: "/-/admin/billing/plans", Prepare: s.preparePlans, State: plansState}
}

// wantedPlan is a plan of a file that was checked.
type wantedPlan struct {
	in               PlanInput
	features, limits string
	it               manifest.Item
}

func (s *System) preparePlans(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("plans")
	var wanted []wantedPlan
	var faults []error
	for _, it := range section.Items {
		doc, err := manifest.Decode[planDoc](it)
		w := wantedPlan{it: it, in: PlanInput{Key: it.Name, Kind: doc.Kind, Name: doc.Name, About: doc.About, Rank: doc.Rank, Trial: doc.Trial, Features: doc.Features,
			Limits: doc.Limits, Titles: doc.Titles, Prices: doc.Prices, Make: doc.Make, Archived: doc.Archived, Comment: "seaworthy.yml"}}
		if err == nil {
			w.features, w.limits, err = w.in.encode()
			err = it.Fault(err)
		}
		wanted, faults = append(wanted, w), append(faults, err)
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	return manifest.Act{Put: func(tx *store.Tx, r *manifest.Report) error {
		if section.Prune { // first: there can be one free plan
			if err := s.prunePlans(tx, section.Names()); err != nil {
				return err
			}
		}
		for _, w := range wanted {
			if err := s.takePlan(tx, w, r); err != nil {
				return w.it.Fault(err)
			}
		}
		s.forget(tx, "")
		return nil
	}}, nil
}

// takePlan makes the plan what the file says. Prices that it describes and that are there,
// or on their way, are kept.
func (s *System) takePlan(tx *store.Tx, w wantedPlan, r *manifest.Report) error {
	in := w.in
	old, err := planByKey(tx, in.Key)
	if err != nil && !isNotFound(err) {
		return err
	}
	in.Version, in.Prices, in.Make = old.Version, slices.Clone(in.Prices), nil
	if in.Titles == nil {
		in.Titles = titlesOf(in, old)
	}
	pending, err := pendingPrices(tx, in.Key)
	if err != nil {
		return err
	}
	for _, m := range w.in.Make {
		if i := slices.IndexFunc(old.Prices, m.is); i >= 0 {
			in.Prices = append(in.Prices, old.Prices[i].ID)
		} else if !slices.Contains(pending, m.plain()) {
			in.Make = append(in.Make, m)
			r.Note("plans", "plan "+in.Key, "a price of "+Money(m.Amount, strings.ToUpper(m.Currency))+everyWords(m.Interval, m.Count)+" is made at Stripe")
		}
	}
	slices.Sort(in.Prices)
	in.Prices = slices.Compact(in.Prices)
	return s.putPlan(tx, in, w.features, w.limits)
}

// titlesOf are the titles that a plan has for what it still gives.
func titlesOf(in PlanInput, old Plan) map[string]string {
	kept := map[string]string{}
	for key, title := range old.Titles {
		if _, limit := in.Limits[key]; limit || slices.Contains(in.Features, key) {
			kept[key] = title
		}
	}
	return kept
}

// is reports whether a price that is sold is what was described.
func (m NewPrice) is(p Price) bool {
	return p.Offered && strings.EqualFold(p.Currency, m.Currency) && p.Amount == m.Amount && p.Interval == m.Interval && p.Count == m.Count
}

func (m NewPrice) plain() NewPrice {
	m.Currency = strings.ToLower(m.Currency)
	return m
}

// pendingPrices are those of a plan that jobs are about to make.
func pendingPrices(tx *store.Tx, plan string) (all []NewPrice, err error) {
	for _, state := range []queue.State{queue.Available, queue.Scheduled, queue.Retryable, queue.Running, queue.Blocked} {
		jobs, err := queue.List(tx, queue.Filter{State: state, Kind: MakePrice{}.Kind(), Limit: 200})
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			var args MakePrice
			if err := json.Unmarshal(j.Args, &args); err == nil && args.Plan == plan {
				all = append(all, args.NewPrice.plain())
			}
		}
	}
	return all, nil
}

func (s *System) prunePlans(tx *store.Tx, kept map[string]bool) error {
	all, err := allPlans(tx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if kept[p.Key] || p.Archived {
			continue
		}
		in := p.input()
		in.Archived, in.Comment = true, "seaworthy.yml"
		features, limits, err := in.encode()
		if err != nil {
			return err
		}
		if err := s.putPlan(tx, in, features, limits); err != nil {
			return err
		}
	}
	return nil
}

// input is a plan as somebody would write it to keep it as it is.
func (p Plan) input() PlanInput {
	in := PlanInput{Key: p.Key, Kind: p.Kind, Name: p.Name, About: p.About, Rank: p.Rank, Trial: p.Trial, Version: p.Version, Features: p.Features, Limits: p.Limits, Titles: p.Titles, Archived: p.Archived}
	for _, price := range p.Prices {
		if price.Offered {
			in.Prices = append(in.Prices, price.ID)
		}
	}
	return in
}

// plansState are all plans, archived ones too: who has one keeps it.
func plansState(tx *store.Tx) (all []manifest.Entry, err error) {
	plans, err := allPlans(tx)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		in := p.input()
		raw, err := json.Marshal(planDoc{Kind: in.Kind, Name: in.Name, About: in.About, Rank: in.Rank, Trial: in.Trial, Features: in.Features, Limits: in.Limits, Titles: in.Titles, Prices: in.Prices, Archived: in.Archived})
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{Name: p.Key, JSON: raw})
	}
	return all, nil
}

// PlanNames are the plans that are not archived, and what they give, for rules that name it.
func PlanNames(tx *store.Tx) (plans, features, limits []string, err error) {
	all, err := allPlans(tx)
	for _, p := range all {
		if p.Archived {
			continue
		}
		plans = append(plans, p.Key)
		features = append(features, p.Features...)
		limits = slices.AppendSeq(limits, maps.Keys(p.Limits))
	}
	return plans, features, limits, err
}
