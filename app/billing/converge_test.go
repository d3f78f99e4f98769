package billing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
	"seaworthy/store"
)

// market is an app with many customers at the offline Stripe, where somebody else
// keeps changing things in the dashboard while much goes wrong on the way.
type market struct {
	*apptest.App
	dashboard *client.API
	rnd       *rand.Rand
	prices    []string
	customers []string
	bursts    int64 // customers of whom something new had come when the jobs ran
}

// envInt is a number from the environment, else the usual one.
func envInt(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a number above zero, not %q", name, text)
	}
	return n
}

// Ten events and more for each customer arrive twice, late, in another order, wrongly
// signed, cut or not at all, and Stripe's API fails meanwhile: in the end the mirror is
// what Stripe holds, and nobody got a mail twice. SEAWORTHY_CONVERGE sets how many
// customers there are, SEAWORTHY_CONVERGE_SEED what happens to them.
func TestFaultedEventsConverge(t *testing.T) {
	t.Parallel()
	n, seed := envInt(t, "SEAWORTHY_CONVERGE", 60), envInt(t, "SEAWORTHY_CONVERGE_SEED", 1)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with SEAWORTHY_CONVERGE=%d SEAWORTHY_CONVERGE_SEED=%d", n, seed)
		}
	})
	m := newMarket(t, n, uint64(seed))
	begun := m.begun()
	for round := range 12 {
		m.round(round)
	}
	fetches := m.begun() - begun
	m.calm()
	m.compare()
	m.noMailTwice()
	events := m.Query(`SELECT cast(count(*) AS TEXT) FROM billing_event`)
	got, _ := strconv.Atoi(events)
	t.Logf("%d customers, %s events, %d bursts, %d fetches, %s mails", n, events, m.bursts, fetches, m.Query(`SELECT cast(count(*) AS TEXT) FROM billing_notice WHERE state = 'sent'`))
	if got < 10*n {
		t.Errorf("only %d events came of %d customers", got, n)
	}
	if float64(fetches) > 1.5*float64(m.bursts) {
		t.Errorf("%d fetches for %d bursts", fetches, m.bursts)
	}
}

func newMarket(t *testing.T, n int, seed uint64) *market {
	t.Helper()
	m := &market{App: apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.StripeSim, c.StripeMinimum = "on", 100 }), rnd: rand.New(rand.NewPCG(seed, 0))}
	b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{HTTPClient: &http.Client{Transport: m.Simulator}, MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}})
	m.dashboard = client.New("sk_test_dashboard", &stripe.Backends{API: b})
	k := m.Key("payments:manage", "payments:read")
	for _, p := range []string{`{"key":"free","kind":"free","name":"Free"}`,
		`{"key":"team","kind":"plan","name":"Team","rank":10,"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"}]}`,
		`{"key":"pro","kind":"plan","name":"Pro","rank":20,"make_prices":[{"currency":"eur","unit_amount":9900,"interval":"month"}]}`} {
		k.Do("PUT", api+"plans", "application/json", p).Want(200)
	}
	m.RunJobs()
	m.Must(m.Simulator.Settle(t.Context()))
	m.prices = strings.Fields(m.Query(`SELECT group_concat(id, ' ') FROM billing_price`))
	for i := range n {
		email := fmt.Sprintf("owner%d@example.com", i)
		m.SignUp(email)
		c, err := m.dashboard.Customers.New(&stripe.CustomerParams{Email: &email, Metadata: map[string]string{"seaworthy_org": m.PersonalOrg(email)}})
		m.Must(err)
		m.card(c.ID, "pm_card_visa")
		m.customers = append(m.customers, c.ID)
		if i%100 == 99 {
			m.RunJobs()
		}
	}
	m.RunJobs()
	return m
}

func (m *market) begun() int64 { return m.Billing.Counts()[billing.Count{Of: "fetch", Which: "begun"}] }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// faults sets what goes wrong from here on.
func (m *market) faults(f stripesim.Faults) {
	m.T.Helper()
	m.Must(m.Simulator.SetFaults(m.T.Context(), f))
}

