package billing

import (
	"errors"

	"seaworthy/store"
)

// total is how many subscriptions of a state and currency there are, and what they bring in a
// month. It is kept with each change of one, so that nobody adds up all of them for a page.
type total struct {
	state      State
	currency   string
	n, monthly int64
}

// brings is what a subscription brings now. A trial brings nothing yet, and a pause nothing
// meanwhile, but for one that is collected later.
func (s subRow) brings() int64 {
	if s.status == "trialing" || s.pause != "" && s.pause != pauseDraft {
		return 0
	}
	return s.monthly
}

// recount moves a subscription that is about to be stored from what it counted as to what it
// counts as then.
func recount(tx *store.Tx, now subRow) error {
	var was subRow
	err := tx.QueryRow(`SELECT state, currency, status, pause_behavior, monthly FROM billing_subscription WHERE id = ?`, now.id).
		Scan(&was.state, &was.currency, &was.status, &was.pause, &was.monthly)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return addTotal(tx, now, 1)
	case err != nil:
		return err
	case was.state == now.state && was.currency == now.currency && was.brings() == now.brings():
		return nil
	}
	if err := addTotal(tx, was, -1); err != nil {
		return err
	}
	return addTotal(tx, now, 1)
}

func addTotal(tx *store.Tx, s subRow, n int64) error {
	_, err := tx.Exec(`INSERT INTO billing_total (state, currency, n, monthly) VALUES (?, ?, ?, ?)
		ON CONFLICT (state, currency) DO UPDATE SET n = billing_total.n + excluded.n, monthly = billing_total.monthly + excluded.monthly`,
		string(s.state), s.currency, n, n*s.brings())
	return err
}

// mostTotals bounds what totalsOf reads: states times currencies.
const mostTotals = 1000

func totalsOf(tx *store.Tx) ([]total, error) {
	return store.All(tx, func(r store.Scanner) (t total, err error) { return t, r.Scan(&t.state, &t.currency, &t.n, &t.monthly) },
		`SELECT state, currency, n, monthly FROM billing_total WHERE n > 0 ORDER BY state, currency LIMIT ?`, mostTotals)
}
