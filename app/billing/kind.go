package billing

import (
	"maps"
	"slices"
	"strconv"

	"seaworthy/app/web"
	"seaworthy/store"
)

// When a change comes about.
const (
	whenNow   = "now"
	whenLater = "period_end" // with the next period, so that what is paid for is used
)

// lengths are about how many days an interval has, to compare two of them.
var lengths = map[string]int64{"day": 1, "week": 7, "month": 30, "year": 365}

// smaller reports whether a change is to something smaller: a plan of a lower rank, or
// of the same rank for a shorter time or for less. That comes with the next period,
// because what is paid for already is not paid back.
func smaller(was, now Plan, from, to itemRow) bool {
	if was.Rank != now.Rank {
		return now.Rank < was.Rank
	}
	a, b := lengths[from.interval]*max(from.count, 1), lengths[to.interval]*max(to.count, 1)
	if a != b {
		return b < a
	}
	return to.amount*to.quantity < from.amount*from.quantity
}

var errWaits = &web.Error{Status: 409, Code: "downgrade_waits", Public: "A smaller plan begins with the next period: what is paid for is used up first."}

// whenOf decides when a change comes about, and how it is charged.
func whenOf(tx *store.Tx, asked string, less, trial bool) (when, prorate string, err error) {
	if trial { // nothing was paid yet, so there is nothing to wait for or to settle
		return whenNow, creditNext, nil
	}
	when = asked
	if when == "" {
		if when = whenNow; less {
			when = whenLater
		}
	}
	if when == whenLater {
		return when, noSettling, nil
	}
	if !less {
		return when, chargeNow, nil
	}
	allowed, err := settingsOf(tx)
	if err == nil && !allowed.CreditNow {
		err = errWaits
	}
	return when, creditNext, err
}

// compare says in words what a plan gives less and more than another.
func compare(was, now Plan, from, to int64) (loses, gains []string) {
	for _, f := range was.Features {
		if !slices.Contains(now.Features, f) {
			loses = append(loses, was.title(f))
		}
	}
	for _, f := range now.Features {
		if !slices.Contains(was.Features, f) {
			gains = append(gains, now.title(f))
		}
	}
	names := map[string]bool{}
	for name := range was.Limits {
		names[name] = true
	}
	for name := range now.Limits {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, had := was.Limits[name]
		b, has := now.Limits[name]
		x, y := a.total(from, had), b.total(to, has)
		if x == y {
			continue
		}
		title := now.title(name)
		if !has {
			title = was.title(name)
		}
		words := title + ": " + b.words(y, has) + " in place of " + a.words(x, had)
		if y < x {
			loses = append(loses, words)
		} else {
			gains = append(gains, words)
		}
	}
	return loses, gains
}

// total is how much a limit gives for a quantity. What a plan does not name it does not limit.
func (l Limit) total(quantity int64, named bool) int64 {
	switch {
	case !named || l.Unlimited:
		return 1 << 60
	case l.PerUnit:
		return l.Value * quantity
	}
	return l.Value
}

func (l Limit) words(total int64, named bool) string {
	if !named || l.Unlimited {
		return "any number"
	}
	return strconv.FormatInt(total, 10)
}

// overLimits says what an org uses more of than its plan gives by now; "" for nothing.
// Nothing is taken away: people are told.
func overLimits(tx *store.Tx, org, plan string, items []itemRow) (string, error) {
	p, err := planByKey(tx, plan)
	if err != nil {
		if isNotFound(err) {
			err = nil
		}
		return "", err
	}
	used, err := usedOf(tx, org)
	if err != nil {
		return "", err
	}
	main, err := largest(tx, items)
	if err != nil {
		return "", err
	}
	words := overWords(limitsOf(p, main.quantity), used)
	if words == "" {
		return "", nil
	}
	return "There are " + words + ". Nothing was removed, and nobody can be added until that fits.", nil
}

// unitsFor is how many of a plan an org needs: a seat for each member where seats are
// paid for one by one.
func unitsFor(p Plan, members int64) int64 {
	l := p.Limits[limitSeats]
	if !l.PerUnit || l.Value < 1 {
		return 1
	}
	return max(1, (members+l.Value-1)/l.Value)
}
