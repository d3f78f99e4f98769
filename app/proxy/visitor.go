package proxy

import (
	"context"
	"fmt"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// visitor is who makes a request, with what rules ask for. What is known of him beyond
// his identity is read when it is first asked for.
type visitor struct {
	id      web.Identity
	roles   []string
	plan    string
	gives   []string // features of the plan
	orgSlug string
	known   map[string]any // as auth.Facts has it; nil: not read
	read    func() (map[string]any, error)
	pays    func(org string) (Plan, error) // what the org pays for
	open    func(org string) error         // why the org may change nothing now, as a 402; nil: it may
}

func (s *System) visitor(ctx context.Context) *visitor {
	v := &visitor{id: web.IdentityOf(ctx)}
	v.read = func() (map[string]any, error) {
		if k, is := auth.AskingKey(ctx); is {
			return s.keyFacts(ctx, k)
		}
		return store.Read(ctx, s.DB, func(tx *store.Tx) (map[string]any, error) { return s.Auth.Facts(tx, v.id.User, v.id.Org) })
	}
	s.paying(ctx, v)
	return v
}

// paying lets a visitor's org be asked what it pays for.
func (s *System) paying(ctx context.Context, v *visitor) {
	v.pays = func(org string) (Plan, error) {
		if s.Plan == nil || org == "" {
			return Plan{}, nil
		}
		return s.Plan(ctx, org)
	}
	v.open = func(org string) error {
		if s.Changeable == nil || org == "" {
			return nil
		}
		return s.Changeable(ctx, org)
	}
}

// keyFacts are what is known of a program with an API key of an org: what its org pays for
// is what it can use, and its role is the key's.
func (s *System) keyFacts(ctx context.Context, k auth.Key) (map[string]any, error) {
	facts := map[string]any{"targetingKey": k.ID, "key": k.ID, "org": k.Org, "org_slug": k.OrgSlug, "roles": []any{}, "entitlements": []any{}, "plan": ""}
	if k.RoleName != "" {
		facts["roles"] = []any{k.RoleName}
	}
	if s.Plan == nil || k.Org == "" {
		return facts, nil
	}
	p, err := s.Plan(ctx, k.Org)
	if err != nil {
		return nil, err
	}
	features := []any{}
	for _, f := range p.Features {
		features = append(features, f)
	}
	facts["plan"], facts["entitlements"] = p.Key, features
	return facts, nil
}

// facts are what is known of a person or a program; nil of nobody.
func (v *visitor) facts() (map[string]any, error) {
	if v.known != nil || !v.id.Known() {
		return v.known, nil
	}
	facts, err := v.read()
	if err != nil {
		return nil, fmt.Errorf("what is known of %s: %w", v.id.Actor(), err)
	}
	v.known = facts
	v.plan, _ = facts["plan"].(string)
	v.orgSlug, _ = facts["org_slug"].(string)
	if org, _ := facts["org"].(string); v.id.Org == "" {
		v.id.Org = org
	}
	v.roles, v.gives = texts(facts["roles"]), texts(facts["entitlements"])
	return facts, nil
}

// texts are the strings of a list among facts.
func texts(fact any) (all []string) {
	list, _ := fact.([]any)
	for _, one := range list {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
