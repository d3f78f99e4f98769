package billing

import (
	"context"
	"errors"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// FirstPlan is a plan with one price, as the set-up asks for it.
type FirstPlan struct {
	Name     string
	Amount   string // as people write it: 29.00
	Currency string
	Interval string // month or year
	Trial    int64  // days
}

// MakeFirst makes a plan with one price, which is made at Stripe. What it gives is said later.
func (s *System) MakeFirst(ctx context.Context, in FirstPlan) (Plan, error) {
	if !s.On() {
		return Plan{}, errNoStripe
	}
	var c web.Check
	in.Name = c.Text("name", in.Name, 1, 60)
	key := planKey(in.Name)
	c.Fault(key != "" || in.Name == "", "name", "form", "A name with letters: the plan's key is made of it.")
	in.Currency = strings.ToLower(strings.TrimSpace(in.Currency))
	c.Fault(currencyForm.MatchString(in.Currency), "currency", "currency", "Three letters, as eur.")
	c.Fault(in.Interval == "month" || in.Interval == "year", "interval", "unknown", "A month or a year.")
	c.Fault(in.Trial >= 0 && in.Trial <= 730, "trial_days", "range", "From 0 to 730 days.")
	price, ok := priceFrom([]string{strings.ReplaceAll(strings.TrimSpace(in.Amount), ",", "."), in.Currency, in.Interval})
	c.Fault(ok && price.Amount > 0 && price.Amount <= maxAmount, "amount", "amount", "An amount such as 29 or 29.00.")
	if err := c.Err(); err != nil {
		return Plan{}, err
	}
	made, err := s.PutPlan(ctx, PlanInput{Key: key, Kind: kindPlan, Name: in.Name, Rank: 10, Trial: in.Trial, Make: []NewPrice{price}})
	if errors.Is(err, errPlanChanged) {
		return made, web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is a plan of this name already: change that one under Billing, Plans."})
	}
	return made, err
}

// SoldPlans are the plans that can be bought.
func SoldPlans(tx *store.Tx) (sold []Plan, err error) {
	all, err := allPlans(tx)
	for _, p := range all {
		if p.Kind == kindPlan && !p.Archived {
			sold = append(sold, p)
		}
	}
	return sold, err
}
