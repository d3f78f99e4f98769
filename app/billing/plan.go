package billing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"seaworthy/store"
)

// Plan is something that is sold, or given to everybody.
type Plan struct {
	Key      string            `json:"key"`
	Kind     string            `json:"kind"` // free, plan or addon
	Name     string            `json:"name"`
	About    string            `json:"description"`
	Rank     int64             `json:"rank"` // the higher is the larger plan
	Trial    int64             `json:"trial_days"`
	Version  int64             `json:"version"`
	Features []string          `json:"features"`
	Limits   map[string]Limit  `json:"limits"`
	Titles   map[string]string `json:"titles,omitempty"` // what features and limits are called on pages, by their key
	Prices   []Price           `json:"prices"`
	Archived bool              `json:"archived"`
}

// The kinds of plan. What an addon gives comes on top of the others' limits; a free
// plan is what orgs have that pay for nothing.
const (
	kindFree  = "free"
	kindPlan  = "plan"
	kindAddon = "addon"
)

// Limit is how much of something a plan gives.
type Limit struct {
	Value     int64 `json:"value"`
	PerUnit   bool  `json:"per_unit,omitempty"`  // times the quantity that is paid for
	Unlimited bool  `json:"unlimited,omitempty"` // then Value is 0
}

// limitSeats is the limit that members of the org are counted against.
const limitSeats = "seats"

// Price is a price of a plan, at Stripe.
type Price struct {
	ID       string    `json:"id"`
	Currency string    `json:"currency"` // "" until it was looked up at Stripe, as all below
	Amount   int64     `json:"unit_amount"`
	Interval string    `json:"interval"`
	Count    int64     `json:"interval_count"`
	Offered  bool      `json:"offered"` // it can be chosen; who has an older one keeps it
	Active   bool      `json:"active"`  // at Stripe
	Fault    string    `json:"fault,omitempty"`
	Fetched  time.Time `json:"-"`

	plan    string
	version int64
}

// Words is what it costs: "49.00 EUR a month".
func (p Price) Words() string { return Money(p.Amount, p.Currency) + everyWords(p.Interval, p.Count) }

