package billing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/glance"
	"seaworthy/store"
)

// glanceDays is how far back the line goes.
const glanceDays = 14

// mostOwing bounds how many overdue customers are counted for the card.
const mostOwing = 1000

// Glance is billing on the console's home.
func (s *System) Glance(_ context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Connected"}}
	if !s.On() {
		c.State = glance.State{Kind: glance.Quiet, Word: "Off", Detail: "Stripe is not connected: nothing is sold, and everything is open."}
	}
	totals, err := totalsOf(tx)
	if err != nil {
		return c, err
	}
	c.Numbers = numbers(totals)
	owing, since, err := owes(tx)
	if err != nil {
		return c, err
	}
	overdue := glance.Number{Label: "Overdue", N: owing, AtLeast: owing >= mostOwing, Path: "/-/admin/billing"}
	if owing > 0 {
		overdue.Kind = glance.Warn
		c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Overdue", Detail: "Payments are behind; reminders go out by the calendar."})
		c.Needs = append(c.Needs, glance.Need{Key: "overdue", Kind: glance.Warn, Text: customers(owing) + " behind with a payment.", Since: since, Path: "/-/admin/billing"})
	}
	c.Numbers = append(c.Numbers, overdue)
	alarms, err := openAlarms(tx)
	if err != nil {
		return c, err
	}
	for _, a := range alarms {
		c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Needs a look", Detail: a.About})
		c.Needs = append(c.Needs, glance.Need{Key: "billing " + a.key(), Kind: glance.Warn, Text: a.About, Since: a.First, Path: "/-/admin/billing"})
	}
	paid, err := audit.Hours(tx, tx.Now().AddDate(0, 0, -glanceDays), actPaid)
	c.Line = glance.NewLine("Payments a day", tx.Now(), 24*time.Hour, glanceDays)
	for _, h := range paid[actPaid] {
		c.Line.Add(h.At, h.N)
	}
	return c, err
}

// numbers are what comes in a month, in the currency that brings the most, and how many pay
// or try.
func numbers(totals []total) []glance.Number {
	monthly, active := map[string]int64{}, int64(0)
	for _, t := range totals {
		if t.state.lives() {
			monthly[t.currency] += t.monthly
			active += t.n
		}
	}
	best := ""
	for currency, n := range monthly {
		if best == "" || n > monthly[best] || n == monthly[best] && currency < best {
			best = currency
		}
	}
	brings := glance.Number{Label: "A month", Money: "0", Path: "/-/admin/billing"}
	if best != "" {
		brings = glance.Number{Label: "A month", N: monthly[best], Unit: glance.Unit(strings.ToLower(best)), Money: Money(monthly[best], best), Path: "/-/admin/billing"}
	}
	return []glance.Number{brings, {Label: "Subscriptions", N: active, Path: "/-/admin/billing"}}
}

// owes counts those who are behind, up to mostOwing, and says since when the first is.
func owes(tx *store.Tx) (n int64, since time.Time, err error) {
	var first int64
	err = tx.QueryRow(`SELECT coalesce(min(since), 0), coalesce(sum(one), 0) FROM (SELECT since, 1 AS one FROM billing_dunning WHERE next_at >= 0 ORDER BY next_at LIMIT ?)`, mostOwing).Scan(&first, &n)
	return n, at(first), err
}

func customers(n int64) string {
	if n == 1 {
		return "1 customer is"
	}
	return fmt.Sprintf("%s customers are", glance.Grouped(n))
}
