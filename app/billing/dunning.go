package billing

import (
	"cmp"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/queue"
	"seaworthy/store"
)

// dunningRow is a customer who owes (billing_dunning).
type dunningRow struct {
	customer, org, invoice, subscription string
	state                                State
	amount                               int64
	currency                             string
	hard                                 bool
	since                                time.Time // day 0
	step                                 int       // of the calendar, that comes next
	next                                 time.Time // when it is due
	paused, limited                      time.Time // zero: not
}

// step of the calendar: on that day after day 0 it happens.
type dunningStep struct {
	day      int
	name     string
	template string
	state    State // from then on
}

const oneDay = 24 * time.Hour

// calendar is what becomes of money that does not come (spec/billing.md section 5).
// Nobody is written to before the second day where Stripe's next try may do: a
// good part of what fails is paid before anybody notices.
var calendar = []dunningStep{
	{0, "first", "", Grace}, // the mail goes at once where only a person can help
	{2, "first", "billing/payment_failed_1", Grace},
	{5, "second", "billing/payment_failed_2", Grace},
	{10, "third", "billing/payment_failed_3", Grace},
	{14, "restricted", "billing/restricted", Restricted},
	{21, "reminder", "billing/restricted_reminder", Restricted},
	{28, "canceled", "", Canceled},
}

// Days of the calendar that mails speak of.
const restrictDay, cancelDay = 14, 28

// never is a time that does not come: a row without anything due.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// lateness is how old an overdue invoice may be when it is first seen for its days
// to count from the beginning: whoever was told nothing is not cut off at once.
const lateness = 4 * oneDay

// onceSteps is where the calendar stops for an invoice of no subscription: there is no
// plan that could end for it, and the one that is paid for goes on.
const onceSteps = 5

// steps are those of the calendar that come to a row.
func (d *dunningRow) steps() []dunningStep {
	if d.subscription == "" {
		return calendar[:onceSteps]
	}
	return calendar
}

// due is when the next step of a row comes.
func (d *dunningRow) due() time.Time {
	if !d.paused.IsZero() || d.step >= len(d.steps()) {
		return never
	}
	return d.since.Add(time.Duration(calendar[d.step].day) * oneDay)
}

// endsOn is when the plan ends if nothing is paid; zero where none does.
func (d *dunningRow) endsOn() time.Time {
	if d.subscription == "" {
		return time.Time{}
	}
	return d.since.Add(cancelDay * oneDay)
}

// dun looks at what a customer owes, right after a fetch: there is no other place
// where access is narrowed, so that it never is by what was true some time ago. One
// who is gone at Stripe can pay nothing, and owes nothing that his org could be held
// to: it may have another customer by now.
func (s *System) dun(tx *store.Tx, c customerRow, gone bool) error {
	d, err := dunningOf(tx, c.id)
	known := err == nil
	if err != nil && !isNotFound(err) {
		return err
	}
	open, err := s.owed(tx, c.id)
	if err != nil {
		return err
	}
	if gone || len(open) == 0 {
		if !known {
			return nil
		}
		return s.settle(tx, c, d)
	}
	oldest := open[0]
	if !known || d.invoice != oldest.id {
		if d, err = s.beginDunning(tx, d, oldest); err != nil {
			return err
		}
	}
	d.amount, d.currency, d.hard = 0, oldest.currency, oldest.hard()
	for _, i := range open {
		if i.currency == d.currency {
			d.amount += i.remaining
		}
	}
	if err := s.pauseDunning(tx, &d); err != nil {
		return err
	}
	if err := s.advance(tx, &d); err != nil {
		return err
	}
	d.next = d.due()
	return upsertDunning(tx, d)
}

// owed are the overdue invoices that count, those first that are overdue the longest: of
// subscriptions that live, and no trifles.
func (s *System) owed(tx *store.Tx, customer string) (counts []invoiceRow, err error) {
	open, err := openInvoices(tx, customer)
	if err != nil {
		return nil, err
	}
	var total int64
	for _, i := range open {
		if !i.overdue(s.now(tx)) {
			continue
		}
		if i.subscription != "" {
			sub, err := subByID(tx, i.subscription)
			if err != nil && !isNotFound(err) {
				return nil, err
			}
			if !sub.state.lives() {
				continue
			}
		}
		counts, total = append(counts, i), total+i.remaining
	}
	if total < s.Minimum {
		return nil, nil
	}
	// By the day from which they are overdue: one that was made earlier and sent, to be
	// paid later, must not begin the calendar anew for what is dunned for already.
	slices.SortStableFunc(counts, func(a, b invoiceRow) int { return cmp.Compare(a.since(), b.since()) })
	return counts, nil
}

