package flags

import (
	"seaworthy/app/audit"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// Checks are what must be so of flags: the first try of the kill switch must not be on
// the day on which it is needed.
func Checks(tx *store.Tx) ([]launch.Check, error) {
	c := launch.Check{Key: "flags.kill", System: "flags", Title: "The kill switch was tried once", Link: "/-/admin/flags/-/kill",
		Why: "In the night in which it is needed nobody should wonder what it does, or find that the app does not listen.",
		Fix: "Kill one flag, or all of a tag, look that your app falls back as it should, and lift it again."}
	one, err := audit.LastAt(tx, actKilled)
	if err != nil {
		return nil, err
	}
	many, err := audit.LastAt(tx, actKillSet)
	if err != nil {
		return nil, err
	}
	if many.After(one) {
		one = many
	}
	return []launch.Check{c.Holds(!one.IsZero(), "Last used on "+one.Format("2 Jan 2006")+".", "It was never used.")}, nil
}
