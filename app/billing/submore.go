package billing

import (
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/store"
)

// subMore is what pages say of a subscription beside its plan and state: what it
// becomes, what is taken off, when it rests, and what can be done about that.
type subMore struct {
	Next                string // what it changes to; "" for nothing
	NextOn              time.Time
	Discount            string
	PausesOn, ResumesOn time.Time
	Resting             bool // the pause counts
	Narrow              bool // nothing is given meanwhile
	OnTrial             bool
	Each                bool // seats are paid for one by one
	CanPause            bool // by its owner
	PauseMin, PauseMax  string
}

// more reads it.
func (s *System) more(tx *store.Tx, sub subRow, items []itemRow) (m subMore, err error) {
	m = subMore{Discount: sub.discountWords(), PausesOn: at(sub.pauseFrom), ResumesOn: at(sub.pauseResumes), Resting: sub.paused, Narrow: sub.paused,
		OnTrial: sub.status == string(stripe.SubscriptionStatusTrialing)}
	if sub.pause != "" && sub.pauseFrom == 0 { // everything works meanwhile
		m.PausesOn, m.Resting = at(sub.periodStart), true
	}
	if sub.nextPrice != "" {
		if m.Next, err = laterWords(tx, sub); err != nil {
			return m, err
		}
		m.NextOn = at(sub.nextAt)
	}
	p, err := planByKey(tx, sub.plan)
	if err != nil {
		if isNotFound(err) {
			err = nil
		}
		return m, err
	}
	m.Each = p.Limits[limitSeats].PerUnit && len(items) > 0
	allowed, err := settingsOf(tx)
	if err != nil || allowed.PauseDays == 0 {
		return m, err
	}
	m.CanPause = sub.state == Active && sub.pause == "" && !sub.cancelAtEnd && sub.cancelAt == 0
	begins := at(sub.periodEnd)
	m.PauseMin, m.PauseMax = begins.AddDate(0, 0, 1).Format(time.DateOnly), begins.AddDate(0, 0, int(allowed.PauseDays)).Format(time.DateOnly)
	return m, nil
}

// laterWords is what a subscription changes to: "Basic, 19.00 EUR a month".
func laterWords(tx *store.Tx, sub subRow) (string, error) {
	p, err := priceByID(tx, sub.nextPrice)
	if isNotFound(err) {
		return sub.nextPrice, nil
	}
	if err != nil {
		return "", err
	}
	name, err := planName(tx, p.plan)
	return name + ", " + Money(p.Amount*sub.nextQuantity, p.Currency) + everyWords(p.Interval, p.Count), err
}