// beginDunning starts the calendar for an invoice, or starts it anew when an older
// one was settled and this one is still open.
func (s *System) beginDunning(tx *store.Tx, last dunningRow, i invoiceRow) (d dunningRow, err error) {
	now := s.now(tx)
	d = dunningRow{customer: i.customer, org: i.org, invoice: i.id, subscription: i.subscription, state: Grace, since: at(i.since()), paused: last.paused}
	if now.Sub(d.since) > lateness {
		d.since = now.Add(-2 * oneDay)
	}
	return d, s.Audit.Record(tx, audit.Event{Action: actGrace, Org: d.org, Targets: targets(d.org, d.customer, audit.Ref{Type: "invoice", ID: i.id}),
		Details: map[string]any{"amount": i.remaining, "currency": i.currency}})
}

// pauseDunning stops the calendar while a dispute is open, and goes on where it
// stood once that is decided.
func (s *System) pauseDunning(tx *store.Tx, d *dunningRow) error {
	disputes, err := openDisputes(tx, d.customer)
	switch {
	case err != nil:
		return err
	case len(disputes) > 0 && d.paused.IsZero():
		d.paused = s.now(tx)
	case len(disputes) == 0 && !d.paused.IsZero():
		from := d.paused
		if d.since.After(from) { // what is owed now came while the dispute was open
			from = d.since
		}
		d.since = d.since.Add(s.now(tx).Sub(from))
		d.paused = time.Time{}
	}
	return nil
}

// advance does the steps that are due. After a time in which nothing was done, people
// get the last of the mails alone.
func (s *System) advance(tx *store.Tx, d *dunningRow) error {
	if d.hard && d.step <= 1 && d.paused.IsZero() {
		if err := s.remind(tx, d, calendar[1]); err != nil {
			return err
		}
		d.step = max(d.step, 2)
	}
	var last *dunningStep
	for !d.due().After(s.now(tx)) {
		step := calendar[d.step]
		last = &step
		d.step++
		if step.state == d.state {
			continue
		}
		d.state = step.state
		if err := s.narrow(tx, d); err != nil {
			return err
		}
	}
	if last == nil || last.template == "" {
		return nil
	}
	return s.remind(tx, d, *last)
}

// remind mails what a step says.
func (s *System) remind(tx *store.Tx, d *dunningRow, step dunningStep) error {
	template := step.template
	if step.name == "first" {
		i, err := invoiceByID(tx, d.invoice)
		if err != nil {
			return err
		}
		if i.action != "" {
			template = "billing/action_required"
		}
	}
	return s.notify(tx, notice{key: "dunning:" + d.invoice + ":" + step.name, template: template, customer: d.customer, org: d.org, object: d.invoice})
}

// narrow records that access became less, and ends the subscription at Stripe when
// the calendar is over.
func (s *System) narrow(tx *store.Tx, d *dunningRow) error {
	event := audit.Event{Action: actRestricted, Org: d.org, Targets: targets(d.org, d.customer, audit.Ref{Type: "invoice", ID: d.invoice})}
	if d.state == Restricted {
		d.limited = s.now(tx)
		return s.Audit.Record(tx, event)
	}
	event.Action = actGivenUp
	if err := s.Audit.Record(tx, event); err != nil || d.subscription == "" {
		return err
	}
	_, err := queue.Enqueue(tx, GiveUp{Subscription: d.subscription, Invoice: d.invoice}, queue.Key("billing:"+d.customer, 1))
	return err
}

// settle ends the calendar: what was owed was paid, or is not owed any more.
func (s *System) settle(tx *store.Tx, c customerRow, d dunningRow) error {
	if _, err := tx.Exec(`DELETE FROM billing_dunning WHERE customer_id = ?`, c.id); err != nil {
		return err
	}
	i, err := invoiceByID(tx, d.invoice)
	if err != nil {
		return err
	}
	if d.state != Canceled || i.status == "paid" {
		if err := s.Audit.Record(tx, audit.Event{Action: actRecovered, Org: c.org, Targets: targets(c.org, c.id, audit.Ref{Type: "invoice", ID: i.id}),
			Details: map[string]any{"invoice": i.status}}); err != nil {
			return err
		}
	}
	told, err := wasTold(tx, "dunning:"+d.invoice+":first")
	if err != nil || i.status != "paid" || !told && d.limited.IsZero() {
		return err
	}
	return s.notify(tx, notice{key: "recovered:" + i.id, template: "billing/recovered", customer: c.id, org: c.org, object: i.id,
		details: details{Amount: i.paid, Money: i.currency, At: s.now(tx).UnixMilli()}})
}
