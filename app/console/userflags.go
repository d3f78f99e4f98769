package console

import (
	"context"

	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

// maxOffered is how many flags a user's page offers to choose from; others can be
// typed.
const maxOffered = 500

// readFlags reads what flags the user gets whatever their rules say.
func (d *userData) readFlags(tx *store.Tx) (err error) {
	if d.Overrides, err = flags.OverridesOf(tx, d.ID, pageSize); err != nil {
		return err
	}
	all, err := flags.List(tx, flags.Filter{Limit: maxOffered})
	for _, f := range all {
		d.Flags = append(d.Flags, f.Key)
	}
	return err
}

// overrideUser gives a user a variant of a flag.
func (s *System) overrideUser(ctx context.Context, id string, in actInput) error {
	if in.Flag == "" {
		return web.Invalid(web.Field{Field: "flag", Code: "required", Message: "Name a flag."})
	}
	return s.Flags.SetOverride(ctx, in.Flag, id, in.Variant)
}
