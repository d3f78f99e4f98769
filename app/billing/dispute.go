package billing

import (
	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// isDecided reports whether a dispute is over.
func isDecided(s stripe.DisputeStatus) bool {
	return s == stripe.DisputeStatusWon || s == stripe.DisputeStatusLost || s == stripe.DisputeStatusWarningClosed
}

// applyDisputes takes over disputes. One that is open is an alarm, and reminders
// pause (see dunning).
func (s *System) applyDisputes(tx *store.Tx, c customerRow, snap *snapshot) error {
	for _, d := range snap.disputes {
		var was string
		var wasOpen int
		err := tx.QueryRow(`SELECT status, open FROM billing_dispute WHERE id = ?`, d.ID).Scan(&was, &wasOpen)
		if err != nil && !isNotFound(err) {
			return err
		}
		if was == string(d.Status) {
			continue
		}
		if err := s.keepDispute(tx, c, d); err != nil {
			return err
		}
		over := isDecided(d.Status)
		event := audit.Event{Org: c.org, Targets: targets(c.org, c.id, audit.Ref{Type: "dispute", ID: d.ID}),
			Details: map[string]any{"amount": d.Amount, "currency": string(d.Currency), "reason": string(d.Reason), "status": string(d.Status)}}
		switch {
		case over:
			event.Action = actDisputeClosed
			if err := clearAlarm(tx, alarmDispute, d.ID); err != nil {
				return err
			}
		case was == "":
			event.Action = actDisputed
			about := "A customer's bank asks for " + Money(d.Amount, string(d.Currency)) + " back. Answer at Stripe before the time is over."
			if err := raise(tx, alarm{Kind: alarmDispute, Object: d.ID, About: about, Org: c.org}); err != nil {
				return err
			}
		default:
			continue
		}
		if err := s.Audit.Record(tx, event); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) keepDispute(tx *store.Tx, c customerRow, d *stripe.Dispute) error {
	var due, closed int64
	if d.EvidenceDetails != nil {
		due = secs(d.EvidenceDetails.DueBy)
	}
	if isDecided(d.Status) {
		closed = tx.Now().UnixMilli()
	}
	of := ""
	if d.Charge != nil {
		of = d.Charge.ID
	}
	_, err := tx.Exec(`INSERT INTO billing_dispute (id, customer_id, org_id, charge_id, amount, currency, status, open, reason, due_at, created_at, closed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status, open = excluded.open, due_at = excluded.due_at, closed_at = excluded.closed_at`,
		d.ID, c.id, c.org, of, d.Amount, string(d.Currency), string(d.Status), flag(!isDecided(d.Status)), string(d.Reason), orNull(due), secs(d.Created), orNull(closed))
	return err
}

// applyRefunds takes over the refunds of a charge.
func (s *System) applyRefunds(tx *store.Tx, c customerRow, snap *snapshot) error {
	for _, ch := range snap.charges {
		if ch.Refunds == nil {
			continue
		}
		of := ""
		if ch.Invoice != nil {
			of = ch.Invoice.ID
		}
		for _, r := range ch.Refunds.Data {
			var was string
			err := tx.QueryRow(`SELECT status FROM billing_refund WHERE id = ?`, r.ID).Scan(&was)
			if err != nil && !isNotFound(err) {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO billing_refund (id, customer_id, org_id, charge_id, invoice_id, amount, currency, status, reason, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (id) DO UPDATE SET status = excluded.status`, r.ID, c.id, c.org, ch.ID, of, r.Amount, string(r.Currency), string(r.Status), string(r.Reason), secs(r.Created)); err != nil {
				return err
			}
			// One that was seen on its way has arrived now, however long its bank took.
			if was == string(r.Status) || r.Status != stripe.RefundStatusSucceeded || was == "" && !s.isFresh(tx, secs(r.Created)) {
				continue
			}
			if err := s.Audit.Record(tx, audit.Event{Action: actRefunded, Org: c.org, Targets: targets(c.org, c.id, audit.Ref{Type: "refund", ID: r.ID}),
				Details: map[string]any{"amount": r.Amount, "currency": string(r.Currency)}}); err != nil {
				return err
			}
			if err := s.notify(tx, notice{key: "refund:" + r.ID, template: "billing/refunded", customer: c.id, org: c.org, object: r.ID, details: refundOf(r, ch)}); err != nil {
				return err
			}
		}
	}
	return nil
}
