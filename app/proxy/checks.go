package proxy

import (
	"fmt"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// Checks are what must be so of the app behind the proxy; without one nothing must.
func Checks(tx *store.Tx, c *config.Config) ([]launch.Check, error) {
	rules := launch.Check{Key: "access.rules", System: "access", Title: "Access rules protect the app", Link: "/-/admin/access", Blocks: true,
		Why: "Without a rule every request reaches the app, whoever makes it.",
		Fix: "Make rules under Access: one for each part that is public, and behind them /** for people who are signed in. The first that is about a request decides."}
	if c.Upstream == "" {
		return []launch.Check{rules.Is(launch.NotApplicable, "No app is behind this (SEAWORTHY_UPSTREAM).")}, nil
	}
	set, err := newestRules(tx)
	if err != nil {
		return nil, err
	}
	health := launch.Check{Key: "access.health", System: "access", Title: "It is known whether the app is well",
		Why: "An app that listens and answers nothing but errors counts as well otherwise.", Fix: "Set SEAWORTHY_UPSTREAM_HEALTH to a path of your app that answers 2xx while it is well, as /healthz."}
	n := len(set.rules)
	return []launch.Check{rules.Holds(n > 0, fmt.Sprintf("There are %d.", n), "There is none: everything is public."),
		health.Holds(c.UpstreamHealth != "", "It is asked at "+c.UpstreamHealth+".", "Only whether it listens is looked at.")}, nil
}
