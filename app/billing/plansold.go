package billing

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
)

// mostImported is how many products, and how many prices, are read from Stripe at most.
const mostImported = 200

// sold is a product, with its prices that recur.
type sold struct {
	key, name, about string
	lowest           int64 // minor units a month, about
	prices           []string
}

// soldAtStripe lists active products and their recurring prices, cheapest first. What
// cannot be a plan is counted.
func (s *System) soldAtStripe(ctx context.Context) (all []*sold, skipped int, err error) {
	products := map[string]*sold{}
	pp := &stripe.ProductListParams{Active: stripe.Bool(true)}
	pp.Context, pp.Limit = ctx, stripe.Int64(100)
	for list, n := s.client.products.List(pp), 0; ; n++ {
		if n >= mostImported || !list.Next() {
			if err := list.Err(); err != nil {
				return nil, 0, err
			}
			break
		}
		p := list.Product()
		products[p.ID] = &sold{key: cmp.Or(p.Metadata["seaworthy_plan"], planKey(p.Name)), name: web.CleanText(p.Name, 60), about: web.CleanText(p.Description, 300)}
	}
	rp := &stripe.PriceListParams{Active: stripe.Bool(true)}
	rp.Context, rp.Limit = ctx, stripe.Int64(100)
	for list, n := s.client.prices.List(rp), 0; ; n++ {
		if n >= mostImported || !list.Next() {
			if err := list.Err(); err != nil {
				return nil, 0, err
			}
			break
		}
		price := list.Price()
		of := (*sold)(nil)
		if price.Product != nil {
			of = products[price.Product.ID]
		}
		if of == nil || of.key == "" || of.name == "" || !idForm.MatchString(price.ID) || price.Recurring == nil || price.Recurring.UsageType == stripe.PriceRecurringUsageTypeMetered || len(of.prices) >= maxPrices {
			skipped++
			continue
		}
		if month := aMonth(price); len(of.prices) == 0 || month < of.lowest {
			of.lowest = month
		}
		of.prices = append(of.prices, price.ID)
	}
	for _, p := range products {
		if len(p.prices) > 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *sold) int { return cmp.Or(cmp.Compare(a.lowest, b.lowest), cmp.Compare(a.key, b.key)) })
	return all, skipped, nil
}

// aMonth is about what a price costs in a month, to order plans by.
func aMonth(p *stripe.Price) int64 {
	n := max(p.Recurring.IntervalCount, 1)
	switch p.Recurring.Interval {
	case stripe.PriceRecurringIntervalDay:
		return p.UnitAmount * 30 / n
	case stripe.PriceRecurringIntervalWeek:
		return p.UnitAmount * 4 / n
	case stripe.PriceRecurringIntervalYear:
		return p.UnitAmount / (12 * n)
	}
	return p.UnitAmount / n
}

var notOfKey = regexp.MustCompile(`[^a-z0-9]+`)

// planKey makes a key of a product's name; "" if there is nothing in it to make one of.
func planKey(name string) string {
	key := strings.Trim(notOfKey.ReplaceAllString(strings.ToLower(name), "-"), "-")
	key = strings.Trim(key[:min(len(key), 40)], "-")
	if !keyForm.MatchString(key) {
		return ""
	}
	return key
}
