package billing

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// heardFor is how long Stripe may be silent while there are subscriptions: an invoice of
// one comes at least once a month, and the look at all of them changes nothing here.
const heardFor = 35 * 24 * time.Hour

// Checks are what must be so before something is sold.
func Checks(tx *store.Tx, c *config.Config) ([]launch.Check, error) {
	key := keyCheck(c)
	if !c.HasStripe() {
		return []launch.Check{key}, nil
	}
	heard, err := heardCheck(tx)
	if err != nil {
		return nil, err
	}
	fits, err := priceCheck(tx)
	if err != nil {
		return nil, err
	}
	alarms, err := alarmsCheck(tx)
	return []launch.Check{key, heard, fits, alarms}, err
}

func keyCheck(c *config.Config) launch.Check {
	k := launch.Check{Key: "billing.key", System: "billing", Title: "Stripe is connected with a live key", Link: "/-/admin/billing/settings",
		Why: "With a test key, or the offline Stripe, plans are had for nothing.", Fix: "Set STRIPE_SECRET_KEY to a key that begins with sk_live_ or rk_live_, and STRIPE_WEBHOOK_SECRETS to auto."}
	_, rest, _ := strings.Cut(c.StripeKey, "_")
	mode, _, _ := strings.Cut(rest, "_")
	switch {
	case mode == "live":
		return k.Is(launch.Done, "The key is a live one.")
	case c.HasStripeSim():
		k.Blocks = true
		return k.Is(launch.Todo, "The offline Stripe takes its place.")
	case c.StripeKey == "":
		return k.Is(launch.Todo, "There is no key, so nothing is sold and everything is open. If you do not sell here, dismiss this point.")
	}
	k.Blocks = true
	return k.Is(launch.Todo, "The key is one of Stripe's test mode.")
}

func heardCheck(tx *store.Tx) (launch.Check, error) {
	c := launch.Check{Key: "billing.webhook", System: "billing", Title: "Stripe's events arrive", Link: "/-/admin/billing", Blocks: true,
		Why: "Without them a payment opens nothing until the next look at Stripe, hours later.",
		Fix: "Send a test event from Stripe's dashboard, or make a test customer; the endpoint is <url>/-/webhooks/stripe."}
	at, err := lastHeard(tx)
	if err != nil {
		return c, err
	}
	switch {
	case at.IsZero():
		return c.Is(launch.Todo, "None has come yet."), nil
	case tx.Now().Sub(at) > heardFor:
		return c.Is(launch.Warn, "None has come since "+at.Format("2 Jan 2006")+"."), nil
	}
	return c.Is(launch.Done, "The last came on "+at.Format("2 Jan 2006, 15:04")+"."), nil
}

func lastHeard(tx *store.Tx) (time.Time, error) {
	var at int64
	err := tx.QueryRow(`SELECT received_at FROM billing_event WHERE received_at > 0 AND source = 'webhook' ORDER BY received_at DESC, id DESC LIMIT 1`).Scan(&at)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	return time.UnixMilli(at).UTC(), err
}

func priceCheck(tx *store.Tx) (launch.Check, error) {
	c := launch.Check{Key: "billing.prices", System: "billing", Title: "Plans are sold at prices that Stripe has", Link: "/-/admin/billing/plans", Blocks: true,
		Why: "A price that is missing or inactive at Stripe is an error on the day on which somebody wants to pay.",
		Fix: "Give each plan the ids of its prices (price_...) under Billing, Plans; they must be active and of the same mode as the key."}
	var plan string
	err := tx.QueryRow(`SELECT key FROM billing_plan WHERE kind = 'plan' AND archived_at IS NULL ORDER BY key LIMIT 1`).Scan(&plan)
	if errors.Is(err, store.ErrNotFound) {
		return c.Is(launch.Todo, "There is no plan that can be bought."), nil
	}
	if err != nil {
		return c, err
	}
	bad, err := faultyPrices(tx)
	if err != nil {
		return c, err
	}
	return c.Holds(len(bad) == 0, "All that are offered were found.", "Not so for "+strings.Join(bad, ", ")+"."), nil
}

// faultyPrices are some that are offered and cannot be paid.
func faultyPrices(tx *store.Tx) ([]string, error) {
	return store.All(tx, func(r store.Scanner) (text string, err error) {
		var id, plan string
		err = r.Scan(&id, &plan)
		return id + " of " + plan, err
	}, `SELECT id, plan FROM billing_price WHERE plan > '' AND offered = 1 AND (fault <> '' OR active = 0) ORDER BY plan, id LIMIT 5`)
}

func alarmsCheck(tx *store.Tx) (launch.Check, error) {
	c := launch.Check{Key: "billing.alarms", System: "billing", Title: "No alarm of billing is open", Link: "/-/admin/billing",
		Why: "Each is something that Stripe says and we do not understand, or money that is in dispute.", Fix: "Look at each under Billing."}
	open, err := openAlarms(tx)
	if err != nil || len(open) == 0 {
		return c.Is(launch.Done, "There is none."), err
	}
	urgent, err := urgentAlarms(tx)
	if err != nil {
		return c, err
	}
	for _, a := range urgent {
		if a.Kind == alarmCheck || a.Kind == alarmMode || a.Kind == alarmMissing {
			c.Blocks = true
			return c.Is(launch.Todo, a.About), nil
		}
	}
	return c.Is(launch.Warn, fmt.Sprintf("%d open: %s", len(open), open[0].About)), nil
}
