package billing

import (
	"fmt"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// apply makes the mirror what a fetch found, and tells what that changed: rows, audit
// events, notices and jobs are one transaction. It reports what was different, or
// stale for a fetch that began before one that was taken already.
func (s *System) apply(tx *store.Tx, customer string, snap *snapshot) (changed []string, stale bool, err error) {
	c, err := customerByID(tx, customer)
	if err != nil {
		return nil, false, err
	}
	newest, err := takeFetch(tx, c.id, snap)
	if err != nil || !newest {
		return nil, err == nil, err
	}
	gone := snap.customer == nil
	if gone {
		if c.deleted.IsZero() {
			changed = []string{c.id}
		}
		err = s.unlink(tx, c)
	} else {
		changed, err = s.mirror(tx, c, snap)
	}
	if err != nil {
		return changed, false, fmt.Errorf("mirror %s: %w", c.id, err)
	}
	if err := s.dun(tx, c, gone); err != nil {
		return changed, false, fmt.Errorf("dun %s: %w", c.id, err)
	}
	if err := s.checkLimits(tx, c.org); err != nil {
		return changed, false, err
	}
	if _, err := tx.Exec(`UPDATE billing_event SET state = 'done', note = '', done_at = ? WHERE customer_id = ? AND state = 'queued' AND fetch_no > 0 AND fetch_no <= ?`,
		tx.Now().UnixMilli(), c.id, snap.no); err != nil {
		return changed, false, err
	}
	s.forget(tx, c.org)
	return changed, false, firstOf(clearAlarm(tx, alarmLeft, c.id), clearAlarm(tx, alarmMissing, c.id))
}

// mirror takes over all that was found of a customer who lives.
func (s *System) mirror(tx *store.Tx, c customerRow, snap *snapshot) (changed []string, err error) {
	if err := s.applyCustomer(tx, c, snap.customer); err != nil {
		return nil, err
	}
	if err := applyMethods(tx, c, snap); err != nil {
		return nil, err
	}
	if changed, err = s.applySubs(tx, c, snap); err != nil {
		return nil, err
	}
	invoices, err := s.applyInvoices(tx, c, snap)
	if err != nil {
		return nil, err
	}
	if err := s.applyDisputes(tx, c, snap); err != nil {
		return nil, err
	}
	return append(changed, invoices...), s.applyRefunds(tx, c, snap)
}

// applySubs takes over subscriptions. One that is here and was not listed is gone.
func (s *System) applySubs(tx *store.Tx, c customerRow, snap *snapshot) (changed []string, err error) {
	before, err := subsOfCustomer(tx, c.id)
	if err != nil {
		return nil, err
	}
	old := map[string]subRow{}
	for _, b := range before {
		old[b.id] = b
	}
	living := 0
	for _, sub := range snap.subs {
		was := old[sub.ID]
		delete(old, sub.ID)
		row, items, known := subRowOf(sub, c.id, c.org, was.state)
		if err := s.noteStatus(tx, row, known); err != nil {
			return nil, err
		}
		s.readPause(tx, was, &row)
		different, err := s.applySub(tx, was, row, items)
		if err != nil {
			return nil, err
		}
		if different {
			changed = append(changed, row.id)
		}
		if row.state.lives() {
			living++
		}
	}
	for _, gone := range old {
		if !gone.state.lives() {
			continue
		}
		if err := s.endSub(tx, gone); err != nil {
			return nil, err
		}
		changed = append(changed, gone.id)
	}
	return changed, s.noteTwice(tx, c, living)
}

// endSub ends a subscription that Stripe does not have any more.
func (s *System) endSub(tx *store.Tx, was subRow) error {
	now := was.ended(tx.Now().UnixMilli())
	if err := upsertSub(tx, now); err != nil {
		return err
	}
	return s.recordSub(tx, was, now, nil, nil)
}

// applySub takes over one, and its plan: that of its prices, else the one it had.
func (s *System) applySub(tx *store.Tx, was, row subRow, items []itemRow) (different bool, err error) {
	had, err := itemsOf(tx, row.id)
	if err != nil {
		return false, err
	}
	if err := s.placeItems(tx, &row, items, was); err != nil {
		return false, err
	}
	if was == row && sameItems(had, items) {
		return false, nil
	}
	if err := upsertSub(tx, row); err != nil {
		return false, err
	}
	if err := replaceItems(tx, row.id, items); err != nil {
		return false, err
	}
	return true, s.recordSub(tx, was, row, had, items)
}

func sameItems(a, b []itemRow) bool {
	if len(a) != len(b) {
		return false
	}
	byID := map[string]itemRow{}
	for _, i := range a {
		byID[i.id] = i
	}
	for _, i := range b {
		if byID[i.id] != i {
			return false
		}
	}
	return true
}

// recordSub says what happened to a subscription, in one event at most.
func (s *System) recordSub(tx *store.Tx, was, now subRow, had, has []itemRow) error {
	event := audit.Event{Org: now.org, Targets: targets(now.org, now.customer, audit.Ref{Type: "subscription", ID: now.id}), Details: map[string]any{"plan": now.plan, "status": now.status}}
	began, lives := was.state.lives(), now.state.lives()
	switch {
	case !began && lives:
		event.Action = actStarted
		event.Details["quantity"] = quantityOf(has)
		return s.Audit.Record(tx, event)
	case began && !lives:
		event.Action = actEnded
		if err := s.Audit.Record(tx, event); err != nil {
			return err
		}
		return s.tellEnded(tx, now)
	case !lives:
		return nil // it never began, or is over for good
	}
	changes := subChanges(was, now)
	if !sameItems(had, has) && (priceOf(had) != priceOf(has) || quantityOf(had) != quantityOf(has)) {
		changes["price"] = audit.Change{From: priceOf(had), To: priceOf(has)}
		changes["quantity"] = audit.Change{From: quantityOf(had), To: quantityOf(has)}
	}
	if err := firstOf(s.tellChange(tx, was, now, has), s.tellPause(tx, was, now)); err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil // a new period, another invoice: nothing that somebody decided
	}
	event.Action, event.Changes = actChanged, changes
	return s.Audit.Record(tx, event)
}

