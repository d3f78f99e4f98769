package flags

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Patch changes the simple things of a flag and leaves the rest as it is; what is
// nil stays.
type Patch struct {
	State          *string `json:"state,omitempty"`           // ENABLED or DISABLED
	DefaultVariant *string `json:"default_variant,omitempty"` // "" for the caller's own
	Rollout        *Split  `json:"rollout,omitempty"`
}

// Split is a rollout over variants, in the order of their buckets.
type Split struct {
	By     string       `json:"by,omitempty"` // attribute; the targeting key without it
	Shares []SplitShare `json:"shares"`
}

// SplitShare is what part of the whole a variant gets.
type SplitShare struct {
	Variant string `json:"variant"`
	Weight  int    `json:"weight"`
}

// Empty reports whether a patch changes nothing.
func (p Patch) Empty() bool { return p.State == nil && p.DefaultVariant == nil && p.Rollout == nil }

// maxWeight bounds a weight, so that the sum of all stays below 2^31.
const maxWeight = 1_000_000

// apply is the definition that a patch makes of another.
func (p Patch) apply(d Definition) (string, error) {
	o, err := d.object, error(nil)
	if p.State != nil {
		if o, err = o.with("state", *p.State); err != nil {
			return "", err
		}
	}
	if p.DefaultVariant != nil {
		var value any = *p.DefaultVariant
		if value == "" {
			value = nil
		}
		if o, err = o.with("defaultVariant", value); err != nil {
			return "", err
		}
	}
	if p.Rollout != nil {
		if o, err = p.Rollout.apply(d, o); err != nil {
			return "", err
		}
	}
	return o.compact()
}

// apply gives everybody whom no rule fits a share of the variants.
func (s Split) apply(d Definition, o object) (object, error) {
	plan, ok := ReadPlan(d.Targeting)
	var c web.Check
	c.Fault(ok, "rollout", "no_words", "This flag's targeting is not made of plain rules, so that its rollout is part of its JSON: change it there.")
	c.Fault(len(s.Shares) == 0 || len(s.Shares) <= maxVariants, "rollout", "too_many", "There are more shares than variants.")
	seen, sum := []string{}, 0
	for _, share := range s.Shares {
		c.Fault(d.Has(share.Variant), "rollout", "unknown", web.CleanText(share.Variant, 100)+" is none of the variants.")
		c.Fault(!slices.Contains(seen, share.Variant), "rollout", "twice", web.CleanText(share.Variant, 100)+" is named twice.")
		c.Fault(share.Weight >= 0 && share.Weight <= maxWeight, "rollout", "range", fmt.Sprintf("A weight is from 0 to %d.", maxWeight))
		seen, sum = append(seen, share.Variant), sum+share.Weight
	}
	c.Fault(len(s.Shares) == 0 || sum > 0, "rollout", "zero", "One weight at least is above 0.")
	if err := c.Err(); err != nil {
		return nil, err
	}
	plan.Else = Serve{By: s.By}
	for _, share := range s.Shares {
		plan.Else.Split = append(plan.Else.Split, Share(share))
	}
	return withPlan(o, plan)
}

// withPlan is a definition's object with its targeting made from a plan.
func withPlan(o object, plan Plan) (object, error) {
	targeting, err := plan.Targeting()
	if err != nil {
		return nil, web.Invalid(web.Field{Field: "targeting", Code: "form", Message: err.Error() + "."})
	}
	if targeting == "" {
		return o.with("targeting", nil)
	}
	return o.with("targeting", rawJSON(targeting))
}

// rawJSON is written as it is.
type rawJSON string

// MarshalJSON returns it.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// PatchFlag changes the simple things of a flag.
func (s *System) PatchFlag(ctx context.Context, key string, p Patch, version int, comment string) (Flag, error) {
	return s.change(ctx, key, edit{act: "changed", version: version, comment: comment, definition: func(_ Flag, d Definition) (string, error) { return p.apply(d) }})
}

// SetPlan gives a flag targeting made of rules.
func (s *System) SetPlan(ctx context.Context, key string, plan Plan, version int, comment string) (Flag, error) {
	return s.change(ctx, key, edit{act: "changed", version: version, comment: comment, definition: func(_ Flag, d Definition) (string, error) {
		o, err := withPlan(d.object, plan)
		if err != nil {
			return "", err
		}
		return o.compact()
	}})
}

