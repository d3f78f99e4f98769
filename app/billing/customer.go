package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/queue"
	"seaworthy/store"
)

// customerRow is a row of billing_customer.
type customerRow struct {
	id, org, currency, method string
	balance                   int64
	applied                   int64     // number of the newest fetch that was taken
	fetched                   time.Time // when it began; zero: never
	deleted                   time.Time
}

const customerColumns = `SELECT id, org_id, currency, default_method, balance, fetch_applied, coalesce(fetch_started_at, 0), coalesce(deleted_at, 0) FROM billing_customer `

func scanCustomer(r store.Scanner) (c customerRow, err error) {
	var fetched, deleted int64
	err = r.Scan(&c.id, &c.org, &c.currency, &c.method, &c.balance, &c.applied, &fetched, &deleted)
	c.fetched, c.deleted = at(fetched), at(deleted)
	return c, err
}

func customerByID(tx *store.Tx, id string) (customerRow, error) {
	return scanCustomer(tx.QueryRow(customerColumns+`WHERE id = ?`, id))
}

// customerOf is the living customer of an org; store.ErrNotFound for none.
func customerOf(tx *store.Tx, org string) (customerRow, error) {
	return scanCustomer(tx.QueryRow(customerColumns+`WHERE org_id = ? AND deleted_at IS NULL`, org))
}

// orgKey is where Stripe keeps which org a customer belongs to, in his metadata.
const orgKey = "seaworthy_org"

// link binds a customer at Stripe to an org. An org has one that lives.
func (s *System) link(tx *store.Tx, id, org string) error {
	_, err := tx.Exec(`INSERT INTO billing_customer (id, org_id, currency, balance, default_method, fetch_begun, fetch_applied, created_at)
		VALUES (?, ?, '', 0, '', 0, 0, ?)`, id, org, tx.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", id, org, err)
	}
	if err := clearAlarm(tx, alarmStranger, id); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actLinked, Org: org, Targets: targets(org, id)})
}

// targets are an org and things of Stripe's, as the audit log refers to them. All
// that befalls a customer refers to him, which makes his timeline.
func targets(org, customer string, more ...audit.Ref) []audit.Ref {
	return append([]audit.Ref{{Type: "customer", ID: customer}, {Type: "org", ID: org}}, more...)
}

// takeFetch marks a fetch as the newest whose answer is taken, and reports false for
// one that is older than what was taken already: two workers may have asked at once.
func takeFetch(tx *store.Tx, id string, snap *snapshot) (bool, error) {
	n, err := tx.Exec(`UPDATE billing_customer SET fetch_applied = ?, fetch_started_at = ? WHERE id = ? AND fetch_applied < ?`, snap.no, snap.began.UnixMilli(), id, snap.no)
	return n == 1, err
}

// applyCustomer takes over what is said of the customer himself.
func (s *System) applyCustomer(tx *store.Tx, old customerRow, c *stripe.Customer) error {
	method := ""
	if i := c.InvoiceSettings; i != nil && i.DefaultPaymentMethod != nil {
		method = i.DefaultPaymentMethod.ID
	}
	currency := string(c.Currency)
	if currency == "" {
		currency = old.currency
	}
	if old.currency == currency && old.balance == c.Balance && old.method == method {
		return nil
	}
	if err := tx.ExecOne(`UPDATE billing_customer SET currency = ?, balance = ?, default_method = ? WHERE id = ?`, currency, c.Balance, method, old.id); err != nil {
		return err
	}
	if old.method == method || method == "" && old.applied == 0 {
		return nil
	}
	if _, err := dunningOf(tx, old.id); err == nil && method != "" {
		if _, err := queue.Enqueue(tx, PayOpen{Customer: old.id, Method: method}, queue.Key("billing:"+old.id, 1)); err != nil {
			return err
		}
	} else if !isNotFound(err) && err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actMethod, Org: old.org, Targets: targets(old.org, old.id),
		Changes: map[string]audit.Change{"default": {From: old.method, To: method}}})
}

// unlink keeps the history of a customer who is gone at Stripe and ends what he had.
func (s *System) unlink(tx *store.Tx, c customerRow) error {
	if !c.deleted.IsZero() {
		return nil
	}
	if err := tx.ExecOne(`UPDATE billing_customer SET deleted_at = ? WHERE id = ?`, tx.Now().UnixMilli(), c.id); err != nil {
		return err
	}
	subs, err := subsOfCustomer(tx, c.id)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if !sub.state.lives() {
			continue
		}
		if err := s.endSub(tx, sub); err != nil {
			return err
		}
	}
	return s.Audit.Record(tx, audit.Event{Action: actUnlinked, Org: c.org, Targets: targets(c.org, c.id)})
}

// CustomerOf is the id at Stripe of the living customer of an org; store.ErrNotFound for none.
func (s *System) CustomerOf(ctx context.Context, org string) (string, error) {
	c, err := store.Read(ctx, s.DB, func(tx *store.Tx) (customerRow, error) { return customerOf(tx, org) })
	return c.id, err
}
