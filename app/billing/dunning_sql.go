package billing

import (
	"strconv"

	"seaworthy/store"
)

const dunningColumns = `SELECT customer_id, org_id, invoice_id, subscription_id, state, amount, currency, hard, since, step, next_at, coalesce(paused_at, 0), coalesce(limited_at, 0) FROM billing_dunning `

func scanDunning(r store.Scanner) (d dunningRow, err error) {
	var since, next, paused, limited int64
	err = r.Scan(&d.customer, &d.org, &d.invoice, &d.subscription, &d.state, &d.amount, &d.currency, &d.hard, &since, &d.step, &next, &paused, &limited)
	d.since, d.next, d.paused, d.limited = at(since), at(next), at(paused), at(limited)
	return d, err
}

// dunningOf is what a customer is behind with; store.ErrNotFound for nothing.
func dunningOf(tx *store.Tx, customer string) (dunningRow, error) {
	return scanDunning(tx.QueryRow(dunningColumns+`WHERE customer_id = ?`, customer))
}

// dunningOfOrg is the same for the living customer of an org.
func dunningOfOrg(tx *store.Tx, org string) (dunningRow, error) {
	return scanDunning(tx.QueryRow(dunningColumns+`WHERE org_id = ? ORDER BY customer_id LIMIT 1`, org))
}

// dunningDue are the customers for whom a step is due.
func dunningDue(tx *store.Tx, now int64, limit int) ([]string, error) {
	return store.All(tx, text, `SELECT customer_id FROM billing_dunning WHERE next_at <= ? ORDER BY next_at LIMIT ?`, now, limit)
}

func upsertDunning(tx *store.Tx, d dunningRow) error {
	_, err := tx.Exec(`INSERT INTO billing_dunning (customer_id, org_id, invoice_id, subscription_id, state, amount, currency, hard, since, step, next_at, paused_at, limited_at, changed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (customer_id) DO UPDATE SET invoice_id = excluded.invoice_id, subscription_id = excluded.subscription_id,
		state = excluded.state, amount = excluded.amount, currency = excluded.currency, hard = excluded.hard, since = excluded.since, step = excluded.step, next_at = excluded.next_at,
		paused_at = excluded.paused_at, limited_at = excluded.limited_at, changed_at = excluded.changed_at`,
		d.customer, d.org, d.invoice, d.subscription, string(d.state), d.amount, d.currency, flag(d.hard), d.since.UnixMilli(), d.step, d.next.UnixMilli(), ms(d.paused), ms(d.limited), tx.Now().UnixMilli())
	return err
}

func subByID(tx *store.Tx, id string) (subRow, error) {
	return scanSub(tx.QueryRow(subColumns+`WHERE id = ?`, id))
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
