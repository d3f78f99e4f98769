package billing

import "seaworthy/store"

// changeWords are what is said of a change that comes later, or that came.
func (s *System) changeWords(tx *store.Tx, n notice, vars map[string]string) (stale string, err error) {
	sub, err := subByID(tx, n.object)
	if err != nil {
		return "", err
	}
	p, err := priceByID(tx, n.details.Number)
	if isNotFound(err) {
		return "the price belongs to no plan", nil
	}
	if err != nil {
		return "", err
	}
	if vars["Next"], err = planName(tx, p.plan); err != nil {
		return "", err
	}
	vars["Date"] = day(at(n.details.At))
	if n.template == "billing/change_applied" {
		items, err := itemsOf(tx, sub.id)
		vars["Price"], vars["Note"] = priceWords(items, sub.currency), n.details.Note
		if err == nil && sub.plan != p.plan {
			stale = "it has another plan by now"
		}
		return stale, err
	}
	if sub.nextPrice != n.details.Number || sub.nextAt != n.details.At {
		return "the change was taken back", nil
	}
	vars["Plan"], err = planName(tx, sub.plan)
	vars["Price"] = Money(p.Amount*sub.nextQuantity, p.Currency) + everyWords(p.Interval, p.Count)
	return "", err
}

// pauseWords are what is said of a pause that begins, or that is over.
func (s *System) pauseWords(tx *store.Tx, n notice, vars map[string]string) (stale string, err error) {
	sub, err := subByID(tx, n.object)
	if err != nil {
		return "", err
	}
	if vars["Plan"], err = planName(tx, sub.plan); err != nil {
		return "", err
	}
	if n.template == "billing/resumed" {
		if sub.pause != "" || !sub.state.lives() {
			return "it is paused again, or over", nil
		}
		items, err := itemsOf(tx, sub.id)
		vars["Date"], vars["Price"] = day(at(sub.periodEnd)), priceWords(items, sub.currency)
		return "", err
	}
	if sub.pauseFrom != n.details.At || sub.pause != pauseVoid {
		return "it goes on by now", nil
	}
	vars["From"], vars["Until"] = day(at(sub.pauseFrom)), ""
	if sub.pauseResumes > 0 {
		vars["Until"] = day(at(sub.pauseResumes))
	}
	return "", nil
}
