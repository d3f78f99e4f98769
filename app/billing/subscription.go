package billing

import (
	"github.com/stripe/stripe-go/v76"

	"seaworthy/store"
)

// subRow is a row of billing_subscription. It can be compared.
type subRow struct {
	id, customer, org, status                string
	state                                    State
	currency, plan                           string
	planVersion                              int64
	cancelAtEnd                              bool
	cancelAt, canceledAt, endedAt            int64 // ms; 0 for none, as all times of rows
	periodStart, periodEnd, trialEnd         int64
	pause                                    string
	pauseResumes, pendingUntil               int64
	latestInvoice, defaultMethod, collection string
	monthly, started                         int64

	schedule, nextPrice string // what it becomes later; "" for nothing
	nextQuantity        int64
	nextAt              int64
	pauseFrom           int64 // when its pause begins to count; 0: it does not
	paused              bool  // it counts
	coupon, couponWords string
	couponUntil         int64
}

// over is a subscription that Stripe does not have any more, as it ended. What it was to
// become, and its pause, went with it.
func (s subRow) ended(at int64) subRow {
	s.state, s.status, s.endedAt = Canceled, string(stripe.SubscriptionStatusCanceled), at
	s.pause, s.pauseResumes, s.pauseFrom, s.paused = "", 0, 0, false
	s.schedule, s.nextPrice, s.nextQuantity, s.nextAt = "", "", 0, 0
	return s
}

// itemRow is a row of billing_item. It can be compared.
type itemRow struct {
	id, subscription, price, product string
	quantity, amount                 int64
	interval                         string
	count                            int64
	plan                             string
	planVersion                      int64
}

// secs is a time as Stripe sends it, as rows have it.
func secs(unix int64) int64 {
	if unix <= 0 {
		return 0
	}
	return unix * 1000
}

// subRowOf is a subscription as Stripe tells of it. Its plan is found by its items.
func subRowOf(s *stripe.Subscription, customer, org string, last State) (row subRow, items []itemRow, known bool) {
	row = subRow{id: s.ID, customer: customer, org: org, status: string(s.Status), currency: string(s.Currency), cancelAtEnd: s.CancelAtPeriodEnd,
		cancelAt: secs(s.CancelAt), canceledAt: secs(s.CanceledAt), endedAt: secs(s.EndedAt), periodStart: secs(s.CurrentPeriodStart), periodEnd: secs(s.CurrentPeriodEnd),
		trialEnd: secs(s.TrialEnd), collection: string(s.CollectionMethod), started: secs(s.StartDate)}
	row.state, known = stateOf(s.Status, last)
	if p := s.PauseCollection; p != nil {
		row.pause, row.pauseResumes = string(p.Behavior), secs(p.ResumesAt)
	}
	if s.PendingUpdate != nil {
		row.pendingUntil = secs(s.PendingUpdate.ExpiresAt)
	}
	if s.LatestInvoice != nil {
		row.latestInvoice = s.LatestInvoice.ID
	}
	if s.DefaultPaymentMethod != nil {
		row.defaultMethod = s.DefaultPaymentMethod.ID
	}
	row.readDiscount(s.Discount)
	if s.Items == nil {
		row.readSchedule(s.Schedule, nil)
		return row, nil, known
	}
	for _, it := range s.Items.Data {
		item := itemRow{id: it.ID, subscription: s.ID, quantity: it.Quantity}
		if p := it.Price; p != nil {
			item.price, item.amount = p.ID, p.UnitAmount
			if p.Product != nil {
				item.product = p.Product.ID
			}
			if p.Recurring != nil {
				item.interval, item.count = string(p.Recurring.Interval), p.Recurring.IntervalCount
			}
		}
		row.monthly += item.monthly()
		items = append(items, item)
	}
	row.readSchedule(s.Schedule, items)
	return row, items, known
}

// monthly is what an item brings in a month, rounded down: what a year brings is
// divided by twelve.
func (i itemRow) monthly() int64 {
	total, n := i.amount*i.quantity, max(i.count, 1)
	switch i.interval {
	case "day":
		return total * 365 / (12 * n)
	case "week":
		return total * 52 / (12 * n)
	case "year":
		return total / (12 * n)
	case "month":
		return total / n
	}
	return 0
}

const subColumns = `SELECT id, customer_id, org_id, status, state, currency, plan, plan_version, cancel_at_period_end, coalesce(cancel_at, 0), coalesce(canceled_at, 0), coalesce(ended_at, 0),
	period_start, period_end, coalesce(trial_end, 0), pause_behavior, coalesce(pause_resumes_at, 0), coalesce(pending_until, 0), latest_invoice, default_method, collection, monthly, started_at,
	schedule_id, next_price, next_quantity, coalesce(next_at, 0), coalesce(pause_from, 0), paused, coupon, coupon_words, coalesce(coupon_until, 0) FROM billing_subscription `

