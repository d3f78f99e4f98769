package proxy

import (
	"context"
	"fmt"

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
}

func (s *System) visitor(ctx context.Context) *visitor {
	v := &visitor{id: web.IdentityOf(ctx)}
	v.read = func() (map[string]any, error) {
		return store.Read(ctx, s.DB, func(tx *store.Tx) (map[string]any, error) { return s.Auth.Facts(tx, v.id.User, v.id.Org) })
	}
	return v
}

// facts are what is known of a person; nil of a program and of nobody.
func (v *visitor) facts() (map[string]any, error) {
	if v.known != nil || v.id.User == "" {
		return v.known, nil
	}
	facts, err := v.read()
	if err != nil {
		return nil, fmt.Errorf("what is known of %s: %w", v.id.User, err)
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
