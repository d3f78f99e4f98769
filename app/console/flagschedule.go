package console

import (
	"context"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/flags"
	"seaworthy/app/web"
)

// dueForm is how browsers send a time that was picked, in UTC as the form says.
const dueForm = "2006-01-02T15:04"

// scheduleFlag plans what a person chose: on, off, or a share for one variant.
func (s *System) scheduleFlag(ctx context.Context, key string, in flagInput) error {
	due, err := time.Parse(dueForm, strings.TrimSpace(in.Due))
	if err != nil {
		return web.Invalid(web.Field{Field: "due_at", Code: "time", Message: "A day and a time such as 2026-12-31T09:00."})
	}
	var p flags.Patch
	switch in.What {
	case "on", "off":
		state := map[string]string{"on": "ENABLED", "off": "DISABLED"}[in.What]
		p.State = &state
	case "rollout":
		if p.Rollout, err = s.plannedRollout(ctx, key, in); err != nil {
			return err
		}
	default:
		return web.Invalid(web.Field{Field: "what", Code: "unknown", Message: "Choose what is to happen."})
	}
	_, err = s.Flags.Schedule(ctx, key, p, due, in.Comment)
	return err
}

// plannedRollout gives a variant a percentage and leaves the rest to the last of the
// buckets there are, so that whoever has the variant keeps it.
func (s *System) plannedRollout(ctx context.Context, key string, in flagInput) (*flags.Split, error) {
	percent, err := strconv.Atoi(strings.TrimSpace(in.Percent))
	if err != nil || percent < 0 || percent > 100 {
		return nil, web.Invalid(web.Field{Field: "percent", Code: "range", Message: "A whole number from 0 to 100."})
	}
	f, err := s.Flags.Flag(ctx, key)
	if err != nil {
		return nil, err
	}
	d, _ := flags.ReadDefinition(f.Definition)
	plan, ok := flags.ReadPlan(d.Targeting)
	if !ok {
		return nil, web.Invalid(web.Field{Field: "what", Code: "no_words", Message: "This flag’s targeting is JSON: its rollout can only be changed there."})
	}
	rows := sharesOf(d, plan.Else)
	if len(rows) < 2 || !d.Has(in.Variant) {
		return nil, web.Invalid(web.Field{Field: "variant", Code: "unknown", Message: "This is none of the flag’s variants."})
	}
	rest := rows[len(rows)-1].Variant
	if rest == in.Variant {
		rest = rows[0].Variant
	}
	split := flags.Split{By: plan.Else.By}
	for _, row := range rows {
		n := 0
		switch row.Variant {
		case in.Variant:
			n = percent
		case rest:
			n = 100 - percent
		}
		split.Shares = append(split.Shares, flags.SplitShare{Variant: row.Variant, Weight: n})
	}
	return &split, nil
}
