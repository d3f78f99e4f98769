package billing

import (
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// invoiceRow is a row of billing_invoice. It can be compared.
type invoiceRow struct {
	id, customer, org, subscription, number, status, reason, currency string
	total, tax, due, paid, remaining, attempts                        int64
	nextAttempt                                                       int64
	action, decline, hosted, pdf                                      string
	created, finalized, dueAt, paidAt                                 int64
	discount                                                          int64
}

func invoiceRowOf(i *stripe.Invoice, customer, org string) invoiceRow {
	row := invoiceRow{id: i.ID, customer: customer, org: org, number: i.Number, status: string(i.Status), reason: string(i.BillingReason), currency: string(i.Currency),
		total: i.Total, tax: i.Tax, due: i.AmountDue, paid: i.AmountPaid, remaining: i.AmountRemaining, attempts: i.AttemptCount, nextAttempt: secs(i.NextPaymentAttempt),
		hosted: i.HostedInvoiceURL, pdf: i.InvoicePDF, created: secs(i.Created), dueAt: secs(i.DueDate)}
	for _, d := range i.TotalDiscountAmounts {
		row.discount += d.Amount
	}
	if i.Subscription != nil {
		row.subscription = i.Subscription.ID
	}
	if t := i.StatusTransitions; t != nil {
		row.finalized, row.paidAt = secs(t.FinalizedAt), secs(t.PaidAt)
	}
	if p := i.PaymentIntent; p != nil && row.status == "open" {
		if p.Status == stripe.PaymentIntentStatusRequiresAction {
			row.action = string(p.Status)
		}
		if e := p.LastPaymentError; e != nil {
			row.decline = string(e.DeclineCode)
			if row.decline == "" {
				row.decline = string(e.Code)
			}
		}
	}
	return row
}

// off is what was taken off, for people; "" for nothing.
func (i invoiceRow) off() string {
	if i.discount == 0 {
		return ""
	}
	return Money(i.discount, i.currency)
}

// overdue reports whether an invoice is one that was to be paid and was not: a try
// to collect it failed, or it was sent and its day is past.
func (i invoiceRow) overdue(now time.Time) bool {
	if i.status != "open" || i.remaining <= 0 {
		return false
	}
	return i.attempts > 0 || i.dueAt > 0 && i.dueAt <= now.UnixMilli()
}

// since is the day from which an overdue invoice's days are counted.
func (i invoiceRow) since() int64 {
	switch {
	case i.dueAt > 0:
		return i.dueAt
	case i.finalized > 0:
		return i.finalized
	}
	return i.created
}

// hardDeclines are those after which Stripe does not try the same card again (Stripe
// docs, "Decline codes"), so that waiting for the next try would be waiting in vain.
var hardDeclines = map[string]bool{"lost_card": true, "stolen_card": true, "pickup_card": true, "expired_card": true, "incorrect_number": true, "invalid_account": true,
	"invalid_number": true, "invalid_expiry_month": true, "invalid_expiry_year": true, "do_not_honor_hard": true, "restricted_card": true, "revocation_of_all_authorizations": true,
	"revocation_of_authorization": true, "authentication_required": true, "highest_risk_level": true, "transaction_not_allowed": true}

// hard reports whether only a person can help: the bank asks for him, the card is
// gone, or nothing will be tried again.
func (i invoiceRow) hard() bool {
	return i.action != "" || hardDeclines[i.decline] || i.attempts > 0 && i.nextAttempt == 0
}

const invoiceColumns = `SELECT id, customer_id, org_id, subscription_id, number, status, reason, currency, total, tax, amount_due, amount_paid, amount_remaining, attempts,
	coalesce(next_attempt_at, 0), action, decline, hosted_url, pdf_url, created_at, coalesce(finalized_at, 0), coalesce(due_at, 0), coalesce(paid_at, 0), discount FROM billing_invoice `

func scanInvoice(r store.Scanner) (i invoiceRow, err error) {
	err = r.Scan(&i.id, &i.customer, &i.org, &i.subscription, &i.number, &i.status, &i.reason, &i.currency, &i.total, &i.tax, &i.due, &i.paid, &i.remaining, &i.attempts,
		&i.nextAttempt, &i.action, &i.decline, &i.hosted, &i.pdf, &i.created, &i.finalized, &i.dueAt, &i.paidAt, &i.discount)
	return i, err
}

func invoiceByID(tx *store.Tx, id string) (invoiceRow, error) {
	return scanInvoice(tx.QueryRow(invoiceColumns+`WHERE id = ?`, id))
}

func openInvoices(tx *store.Tx, customer string) ([]invoiceRow, error) {
	return store.All(tx, scanInvoice, invoiceColumns+`WHERE customer_id = ? AND status = 'open' ORDER BY created_at`, customer)
}

func upsertInvoice(tx *store.Tx, i invoiceRow) error {
	_, err := tx.Exec(`INSERT INTO billing_invoice (id, customer_id, org_id, subscription_id, number, status, reason, currency, total, tax, amount_due, amount_paid, amount_remaining, attempts,
		next_attempt_at, action, decline, hosted_url, pdf_url, created_at, finalized_at, due_at, paid_at, discount) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET subscription_id = excluded.subscription_id, number = excluded.number, status = excluded.status, reason = excluded.reason, total = excluded.total,
		tax = excluded.tax, amount_due = excluded.amount_due, amount_paid = excluded.amount_paid, amount_remaining = excluded.amount_remaining, attempts = excluded.attempts,
		next_attempt_at = excluded.next_attempt_at, action = excluded.action, decline = excluded.decline, hosted_url = excluded.hosted_url, pdf_url = excluded.pdf_url,
		finalized_at = excluded.finalized_at, due_at = excluded.due_at, paid_at = excluded.paid_at, discount = excluded.discount`,
		i.id, i.customer, i.org, i.subscription, i.number, i.status, i.reason, i.currency, i.total, i.tax, i.due, i.paid, i.remaining, i.attempts,
		orNull(i.nextAttempt), i.action, i.decline, i.hosted, i.pdf, i.created, orNull(i.finalized), orNull(i.dueAt), orNull(i.paidAt), i.discount)
	return err
}

// fresh is how long after it happened people are still told of something: after a
// long outage, a restore or a late delivery nobody wants last week's mails.
const fresh = 48 * time.Hour

func (s *System) isFresh(tx *store.Tx, happened int64) bool {
	return happened > 0 && s.now(tx).Sub(at(happened)) <= fresh
}

// applyInvoices takes over invoices, and says what became of them.
func (s *System) applyInvoices(tx *store.Tx, c customerRow, snap *snapshot) (changed []string, err error) {
	for _, i := range snap.invoices {
		row := invoiceRowOf(i, c.id, c.org)
		old, err := invoiceByID(tx, row.id)
		if err != nil && !isNotFound(err) {
			return changed, err
		}
		if old == row {
			continue
		}
		if err := upsertInvoice(tx, row); err != nil {
			return changed, err
		}
		changed = append(changed, row.id)
		if err := s.recordInvoice(tx, old, row, i); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// recordInvoice says what the change from old to now is, once: an invoice that is
// seen for the first time tells only what happened lately.
func (s *System) recordInvoice(tx *store.Tx, old, now invoiceRow, i *stripe.Invoice) error {
	event := audit.Event{Org: now.org, Targets: targets(now.org, now.customer, audit.Ref{Type: "invoice", ID: now.id}),
		Details: map[string]any{"number": now.number, "amount": now.total, "currency": now.currency}}
	known := old.id != ""
	switch {
	case now.status == "paid" && old.status != "paid":
		if !known && !s.isFresh(tx, now.paidAt) {
			return nil
		}
		event.Action = actPaid
		if err := s.Audit.Record(tx, event); err != nil || now.paid <= 0 || !s.isFresh(tx, now.paidAt) {
			return err
		}
		return s.notify(tx, notice{key: "receipt:" + now.id, template: "billing/receipt", customer: now.customer, org: now.org, object: now.id, details: receiptOf(now, i)})
	case now.status == "open" && now.action != "" && old.action == "":
		event.Action = actAction
		return s.Audit.Record(tx, event)
	case now.status == "open" && now.attempts > old.attempts && (known || s.isFresh(tx, now.since())):
		event.Action, event.Details["attempt"] = actFailed, now.attempts
		if now.decline != "" {
			event.Details["decline"] = now.decline
		}
		return s.Audit.Record(tx, event)
	case known && old.status == "open" && (now.status == "void" || now.status == "uncollectible"):
		event.Action, event.Details["status"] = actWrittenOff, now.status
		return s.Audit.Record(tx, event)
	}
	return nil
}
