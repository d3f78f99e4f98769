package auth

import (
	"context"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/glance"
	"seaworthy/store"
)

// glanceDays is how far back the line goes.
const glanceDays = 14

// Glance is people on the console's home.
func (s *System) Glance(_ context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Open"}, Line: glance.NewLine("Sign-ups a day", tx.Now(), 24*time.Hour, glanceDays)}
	day := tx.Now().Add(-24 * time.Hour)
	hours, err := audit.Hours(tx, c.Line.From, actSignedUp, actSignedIn, actSignInRefused, actFlood, actSpraying)
	if err != nil {
		return c, err
	}
	for _, h := range hours[actSignedUp] {
		c.Line.Add(h.At, h.N)
	}
	refused := glance.Number{Label: "Refused", N: hours[actSignInRefused].Since(day), Path: "/-/admin/audit?action=" + string(actSignInRefused)}
	if slowed := hours[actFlood].Since(day) + hours[actSpraying].Since(day); slowed > 0 {
		refused.Kind = glance.Warn
		c.State = glance.State{Kind: glance.Warn, Word: "Guessing", Detail: "Somebody tries many passwords; those sign-ins are slowed down."}
		c.Needs = append(c.Needs, glance.Need{Key: "guessing", Kind: glance.Warn, Text: "Somebody tries many passwords. The sign-ins are slowed down; nobody else is.",
			Since: append(hours[actFlood], hours[actSpraying]...).First(day), Path: "/-/admin/audit?action=" + string(actSignInRefused)})
	}
	c.Numbers = []glance.Number{{Label: "Sign-ups in 24 hours", N: hours[actSignedUp].Since(day), Path: "/-/admin/users"},
		{Label: "Sign-ins", N: hours[actSignedIn].Since(day), Path: "/-/admin/audit?action=" + string(actSignedIn)}, refused}
	return c, nil
}
