package audit

import (
	"context"
	"time"

	"seaworthy/app/glance"
	"seaworthy/store"
)

const glanceDays = 14

// Glance is the log on the console's home. Whether it is signed and verified is app's
// health to say, which asks the same for readyz.
func (s *System) Glance(_ context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Recording"}, Line: glance.NewLine("Events a day", tx.Now(), 24*time.Hour, glanceDays)}
	last, err := lastSeq(tx)
	if err != nil {
		return c, err
	}
	hours, err := Hours(tx, c.Line.From, "", actRefused)
	if err != nil {
		return c, err
	}
	day := tx.Now().Add(-24 * time.Hour)
	for _, h := range hours[""] {
		c.Line.Add(h.At, h.N)
	}
	c.Numbers = []glance.Number{{Label: "Events in 24 hours", N: hours[""].Since(day), Path: "/-/admin/audit"}, {Label: "In all", N: last, Path: "/-/admin/audit"},
		{Label: "Refused acts", N: hours[actRefused].Since(day), Path: "/-/admin/audit?action=" + string(actRefused)}}
	return c, nil
}
