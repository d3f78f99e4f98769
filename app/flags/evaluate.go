package flags

import (
	"context"
	"maps"
	"strings"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
	"seaworthy/store"
)

// owned are the attributes that the installation knows better than whoever asks:
// what a caller sends under these names counts only from those who are trusted.
var owned = []string{"user", "email", "email_verified", "org", "org_slug", "roles", "plan", "entitlements", "signed_up_at"}

// caller is who asks what flags say, and how far he is believed.
type caller struct {
	client  bool // a browser or an app on a phone: it sees what is meant for them
	trusted bool // what it says of people holds
	id      web.Identity
}

// about is what flags are evaluated for: what the caller sent, and over it what the
// installation knows of the person. For a program that is who its targeting key
// names; a client learns nothing of people it names. With an error it is what the caller may
// say himself.
func (s *System) about(ctx context.Context, c caller, sent map[string]any) (rule.Context, error) {
	out := rule.Context{}
	maps.Copy(out, sent)
	if c.trusted {
		return out, nil
	}
	for _, name := range owned {
		delete(out, name)
	}
	user, org := c.id.User, c.id.Org
	if user == "" && !c.client {
		user, _ = out["targetingKey"].(string)
		org = ""
	}
	if !isUser(user) {
		return out, nil
	}
	facts, err := store.Read(ctx, s.DB, func(tx *store.Tx) (map[string]any, error) { return s.Facts(tx, user, org) })
	if isNotFound(err) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if c.client {
		delete(facts, "email") // rules that clients see do not turn on it
		delete(facts, "email_verified")
	}
	maps.Copy(out, facts)
	return out, nil
}

// evaluate is what a flag says, counted.
func (s *System) evaluate(set *rule.Set, key string, c rule.Context) rule.Result {
	r := set.Evaluate(key, c)
	if r.ErrorCode != rule.FlagNotFound {
		s.counts.add(counted{key: key, variant: r.Variant})
	}
	return r
}

// isUser reports whether a targeting key may be a user's id.
func isUser(key string) bool { return strings.HasPrefix(key, "usr_") && len(key) < 64 }
