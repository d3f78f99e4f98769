package billing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/store"
)

// snapshot is what Stripe holds of a customer, as one fetch found it.
type snapshot struct {
	no       int64 // of the fetch; see billing_customer.fetch_begun
	began    time.Time
	customer *stripe.Customer // nil: he is deleted
	subs     []*stripe.Subscription
	invoices []*stripe.Invoice // the newest hundred, and all that are open, here or there
	disputes []*stripe.Dispute
	charges  []*stripe.Charge // whose refunds are looked at
}

// begin notes that a fetch begins, before anything is asked. The number orders
// fetches without a clock: whatever was stored of the customer before, is covered by
// this fetch and needs none of its own.
func (s *System) begin(ctx context.Context, customer string) (snap snapshot, err error) {
	return store.Write(ctx, s.DB, func(tx *store.Tx) (snapshot, error) { return beginIn(tx, customer) })
}

func beginIn(tx *store.Tx, customer string) (snap snapshot, err error) {
	no, err := beginFetch(tx, customer)
	if err != nil {
		return snapshot{}, fmt.Errorf("begin to fetch %s: %w", customer, err)
	}
	// What happened to a charge is a fact that a fetch of the customer does not show:
	// refunds and disputes are looked at one by one.
	_, err = tx.Exec(`UPDATE billing_event SET fetch_no = ? WHERE customer_id = ? AND state = 'queued' AND type NOT LIKE 'charge.%'`, no, customer)
	return snapshot{no: no, began: tx.Now()}, err
}

func beginFetch(tx *store.Tx, customer string) (no int64, err error) {
	if err = tx.ExecOne(`UPDATE billing_customer SET fetch_begun = fetch_begun + 1 WHERE id = ?`, customer); err == nil {
		err = tx.QueryRow(`SELECT fetch_begun FROM billing_customer WHERE id = ?`, customer).Scan(&no)
	}
	return no, err
}

// extra is what a fetch looks at besides, because an event was about it.
type extra struct{ dispute, charge string }

// fetch asks Stripe for all of a customer. A fetch that fails leaves things as they are.
func (s *System) fetch(ctx context.Context, customer string, with extra) (snap snapshot, err error) {
	if snap, err = s.begin(ctx, customer); err != nil {
		return snap, err
	}
	s.counts.add("fetch", "begun")
	p := &stripe.CustomerParams{Params: reading(ctx, "invoice_settings.default_payment_method")}
	switch c, err := s.client.customers.Get(customer, p); {
	case isMissing(err):
		return snap, s.missing(ctx, customer)
	case err == nil && c.Deleted:
		return snap, nil
	case err != nil:
		return snap, fmt.Errorf("customer: %w", err)
	default:
		snap.customer = c
	}
	if snap.subs, err = s.fetchSubscriptions(ctx, customer); err != nil {
		return snap, fmt.Errorf("subscriptions: %w", err)
	}
	if snap.invoices, err = s.fetchInvoices(ctx, customer); err != nil {
		return snap, fmt.Errorf("invoices: %w", err)
	}
	if err := s.fetchLeftOpen(ctx, customer, &snap); err != nil {
		return snap, fmt.Errorf("open invoices: %w", err)
	}
	return snap, s.fetchExtra(ctx, customer, with, &snap)
}

// fetchSubscriptions lists all, ended ones too: the precedence among several is ours.
func (s *System) fetchSubscriptions(ctx context.Context, customer string) (all []*stripe.Subscription, err error) {
	p := &stripe.SubscriptionListParams{Customer: stripe.String(customer), Status: stripe.String("all")}
	p.Context, p.Limit = ctx, stripe.Int64(100)
	p.AddExpand("data.default_payment_method")
	p.AddExpand("data.schedule")
	list := s.client.subscriptions.List(p)
	for list.Next() {
		all = append(all, list.Subscription())
	}
	return all, list.Err()
}

// fetchInvoices lists the newest hundred, and those that are open beyond them.
func (s *System) fetchInvoices(ctx context.Context, customer string) (all []*stripe.Invoice, err error) {
	const page = 100
	p := &stripe.InvoiceListParams{Customer: stripe.String(customer)}
	p.Context, p.Limit, p.Single = ctx, stripe.Int64(page), true
	p.AddExpand("data.payment_intent")
	list := s.client.invoices.List(p)
	seen := map[string]bool{}
	for list.Next() {
		all = append(all, list.Invoice())
		seen[list.Invoice().ID] = true
	}
	if list.Err() != nil || len(all) < page {
		return all, list.Err()
	}
	open := *p
	open.Single, open.Status = false, stripe.String("open")
	list = s.client.invoices.List(&open)
	for list.Next() {
		if !seen[list.Invoice().ID] {
			all = append(all, list.Invoice())
		}
	}
	return all, list.Err()
}

// fetchLeftOpen looks at invoices that are open here and were not listed: one that is
// older than the newest hundred and was paid or voided is in neither list, and would be
// dunned for until its plan ends.
func (s *System) fetchLeftOpen(ctx context.Context, customer string, snap *snapshot) error {
	open, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]invoiceRow, error) { return openInvoices(tx, customer) })
	if err != nil {
		return err
	}
	for _, row := range open {
		if slices.ContainsFunc(snap.invoices, func(i *stripe.Invoice) bool { return i.ID == row.id }) {
			continue
		}
		i, err := s.client.invoices.Get(row.id, &stripe.InvoiceParams{Params: reading(ctx, "payment_intent")})
		if isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		snap.invoices = append(snap.invoices, i)
	}
	return nil
}

// fetchExtra looks at disputes that are open here, because nothing of the customer
// tells of their end, and at what the event was about.
func (s *System) fetchExtra(ctx context.Context, customer string, with extra, snap *snapshot) error {
	ids, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]string, error) { return openDisputes(tx, customer) })
	if err != nil {
		return err
	}
	if with.dispute != "" && !slices.Contains(ids, with.dispute) {
		ids = append(ids, with.dispute)
	}
	for _, id := range ids {
		d, err := s.client.disputes.Get(id, &stripe.DisputeParams{Params: reading(ctx, "charge")})
		if err != nil && !isMissing(err) {
			return fmt.Errorf("dispute: %w", err)
		}
		if err == nil {
			snap.disputes = append(snap.disputes, d)
		}
	}
	if with.charge == "" {
		return nil
	}
	c, err := s.client.charges.Get(with.charge, &stripe.ChargeParams{Params: reading(ctx, "refunds")})
	if err != nil && !isMissing(err) {
		return fmt.Errorf("charge: %w", err)
	}
	if err == nil {
		snap.charges = append(snap.charges, c)
	}
	return nil
}

func openDisputes(tx *store.Tx, customer string) ([]string, error) {
	return store.All(tx, text, `SELECT id FROM billing_dispute WHERE customer_id = ? AND open = 1 ORDER BY id`, customer)
}

func text(r store.Scanner) (s string, err error) { return s, r.Scan(&s) }
