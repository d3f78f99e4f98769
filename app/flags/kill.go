package flags

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Kill is the switch over many flags. While it is on, they serve their off variant
// to everybody.
type Kill struct {
	All     bool     // but those that are exempt
	Tags    []string // flags with one of these, exempt or not: they are meant
	Version int
	Since   time.Time // zero: it is off
	By, Why string
}

// On reports whether it kills anything.
func (k Kill) On() bool { return k.All || len(k.Tags) > 0 }

// kills reports whether it kills a flag of this definition, as the evaluator does.
func (k Kill) kills(d Definition) bool {
	return k.All && !d.Extension.KillExempt || slices.ContainsFunc(d.Extension.Tags, func(tag string) bool { return slices.Contains(k.Tags, tag) })
}

// KillState is how the switch stands.
func KillState(tx *store.Tx) (k Kill, err error) {
	var everything int
	var tags string
	var since int64
	if err := tx.QueryRow(`SELECT everything, tags, version, coalesce(since, 0), made_by, why FROM flags_kill WHERE id = 1`).Scan(&everything, &tags, &k.Version, &since, &k.By, &k.Why); err != nil {
		return k, fmt.Errorf("read the kill switch: %w", err)
	}
	k.All, k.Since = everything == 1, at(since)
	return k, json.Unmarshal([]byte(tags), &k.Tags)
}

// SetKill throws the switch, or lifts it for all false and no tags. A reason is
// demanded either way. What is already so is no change.
func (s *System) SetKill(ctx context.Context, all bool, tags []string, why string) (Kill, error) {
	var c web.Check
	why = checkWhy(&c, why)
	c.Fault(len(tags) <= maxTags, "tags", "too_many", fmt.Sprintf("At most %d.", maxTags))
	for _, tag := range tags {
		c.Fault(tagForm.MatchString(tag), "tags", "form", "A tag is up to 40 small letters, digits, dots, hyphens and underscores.")
	}
	if err := c.Err(); err != nil {
		return Kill{}, err
	}
	tags = slices.Compact(slices.Sorted(slices.Values(tags)))
	text, err := json.Marshal(append([]string{}, tags...))
	if err != nil {
		return Kill{}, err
	}
	k, err := store.Write(ctx, s.DB, func(tx *store.Tx) (Kill, error) {
		was, err := KillState(tx)
		if err != nil || was.All == all && slices.Equal(was.Tags, tags) {
			return was, err
		}
		now := Kill{All: all, Tags: tags, Version: was.Version + 1, Since: was.Since, By: by(tx), Why: why}
		action := actKillSet
		switch {
		case !now.On():
			action, now.Since = actKillLifted, time.Time{}
		case !was.On():
			now.Since = tx.Now()
		}
		if err := tx.ExecOne(`UPDATE flags_kill SET everything = ?, tags = ?, version = ?, since = ?, made_by = ?, why = ? WHERE id = 1`, flag(now.All), string(text), now.Version, ms(now.Since), now.By, now.Why); err != nil {
			return was, err
		}
		s.touched(tx, killChanged)
		return now, s.Audit.Record(tx, audit.Event{Action: action, Targets: []audit.Ref{{Type: "flags", ID: "kill"}}, Details: map[string]any{"reason": why},
			Changes: map[string]audit.Change{"all": {From: was.All, To: now.All}, "tags": {From: was.Tags, To: now.Tags}}})
	})
	if err != nil {
		return k, err
	}
	return k, s.refresh(ctx)
}

// KillNow is how the switch stands, from memory.
func (s *System) KillNow() Kill {
	if k := s.killed.Load(); k != nil {
		return *k
	}
	return Kill{}
}

// KilledNow reports whether the switch over many flags kills one of this definition.
func (s *System) KilledNow(d Definition) bool { return s.KillNow().kills(d) }

// Banner is what every page of the console says while the switch is on; nil while
// it is off.
func (s *System) Banner() *web.Banner {
	k := s.KillNow()
	if !k.On() {
		return nil
	}
	what := "All flags are killed"
	if !k.All {
		what = "Flags tagged " + strings.Join(k.Tags, ", ") + " are killed"
	}
	return &web.Banner{Text: what + " since " + k.Since.UTC().Format("2 Jan 2006, 15:04") + " UTC: " + k.Why, Path: "/-/admin/flags/-/kill", Link: "Kill switch"}
}