// subChanges are the changes of a subscription that people would call one.
func subChanges(was, now subRow) map[string]audit.Change {
	changes := map[string]audit.Change{}
	put := func(name string, from, to any) {
		if from != to {
			changes[name] = audit.Change{From: from, To: to}
		}
	}
	put("status", was.status, now.status)
	put("plan", was.plan, now.plan)
	put("plan_version", was.planVersion, now.planVersion)
	put("cancel_at_period_end", was.cancelAtEnd, now.cancelAtEnd)
	put("cancel_at", was.cancelAt, now.cancelAt)
	put("paused", was.pause, now.pause)
	put("pause_counts", was.paused, now.paused)
	put("scheduled", was.nextPrice, now.nextPrice)
	put("scheduled_quantity", was.nextQuantity, now.nextQuantity)
	put("coupon", was.coupon, now.coupon)
	put("trial_end", was.trialEnd, now.trialEnd)
	put("pending", was.pendingUntil > 0, now.pendingUntil > 0)
	return changes
}

// priceOf are the prices of items, as one text.
func priceOf(items []itemRow) string {
	out := ""
	for n, i := range items {
		if n > 0 {
			out += " "
		}
		out += i.price
	}
	return out
}

func quantityOf(items []itemRow) (n int64) {
	for _, i := range items {
		n += i.quantity
	}
	return n
}

// tellEnded mails that a plan ended, and why.
func (s *System) tellEnded(tx *store.Tx, sub subRow) error {
	ended := max(sub.endedAt, sub.canceledAt)
	if ended == 0 {
		ended = tx.Now().UnixMilli()
	}
	if s.now(tx).Sub(at(ended)) > fresh {
		return nil
	}
	name, err := planName(tx, sub.plan)
	if err != nil {
		return err
	}
	why := "It was canceled." // by them, by an operator, or in Stripe's dashboard
	if d, err := dunningOf(tx, sub.customer); err == nil && d.subscription == sub.id {
		why = "The payment was due for four weeks."
		if d.state != Canceled {
			why = "The payment could not be collected."
		}
	} else if !isNotFound(err) && err != nil {
		return err
	}
	return s.notify(tx, notice{key: "ended:" + sub.id, template: "billing/canceled", customer: sub.customer, org: sub.org, object: sub.id,
		details: details{Plan: name, At: ended, Note: why}})
}

// noteStatus raises an alarm for a status that we do not know: the subscription
// keeps the state it had.
func (s *System) noteStatus(tx *store.Tx, row subRow, known bool) error {
	if known {
		return clearAlarm(tx, alarmStatus, row.id)
	}
	return raise(tx, alarm{Kind: alarmStatus, Object: row.id, Org: row.org,
		About: "Stripe says that a subscription is \"" + row.status + "\", which this release does not know. It keeps the state that it had."})
}

// noteTwice raises an alarm for an org that pays for two plans at once.
func (s *System) noteTwice(tx *store.Tx, c customerRow, living int) error {
	if living < 2 {
		return clearAlarm(tx, alarmTwice, c.id)
	}
	plans, err := plansPaid(tx, c.org)
	if err != nil {
		return err
	}
	if plans < 2 {
		return clearAlarm(tx, alarmTwice, c.id)
	}
	return raise(tx, alarm{Kind: alarmTwice, Object: c.id, Org: c.org, About: "An organization pays for two plans at once. It has what both give; one of them is probably a mistake."})
}
