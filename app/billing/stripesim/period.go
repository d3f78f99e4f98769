package stripesim

import (
	"math/big"
	"time"
)

// addMonths is the same day n months later, or the last of a month that is too short:
// the day of the anchor comes back in longer ones
// (docs.stripe.com/billing/subscriptions/billing-cycle).
func addMonths(t time.Time, n, day int) time.Time {
	t = t.UTC()
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day, last)-1)
}

// periodEnd is when a period that begins at start ends. The day of a month is that of the
// anchor, not of start: who began on the 31st is billed on the 28th of February and on the
// 31st of March.
func periodEnd(start, anchor int64, recurring object) int64 {
	t, n := time.Unix(start, 0).UTC(), int(max(1, recurring.num("interval_count")))
	day := time.Unix(anchor, 0).UTC().Day()
	switch recurring.str("interval") {
	case "day":
		return t.AddDate(0, 0, n).Unix()
	case "week":
		return t.AddDate(0, 0, 7*n).Unix()
	case "year":
		return addMonths(t, 12*n, day).Unix()
	}
	return addMonths(t, n, day).Unix()
}

// prorate is what is left of an amount at t, in whole seconds: one rounding a line,
// after the quantity is in, to the nearest (spec/billing.md, section 4, which infers it
// from invoices of the real one). The product of a large amount and the seconds of a year
// is more than an int64 holds.
func prorate(unit, quantity, start, end, t int64) int64 {
	if end <= start {
		return 0
	}
	whole := new(big.Int).Mul(big.NewInt(unit*quantity), big.NewInt(2*(end-t)))
	whole.Add(whole, big.NewInt(int64(whole.Sign())*(end-start))) // halves go away from zero
	return whole.Quo(whole, big.NewInt(2*(end-start))).Int64()
}
