package flags

import (
	"context"
	"fmt"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Override is the variant that one targeting key gets of a flag, whatever the
// flag's targeting says.
type Override struct {
	Key, Target, Variant, By string
	At                       time.Time
}

// maxOverrides bounds those of one flag: a group of people is a segment.
const maxOverrides = 1000

const overrideColumns = `SELECT key, target, variant, made_by, made_at FROM flags_override `

func scanOverride(r store.Scanner) (o Override, err error) {
	var made int64
	err = r.Scan(&o.Key, &o.Target, &o.Variant, &o.By, &made)
	o.At = at(made)
	return o, err
}

// Overrides are a page of a flag's, by targeting key.
func Overrides(tx *store.Tx, key, after string, limit int) ([]Override, error) {
	return store.All(tx, scanOverride, overrideColumns+`WHERE key = ? AND target > ? ORDER BY target LIMIT ?`, key, after, limit)
}

// OverridesOf are those of a user, by flag.
func OverridesOf(tx *store.Tx, target string, limit int) ([]Override, error) {
	return store.All(tx, scanOverride, overrideColumns+`WHERE target = ? ORDER BY key LIMIT ?`, target, limit)
}

func overrideOf(tx *store.Tx, key, target string) (Override, error) {
	return scanOverride(tx.QueryRow(overrideColumns+`WHERE key = ? AND target = ?`, key, target))
}

// SetOverride gives a targeting key, which is a user's id for people, a variant of
// a flag; "" takes it away again.
func (s *System) SetOverride(ctx context.Context, key, target, variant string) error {
	var c web.Check
	target = c.Text("target", target, 1, 200)
	if err := c.Err(); err != nil {
		return err
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		f, err := FlagByKey(tx, key)
		if err != nil {
			return err
		}
		was, err := overrideOf(tx, key, target)
		if err != nil && !isNotFound(err) {
			return err
		}
		if was.Variant == variant {
			return nil
		}
		ev := audit.Event{Action: actOverrideSet, Targets: []audit.Ref{refFlag(key), targetRef(target)}, Changes: map[string]audit.Change{"variant": {From: was.Variant, To: variant}}}
		if variant == "" {
			ev.Action = actOverrideRemoved
			_, err = tx.Exec(`DELETE FROM flags_override WHERE key = ? AND target = ?`, key, target)
		} else {
			err = putOverride(tx, f, Override{Key: key, Target: target, Variant: variant, By: by(tx), At: tx.Now()}, was.Variant == "")
		}
		if err != nil {
			return err
		}
		s.touched(tx, key)
		return s.Audit.Record(tx, ev)
	})
	if err != nil {
		return err
	}
	return s.refresh(ctx)
}

// targetRef is a targeting key as the audit log refers to it: a user, where it is
// the id of one, so that the user's page finds the event.
func targetRef(target string) audit.Ref {
	if _, isID := store.IDTime(target); isID && isUser(target) {
		return audit.User(target)
	}
	return audit.Ref{Type: "targeting_key", ID: target}
}

func putOverride(tx *store.Tx, f Flag, o Override, fresh bool) error {
	d, err := ReadDefinition(f.Definition)
	if f.State == Archived {
		return errArchived
	}
	if err != nil || !d.Has(o.Variant) {
		return web.Invalid(web.Field{Field: "variant", Code: "unknown", Message: "This is none of the flag's variants."})
	}
	if fresh {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM (SELECT target FROM flags_override WHERE key = ? LIMIT ?)`, o.Key, maxOverrides).Scan(&n); err != nil {
			return err
		}
		if n >= maxOverrides {
			return web.Invalid(web.Field{Field: "target", Code: "too_many", Message: fmt.Sprintf("This flag has %d overrides. Make a segment instead.", maxOverrides)})
		}
	}
	_, err = tx.Exec(`INSERT INTO flags_override (key, target, variant, made_by, made_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key, target) DO UPDATE SET variant = excluded.variant, made_by = excluded.made_by, made_at = excluded.made_at`, o.Key, o.Target, o.Variant, o.By, o.At.UnixMilli())
	return err
}

// Forget removes a user's overrides, when the user is deleted. It is called in the
// transaction that erases the user.
func (s *System) Forget(tx *store.Tx, target string) error {
	all, err := OverridesOf(tx, target, maxWalk)
	if err != nil || len(all) == 0 {
		return err
	}
	for _, o := range all {
		s.touched(tx, o.Key)
	}
	_, err = tx.Exec(`DELETE FROM flags_override WHERE target = ?`, target)
	return err
}

// overridden is a definition whose overrides are part of its targeting, before all
// else, so that one evaluator does both.
func overridden(definition string, all []Override) (string, error) {
	if len(all) == 0 {
		return definition, nil
	}
	d, err := ReadDefinition(definition)
	if err != nil {
		return "", err
	}
	byVariant := map[string][]any{}
	for _, o := range all {
		byVariant[o.Variant] = append(byVariant[o.Variant], o.Target)
	}
	var parts []any
	for _, name := range d.VariantNames() { // one that is gone is left out
		if targets := byVariant[name]; len(targets) > 0 {
			parts = append(parts, logic{"in": []any{logic{"var": "targetingKey"}, targets}}, name)
		}
	}
	if len(parts) == 0 {
		return definition, nil
	}
	if d.Targeting != "" {
		parts = append(parts, rawJSON(d.Targeting))
	}
	o, err := d.object.with("targeting", logic{"if": parts})
	if err != nil {
		return "", err
	}
	return o.compact()
}
