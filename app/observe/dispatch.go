package observe

import (
	"cmp"
	"slices"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

// How what a channel is told is put together: what is not critical waits a moment for what
// belongs to the same storm, and then for its turn. Nothing exceeds the channel's number an hour.
const (
	gatherFor    = 30 * time.Second
	mostNotices  = 600             // of one delivery
	mailPatience = 5 * time.Minute // until a mail that nobody took goes another way
)

// notify has all channels told of an alert that want to hear of it.
func (s *System) notify(tx *store.Tx, a Alert, what string) error {
	all, err := listChannels(tx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if !c.Enabled || c.Level == "fallback" || c.Level == "critical" && !a.Critical {
			continue
		}
		if err := addNotice(tx, c.ID, a, what); err != nil {
			return err
		}
	}
	return nil
}

// dispatch makes a delivery of what waits for each channel whose turn it is, and sees to those
// whose mails nobody took.
func (s *System) dispatch(tx *store.Tx) error {
	if err := s.settleMails(tx); err != nil {
		return err
	}
	all, err := listChannels(tx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if !c.Enabled {
			continue
		}
		waiting, err := noticesOf(tx, c.ID, "", mostNotices)
		if err != nil {
			return err
		}
		if waiting, err = withoutPast(tx, waiting); err != nil {
			return err
		}
		turn, err := itsTurn(tx, c, waiting)
		if err != nil {
			return err
		}
		if turn {
			if _, err := s.deliver(tx, c, waiting, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutPast drops what need not be told any more: an alert that is over before anybody was told
// that it fires.
func withoutPast(tx *store.Tx, all []notice) (left []notice, err error) {
	fired, over := map[string]bool{}, map[string]bool{}
	for _, n := range all {
		fired[n.alert] = fired[n.alert] || n.what == "fired"
		over[n.alert] = over[n.alert] || n.what == "resolved"
	}
	for _, n := range all {
		if !fired[n.alert] || !over[n.alert] || n.critical { // what was critical is told of all the same
			left = append(left, n)
			continue
		}
		if err := dropNotice(tx, n.id); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func itsTurn(tx *store.Tx, c Channel, waiting []notice) (bool, error) {
	if len(waiting) == 0 {
		return false, nil
	}
	now := tx.Now()
	n, last, err := deliveriesSince(tx, c.ID, now.Add(-time.Hour), c.PerHour)
	if err != nil || n >= c.PerHour {
		return false, err
	}
	if slices.ContainsFunc(waiting, func(n notice) bool { return n.critical && n.what != "resolved" }) {
		return true, nil
	}
	return now.Sub(waiting[0].at) >= gatherFor && (last.IsZero() || now.Sub(last) >= time.Hour/time.Duration(c.PerHour)), nil
}

// deliver makes one delivery of notices, and its job.
func (s *System) deliver(tx *store.Tx, c Channel, all []notice, test bool) (Delivery, error) {
	d := Delivery{ID: tx.NewID("ald"), Channel: c.ID, Test: test, State: "queued", At: tx.Now()}
	alerts := map[string]bool{}
	for _, n := range all {
		alerts[n.alert] = true
	}
	d.Alerts = int64(len(alerts))
	if err := insertDelivery(tx, d); err != nil {
		return d, err
	}
	for _, n := range all {
		if err := giveNotice(tx, n.id, d.ID); err != nil {
			return d, err
		}
	}
	_, err := queue.Enqueue(tx, tellChannel{Delivery: d.ID}, queue.On(Queue), queue.MaxAttempts(tellAttempts), queue.Timeout(30*time.Second), queue.Priority(5))
	return d, err
}

// settleMails looks what became of mails: one that somebody has is enough; one that nobody took
// for minutes goes another way.
func (s *System) settleMails(tx *store.Tx) error {
	all, err := underWay(tx)
	if err != nil || s.Outside.Fate == nil {
		return err
	}
	for _, d := range all {
		if d.State == "queued" { // its job knows, but for one that was lost with the process
			if tx.Now().Sub(d.At) >= 3*mailPatience {
				if err := s.fallBack(tx, d, "it was not sent in time"); err != nil {
					return err
				}
			}
			continue
		}
		messages, err := alertMails(tx, d.ID)
		if err != nil {
			return err
		}
		taken, lost, why := 0, 0, ""
		for _, m := range messages {
			state, err := s.Outside.Fate(tx, m)
			if err != nil {
				return err
			}
			switch state {
			case "sent", "delivered":
				taken++
			case "queued", "deferred", "unknown":
			default:
				lost, why = lost+1, state
			}
		}
		switch {
		case taken > 0:
			err = setDelivery(tx, d.ID, "sent", "")
		case lost == len(messages):
			err = s.fallBack(tx, d, "the mail was "+cmp.Or(why, "sent to nobody"))
		case tx.Now().Sub(d.At) >= mailPatience:
			err = s.fallBack(tx, d, "no mail server took the mail for five minutes")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fallBack ends a delivery that failed, and has what it was about told by the channels of another
// kind that have not told of it. Each is told once, so this comes to an end.
func (s *System) fallBack(tx *store.Tx, d Delivery, why string) error {
	if err := setDelivery(tx, d.ID, "failed", clip(why, 300)); err != nil {
		return err
	}
	failed, err := channelByID(tx, d.Channel)
	if err != nil || d.Test {
		return ignoreGone(err)
	}
	lost, err := noticesOf(tx, d.Channel, d.ID, mostNotices)
	if err != nil {
		return err
	}
	all, err := listChannels(tx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if !c.Enabled || (c.Kind == "mail") == (failed.Kind == "mail") {
			continue
		}
		for _, n := range lost {
			if err := addNotice(tx, c.ID, Alert{ID: n.alert, Critical: n.critical}, n.what); err != nil {
				return err
			}
		}
	}
	return nil
}

// nothingToTell reports whether no channel waits for anything, and no delivery is under way.
func nothingToTell(tx *store.Tx) (bool, error) {
	going, err := underWay(tx)
	if err != nil || len(going) > 0 {
		return false, err
	}
	all, err := listChannels(tx)
	if err != nil {
		return false, err
	}
	for _, c := range all {
		if waiting, err := noticesOf(tx, c.ID, "", 1); err != nil || len(waiting) > 0 {
			return false, err
		}
	}
	return true, nil
}