// round has a third of the customers changed, and the news of it come through.
func (m *market) round(no int) {
	m.T.Helper()
	r := m.rnd
	if no%3 == 0 { // what was sent before is signed with the old one
		m.Must(m.Simulator.Roll(m.T.Context(), m.Billing.Secrets[0].Value))
	}
	m.faults(stripesim.Faults{DelaySeconds: pick(r, 0, 0, 45, 400), FailPayments: r.IntN(len(m.customers)/10 + 1)})
	for _, c := range m.customers {
		if no == 0 || r.IntN(3) == 0 {
			m.change(c)
		}
	}
	m.faults(stripesim.Faults{Duplicate: r.IntN(2) == 0, Reorder: pick(r, 0, 3, 50), Drop: r.IntN(len(m.customers)/4 + 1),
		Secret: pick(r, "", "", "wrong", "old", "both"), Body: pick(r, "", "", "", "truncate", "truncate_signed", "dahlia"), Time: pick(r, "", "", "", "future", "old")})
	m.Must(m.Simulator.Settle(m.T.Context()))
	m.faults(stripesim.Faults{API: pick(r, "", "429", "lock_timeout", "500", "500_retry", "lost", "stale"), APICalls: 1 + r.IntN(len(m.customers)/2+1)})
	m.work()
	m.faults(stripesim.Faults{Duplicate: r.IntN(2) == 0, Reorder: pick(r, 0, 7)})
	m.pass(pick(r, time.Minute, 11*time.Minute, 40*time.Minute))
	if no%4 == 3 {
		m.pass(16 * oneDay) // periods end, trials end, payments are tried again
	}
}

// work runs the jobs, and counts of how many customers news has come.
func (m *market) work() {
	m.T.Helper()
	m.Must(m.DB.Read(m.T.Context(), func(tx *store.Tx) error {
		var n int64
		err := tx.QueryRow(`SELECT count(DISTINCT customer_id) FROM billing_event WHERE state = 'queued' AND coalesce(fetch_no, 0) = 0`).Scan(&n)
		m.bursts += n
		return err
	}))
	m.RunJobs()
}

// pass lets time go by, and what falls due happen.
func (m *market) pass(d time.Duration) {
	m.T.Helper()
	m.Clock.Advance(d)
	m.Must(m.Simulator.Settle(m.T.Context()))
	m.work()
}

// change does one thing to a customer, as a person does in Stripe's dashboard.
func (m *market) change(customer string) {
	m.T.Helper()
	var sub *stripe.Subscription
	list := m.dashboard.Subscriptions.List(&stripe.SubscriptionListParams{Customer: &customer})
	if list.Next() {
		sub = list.Subscription()
	}
	m.Must(list.Err())
	if sub == nil {
		_, err := m.dashboard.Subscriptions.New(&stripe.SubscriptionParams{Customer: &customer, Items: []*stripe.SubscriptionItemsParams{{Price: stripe.String(pick(m.rnd, m.prices...)), Quantity: stripe.Int64(1 + m.rnd.Int64N(5))}},
			TrialPeriodDays: pick(m.rnd, nil, nil, stripe.Int64(5))})
		m.declinedOr(err)
		return
	}
	p, err := &stripe.SubscriptionParams{}, error(nil)
	switch m.rnd.IntN(6) {
	case 0:
		p.CancelAtPeriodEnd = stripe.Bool(!sub.CancelAtPeriodEnd)
	case 1:
		_, err = m.dashboard.Subscriptions.Cancel(sub.ID, nil)
		p = nil
	case 2:
		p.Items = []*stripe.SubscriptionItemsParams{{ID: &sub.Items.Data[0].ID, Price: stripe.String(pick(m.rnd, m.prices...))}}
	case 3:
		p.Items = []*stripe.SubscriptionItemsParams{{ID: &sub.Items.Data[0].ID, Quantity: stripe.Int64(1 + m.rnd.Int64N(9))}}
	case 4: // one card that works, one that is charged in vain
		m.card(customer, pick(m.rnd, "pm_card_visa", "pm_card_chargeCustomerFail"))
		p = nil
	case 5:
		open := m.dashboard.Invoices.List(&stripe.InvoiceListParams{Customer: &customer, Status: stripe.String("open")})
		for err == nil && open.Next() {
			_, err = m.dashboard.Invoices.Pay(open.Invoice().ID, nil)
		}
		p = nil
	}
	if p != nil {
		_, err = m.dashboard.Subscriptions.Update(sub.ID, p)
	}
	m.declinedOr(err)
}

// card makes a card the one that a customer pays with.
func (m *market) card(customer, card string) {
	m.T.Helper()
	pm, err := m.dashboard.PaymentMethods.Attach(card, &stripe.PaymentMethodAttachParams{Customer: &customer})
	m.Must(err)
	_, err = m.dashboard.Customers.Update(customer, &stripe.CustomerParams{InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: &pm.ID}})
	m.Must(err)
}

// declinedOr fails the test on an error that is not the bank's no.
func (m *market) declinedOr(err error) {
	m.T.Helper()
	if e, is := err.(*stripe.Error); is && (e.Type == stripe.ErrorTypeCard || e.HTTPStatusCode == 402) {
		return
	}
	m.Must(err)
}

