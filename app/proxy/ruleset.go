package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// ruleset is all rules in their order, as a version of them.
type ruleset struct {
	version int64
	rules   []compiled
	made    time.Time
	by      string
	comment string
}

// compiled is a rule with its path taken apart.
type compiled struct {
	Rule
	pattern pattern
}

func compile(rules []Rule) []compiled {
	all := make([]compiled, len(rules))
	for i, r := range rules {
		all[i] = compiled{r, parsePattern(r.Path)}
	}
	return all
}

func (set *ruleset) plain() []Rule {
	all := make([]Rule, len(set.rules))
	for i, r := range set.rules {
		all[i] = r.Rule
	}
	return all
}

var errStale = &web.Error{Status: http.StatusConflict, Code: "stale",
	Public: "Somebody changed the rules since you opened them. Nothing was saved: look at their version, then do yours again."}

// Save puts a version of the rules in the place of the one that was changed. They
// count for every request that comes after the commit.
func (s *System) Save(ctx context.Context, version int64, rules []Rule, comment string) error {
	var c web.Check
	c.Fault(len(rules) <= maxRules, "rules", "too_many", fmt.Sprintf("At most %d.", maxRules))
	comment = c.Text("comment", comment, 0, 200)
	for i := range rules {
		rules[i].check(&c, fmt.Sprintf("rules.%d.", i))
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := newestRules(tx)
		if err != nil {
			return err
		}
		if was.version != version {
			return errStale
		}
		return s.put(tx, was, rules, comment)
	})
}

// put stores rules that were checked as the next version. What is already so is no change.
func (s *System) put(tx *store.Tx, was ruleset, rules []Rule, comment string) error {
	raw, err := json.Marshal(rules)
	if err != nil {
		return err
	}
	before, err := json.Marshal(was.plain())
	if err != nil || slices.Equal(before, raw) {
		return err
	}
	now := ruleset{version: was.version + 1, rules: compile(rules), made: tx.Now(), by: web.IdentityOf(tx.Context()).Actor(), comment: comment}
	if err := insertRules(tx, now, string(raw)); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.rules.Store(&now) })
	return s.Audit.Record(tx, audit.Event{Action: actChanged, Targets: []audit.Ref{{Type: "access_rules", ID: "access_rules"}},
		Changes: map[string]audit.Change{"rules": {From: json.RawMessage(before), To: json.RawMessage(raw)}}, Details: map[string]any{"version": now.version, "comment": comment}})
}

// versionOf reads one that was in use.
func (s *System) versionOf(ctx context.Context, version int64) (ruleset, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (ruleset, error) { return rulesOf(tx, version) })
}