// usable reports whether it can be bought now.
func (p Price) usable() bool { return p.Offered && p.Active && p.Interval != "" }

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,39}$`)

const planColumns = `SELECT p.key, p.kind, p.name, p.about, p.rank, p.trial_days, p.version, p.archived_at IS NOT NULL, v.features, v.limits, p.titles
	FROM billing_plan p JOIN billing_plan_version v ON v.plan = p.key AND v.version = p.version `

func scanPlan(r store.Scanner) (p Plan, err error) {
	var features, limits, titles string
	p.Prices = []Price{} // a list in the API, also where there are none
	if err = r.Scan(&p.Key, &p.Kind, &p.Name, &p.About, &p.Rank, &p.Trial, &p.Version, &p.Archived, &features, &limits, &titles); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(titles), &p.Titles); err != nil {
		return p, fmt.Errorf("titles of plan %s: %w", p.Key, err)
	}
	return p, p.read(features, limits)
}

// read takes features and limits as the tables hold them.
func (p *Plan) read(features, limits string) error {
	if err := json.Unmarshal([]byte(features), &p.Features); err != nil {
		return fmt.Errorf("features of plan %s: %w", p.Key, err)
	}
	if err := json.Unmarshal([]byte(limits), &p.Limits); err != nil {
		return fmt.Errorf("limits of plan %s: %w", p.Key, err)
	}
	return nil
}

// maxPlans bounds how many plans there are.
const maxPlans = 200

// allPlans are the plans with their prices, the smallest first.
func allPlans(tx *store.Tx) ([]Plan, error) {
	plans, err := store.All(tx, scanPlan, planColumns+`ORDER BY p.key LIMIT ?`, maxPlans)
	if err != nil {
		return nil, err
	}
	prices, err := store.All(tx, scanPrice, priceColumns+`WHERE plan >= '' ORDER BY plan, id`)
	if err != nil {
		return nil, err
	}
	for i := range plans {
		for _, p := range prices {
			if p.plan == plans[i].Key {
				plans[i].Prices = append(plans[i].Prices, p)
			}
		}
	}
	slices.SortStableFunc(plans, func(a, b Plan) int { return cmp.Compare(a.Rank, b.Rank) })
	return plans, nil
}

func planByKey(tx *store.Tx, key string) (p Plan, err error) {
	if p, err = scanPlan(tx.QueryRow(planColumns+`WHERE p.key = ?`, key)); err != nil {
		return p, err
	}
	prices, err := store.All(tx, scanPrice, priceColumns+`WHERE plan = ? ORDER BY id`, key)
	p.Prices = append(p.Prices, prices...)
	return p, err
}

// planName is what people know a plan by; its key where it is gone.
func planName(tx *store.Tx, key string) (name string, err error) {
	err = tx.QueryRow(`SELECT name FROM billing_plan WHERE key = ?`, key).Scan(&name)
	if isNotFound(err) {
		return key, nil
	}
	return name, err
}

const priceColumns = `SELECT id, plan, plan_version, offered, currency, unit_amount, interval, interval_count, active, fault, coalesce(fetched_at, 0) FROM billing_price `

func scanPrice(r store.Scanner) (p Price, err error) {
	var fetched int64
	err = r.Scan(&p.ID, &p.plan, &p.version, &p.Offered, &p.Currency, &p.Amount, &p.Interval, &p.Count, &p.Active, &p.Fault, &fetched)
	p.Fetched = at(fetched)
	return p, err
}

func priceByID(tx *store.Tx, id string) (Price, error) {
	return scanPrice(tx.QueryRow(priceColumns+`WHERE id = ?`, id))
}

// placeItems finds the plan of each item by its price, and of the subscription by its
// items. A price that belongs to no plan leaves the subscription with what it had,
// and says so: nobody is silently put on the free plan, nor given what he does not
// pay for.
func (s *System) placeItems(tx *store.Tx, row *subRow, items []itemRow, was subRow) error {
	strange := ""
	for i := range items {
		p, err := priceByID(tx, items[i].price)
		switch {
		case isNotFound(err):
			strange = items[i].price
			items[i].plan, items[i].planVersion = was.plan, was.planVersion
		case err != nil:
			return err
		default:
			items[i].plan, items[i].planVersion = p.plan, p.version
		}
	}
	row.plan, row.planVersion = was.plan, was.planVersion
	main, err := largest(tx, items)
	if err != nil {
		return err
	}
	if main.plan != "" {
		row.plan, row.planVersion = main.plan, main.planVersion
	}
	if strange == "" || !row.state.lives() {
		return clearAlarm(tx, alarmUnmapped, row.id)
	}
	about := "A subscription is to the price " + strange + ", which belongs to no plan here."
	if row.plan == "" {
		about += " Its organization has nothing of it until the price is added to a plan."
	} else {
		about += " Its organization keeps what the plan " + row.plan + " gives. Add the price to a plan."
	}
	return raise(tx, alarm{Kind: alarmUnmapped, Object: row.id, About: about, Org: row.org})
}

// largest is the item of the largest plan that is no addon; of the first where there
// are only those.
func largest(tx *store.Tx, items []itemRow) (main itemRow, err error) {
	best := int64(-1 << 62)
	for _, i := range items {
		if i.plan == "" {
			continue
		}
		var kind string
		var rank int64
		err := tx.QueryRow(`SELECT kind, rank FROM billing_plan WHERE key = ?`, i.plan).Scan(&kind, &rank)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return main, fmt.Errorf("plan %s of item %s: %w", i.plan, i.id, err)
		}
		if kind == kindAddon {
			rank -= 1 << 40
		}
		if rank > best {
			main, best = i, rank
		}
	}
	return main, nil
}

// plansPaid counts the living subscriptions of an org to plans that are no addons.
func plansPaid(tx *store.Tx, org string) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT s.id FROM billing_subscription s JOIN billing_plan p ON p.key = s.plan AND p.kind = 'plan'
		WHERE s.org_id = ? AND s.state IN ('active', 'grace', 'restricted') LIMIT 10)`, org).Scan(&n)
	return n, err
}