// calm lets all retries run out: Stripe's of webhooks, three days, and ours.
func (m *market) calm() {
	m.T.Helper()
	m.faults(stripesim.Faults{})
	for range 16 {
		m.pass(6 * time.Hour)
	}
}

// compare wants the mirror to be what Stripe holds, customer by customer.
func (m *market) compare() {
	m.T.Helper()
	divergent := 0
	for _, c := range m.customers {
		want, got := m.atStripe(c), m.mirrored(m.T.Context(), c)
		if !slices.Equal(got, want) {
			if divergent++; divergent <= 3 {
				m.T.Errorf("%s:\n got  %s\n want %s", c, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
			}
		}
	}
	if divergent > 0 {
		m.T.Errorf("%d of %d customers diverge", divergent, len(m.customers))
	}
	if n := m.Query(`SELECT cast(count(*) AS TEXT) FROM billing_event WHERE state <> 'done'`); n != "0" {
		m.T.Errorf("%s events are not done", n)
	}
}

func (m *market) atStripe(customer string) (rows []string) {
	m.T.Helper()
	subs := m.dashboard.Subscriptions.List(&stripe.SubscriptionListParams{Customer: &customer, Status: stripe.String("all"), ListParams: stripe.ListParams{Limit: stripe.Int64(100)}})
	for subs.Next() {
		s := subs.Subscription()
		it := s.Items.Data[0]
		rows = append(rows, fmt.Sprintf("%s %s %t %d %s %d", s.ID, s.Status, s.CancelAtPeriodEnd, s.CurrentPeriodEnd, it.Price.ID, it.Quantity))
	}
	m.Must(subs.Err())
	invoices := m.dashboard.Invoices.List(&stripe.InvoiceListParams{Customer: &customer, ListParams: stripe.ListParams{Limit: stripe.Int64(100)}})
	for invoices.Next() {
		i := invoices.Invoice()
		rows = append(rows, fmt.Sprintf("%s %s %d %d", i.ID, i.Status, i.AmountPaid, i.AmountRemaining))
	}
	m.Must(invoices.Err())
	slices.Sort(rows)
	return rows
}

func (m *market) mirrored(ctx context.Context, customer string) (rows []string) {
	m.T.Helper()
	m.Must(m.DB.Read(ctx, func(tx *store.Tx) error {
		subs, err := store.All(tx, func(r store.Scanner) (string, error) {
			var id, status, price string
			var end, quantity int64
			var ending bool
			err := r.Scan(&id, &status, &ending, &end, &price, &quantity)
			return fmt.Sprintf("%s %s %t %d %s %d", id, status, ending, end/1000, price, quantity), err
		}, `SELECT s.id, s.status, s.cancel_at_period_end, s.period_end, i.price_id, i.quantity FROM billing_subscription s JOIN billing_item i ON i.subscription_id = s.id WHERE s.customer_id = ?`, customer)
		if err != nil {
			return err
		}
		invoices, err := store.All(tx, func(r store.Scanner) (string, error) {
			var id, status string
			var paid, remaining int64
			err := r.Scan(&id, &status, &paid, &remaining)
			return fmt.Sprintf("%s %s %d %d", id, status, paid, remaining), err
		}, `SELECT id, status, amount_paid, amount_remaining FROM billing_invoice WHERE customer_id = ?`, customer)
		rows = slices.Concat(subs, invoices)
		return err
	}))
	slices.Sort(rows)
	return rows
}

// noMailTwice wants one mail for each notice, and none that its reader would call the
// same as another.
func (m *market) noMailTwice() {
	m.T.Helper()
	if got := m.Query(`SELECT (SELECT count(*) FROM email_message WHERE template LIKE 'billing/%') || ' ' || (SELECT count(*) FROM billing_notice WHERE state = 'sent')`); strings.Fields(got)[0] != strings.Fields(got)[1] || got == "0 0" {
		m.T.Errorf("mails and notices: %s", got)
	}
	if same := m.Query(`SELECT coalesce(group_concat(what, ', '), '') FROM (SELECT i.recipient || ': ' || i.subject || ' x' || count(*) AS what FROM email_inbox i JOIN email_inbox_body b ON b.id = i.id
		JOIN email_message e ON e.id = i.message_id WHERE e.template LIKE 'billing/%' GROUP BY i.recipient, i.subject, b.text HAVING count(*) > 1 LIMIT 5)`); same != "" {
		m.T.Errorf("the same mail twice: %s", same)
	}
}