func scanSub(r store.Scanner) (s subRow, err error) {
	err = r.Scan(&s.id, &s.customer, &s.org, &s.status, &s.state, &s.currency, &s.plan, &s.planVersion, &s.cancelAtEnd, &s.cancelAt, &s.canceledAt, &s.endedAt,
		&s.periodStart, &s.periodEnd, &s.trialEnd, &s.pause, &s.pauseResumes, &s.pendingUntil, &s.latestInvoice, &s.defaultMethod, &s.collection, &s.monthly, &s.started,
		&s.schedule, &s.nextPrice, &s.nextQuantity, &s.nextAt, &s.pauseFrom, &s.paused, &s.coupon, &s.couponWords, &s.couponUntil)
	return s, err
}

func subsOfCustomer(tx *store.Tx, customer string) ([]subRow, error) {
	return store.All(tx, scanSub, subColumns+`WHERE customer_id = ? ORDER BY id`, customer)
}

func orNull(ms int64) any {
	if ms == 0 {
		return nil
	}
	return ms
}

func upsertSub(tx *store.Tx, s subRow) error {
	if err := recount(tx, s); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO billing_subscription (id, customer_id, org_id, status, state, currency, plan, plan_version, cancel_at_period_end, cancel_at, canceled_at, ended_at,
		period_start, period_end, trial_end, pause_behavior, pause_resumes_at, pending_until, latest_invoice, default_method, collection, monthly, started_at, changed_at,
		schedule_id, next_price, next_quantity, next_at, pause_from, paused, coupon, coupon_words, coupon_until)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, state = excluded.state, currency = excluded.currency, plan = excluded.plan, plan_version = excluded.plan_version,
		cancel_at_period_end = excluded.cancel_at_period_end, cancel_at = excluded.cancel_at, canceled_at = excluded.canceled_at, ended_at = excluded.ended_at,
		period_start = excluded.period_start, period_end = excluded.period_end, trial_end = excluded.trial_end, pause_behavior = excluded.pause_behavior,
		pause_resumes_at = excluded.pause_resumes_at, pending_until = excluded.pending_until, latest_invoice = excluded.latest_invoice, default_method = excluded.default_method,
		collection = excluded.collection, monthly = excluded.monthly, started_at = excluded.started_at, changed_at = excluded.changed_at,
		schedule_id = excluded.schedule_id, next_price = excluded.next_price, next_quantity = excluded.next_quantity, next_at = excluded.next_at, pause_from = excluded.pause_from,
		paused = excluded.paused, coupon = excluded.coupon, coupon_words = excluded.coupon_words, coupon_until = excluded.coupon_until`,
		s.id, s.customer, s.org, s.status, string(s.state), s.currency, s.plan, s.planVersion, flag(s.cancelAtEnd), orNull(s.cancelAt), orNull(s.canceledAt), orNull(s.endedAt),
		s.periodStart, s.periodEnd, orNull(s.trialEnd), s.pause, orNull(s.pauseResumes), orNull(s.pendingUntil), s.latestInvoice, s.defaultMethod, s.collection, s.monthly, s.started, tx.Now().UnixMilli(),
		s.schedule, s.nextPrice, s.nextQuantity, orNull(s.nextAt), orNull(s.pauseFrom), flag(s.paused), s.coupon, s.couponWords, orNull(s.couponUntil))
	return err
}

const itemColumns = `SELECT id, subscription_id, price_id, product_id, quantity, unit_amount, interval, interval_count, plan, plan_version FROM billing_item `

func scanItem(r store.Scanner) (i itemRow, err error) {
	return i, r.Scan(&i.id, &i.subscription, &i.price, &i.product, &i.quantity, &i.amount, &i.interval, &i.count, &i.plan, &i.planVersion)
}

func itemsOf(tx *store.Tx, subscription string) ([]itemRow, error) {
	return store.All(tx, scanItem, itemColumns+`WHERE subscription_id = ? ORDER BY id`, subscription)
}

// replaceItems makes the items of a subscription these.
func replaceItems(tx *store.Tx, subscription string, items []itemRow) error {
	if _, err := tx.Exec(`DELETE FROM billing_item WHERE subscription_id = ?`, subscription); err != nil {
		return err
	}
	for _, i := range items {
		if _, err := tx.Exec(`INSERT INTO billing_item (id, subscription_id, price_id, product_id, quantity, unit_amount, interval, interval_count, plan, plan_version)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, i.id, i.subscription, i.price, i.product, i.quantity, i.amount, i.interval, i.count, i.plan, i.planVersion); err != nil {
			return err
		}
	}
	return nil
}