// Settings are what of a definition is neither its state nor its targeting.
type Settings struct {
	Variants  []Variant
	Default   string
	Extension Extension // but for Killed and Bucketing, which stay
}

// SetSettings changes them.
func (s *System) SetSettings(ctx context.Context, key string, in Settings, version int, comment string) (Flag, error) {
	return s.change(ctx, key, edit{act: "changed", version: version, comment: comment, makes: version == NoVersion, definition: func(was Flag, d Definition) (string, error) {
		if was.Version == 0 {
			d.object = object{{"state", []byte(`"ENABLED"`)}}
		}
		return in.apply(d)
	}})
}

func (in Settings) apply(d Definition) (string, error) {
	variants := object{}
	var c web.Check
	for _, v := range in.Variants {
		c.Fault(bounded([]byte(v.Value), "variants") == nil && jsontext.Value(v.Value).IsValid(), "variants", "json", "The value of "+web.CleanText(v.Name, 100)+" is not JSON: text stands in double quotes.")
		c.Fault(variants.get(v.Name) == nil, "variants", "twice", web.CleanText(v.Name, 100)+" is named twice.")
		variants = append(variants, member{v.Name, []byte(v.Value)})
	}
	if err := c.Err(); err != nil {
		return "", err
	}
	x := in.Extension
	x.Killed, x.Bucketing = d.Extension.Killed, d.Extension.Bucketing
	o, err := d.withExtension(x)
	if err != nil {
		return "", err
	}
	if o, err = o.with("variants", variants); err != nil {
		return "", err
	}
	var def any
	if in.Default != "" {
		def = in.Default
	}
	if o, err = o.with("defaultVariant", def); err != nil {
		return "", err
	}
	return o.compact()
}

// Archive ends the evaluation of a flag that nothing needs. Its history stays.
func (s *System) Archive(ctx context.Context, key string, version int, comment string) (Flag, error) {
	return s.change(ctx, key, edit{act: "archived", version: version, comment: comment, definition: asIs, and: func(tx *store.Tx) error {
		return refuseNeeded(tx, node{ofFlag, key}, "This flag")
	}})
}

// Unarchive has an archived flag evaluated again.
func (s *System) Unarchive(ctx context.Context, key, comment string) (Flag, error) {
	return s.change(ctx, key, edit{act: "unarchived", version: AnyVersion, comment: comment, definition: func(was Flag, _ Definition) (string, error) {
		if was.State != Archived {
			return "", &web.Error{Status: 409, Code: "not_archived", Public: "This flag is not archived."}
		}
		return was.Definition, nil
	}})
}

func asIs(was Flag, _ Definition) (string, error) {
	if was.State == Archived {
		return "", errArchived
	}
	return was.Definition, nil
}

// Restore makes a flag what it was in an earlier version.
func (s *System) Restore(ctx context.Context, key string, number, version int, comment string) (Flag, error) {
	old, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Version, error) { return VersionOf(tx, key, number) })
	if err != nil {
		return Flag{}, err
	}
	return s.change(ctx, key, edit{act: "restored", version: version, comment: comment, details: map[string]any{"restored_version": number},
		definition: func(Flag, Definition) (string, error) { return old.Definition, nil }})
}

// KillFlag has a flag serve its off variant to everybody, or go by its rules again.
func (s *System) KillFlag(ctx context.Context, key string, killed bool, why string) (Flag, error) {
	var c web.Check
	why = checkWhy(&c, why)
	if err := c.Err(); err != nil {
		return Flag{}, err
	}
	action := actRevived
	if killed {
		action = actKilled
	}
	return s.change(ctx, key, edit{act: "changed", action: action, version: AnyVersion, comment: why, definition: func(_ Flag, d Definition) (string, error) {
		x := d.Extension
		x.Killed = killed
		o, err := d.withExtension(x)
		if err != nil {
			return "", err
		}
		return o.compact()
	}})
}

// refuseNeeded refuses to take away what others name.
func refuseNeeded(tx *store.Tx, what node, words string) error {
	needed, err := referencesTo(tx, what, 5)
	if err != nil || len(needed) == 0 {
		return err
	}
	names := ""
	for i, n := range needed {
		if i > 0 {
			names += ", "
		}
		names += n.String()
	}
	return &web.Error{Status: 409, Code: "needed", Public: words + " is needed by " + names + ". Change that first."}
}
