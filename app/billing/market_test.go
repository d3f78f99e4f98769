package billing_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/config"
)

// market is an app that sells by the offline Stripe, with a buyer.
type market struct {
	*apptest.App
	ada *apptest.Browser
	key *apptest.Browser
	org string
}

// newMarket sells a small, a middle and a large plan; ada has none yet.
func newMarket(t *testing.T) *market {
	t.Helper()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.StripeSim, c.StripeMinimum = "on", 100 })
	m := &market{App: a, ada: a.SignUp("ada@example.com"), org: a.PersonalOrg("ada@example.com")}
	m.key = a.Key("payments:manage", "payments:read")
	for _, p := range []string{`{"key":"free","kind":"free","name":"Free"}`,
		`{"key":"basic","kind":"plan","name":"Basic","rank":5,"features":["basics"],"limits":{"seats":{"value":2},"projects":{"value":3}},"make_prices":[{"currency":"eur","unit_amount":1900,"interval":"month"}]}`,
		`{"key":"team","kind":"plan","name":"Team","rank":10,"trial_days":14,"features":["basics","reports"],"limits":{"seats":{"value":1,"per_unit":true}},"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"},{"currency":"eur","unit_amount":49000,"interval":"year"}]}`,
		`{"key":"pro","kind":"plan","name":"Pro","rank":20,"features":["basics","reports","sso"],"make_prices":[{"currency":"eur","unit_amount":9900,"interval":"month"}]}`} {
		m.key.Do("PUT", api+"plans", "application/json", p).Want(200)
	}
	m.settle()
	return m
}

// settle has everything done that is due, here and at the offline Stripe.
func (m *market) settle() {
	m.T.Helper()
	for range 2 {
		m.Must(m.Simulator.Settle(m.T.Context()))
		m.RunJobs()
	}
}

// pass lets days go by: the last two one after the other, those before at once.
func (m *market) pass(days int) {
	m.T.Helper()
	if days > 2 {
		m.Clock.Advance(time.Duration(days-2) * oneDay)
		m.settle()
		days = 2
	}
	for range days {
		m.Clock.Advance(oneDay)
		m.settle()
	}
	m.ada = m.Browser()
	m.ada.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)
}

func (m *market) price(plan, interval string) string {
	return m.Query(`SELECT id FROM billing_price WHERE plan = ? AND interval = ?`, plan, interval)
}

// buys has ada buy a price with a card that works; "" is none, for a trial.
func (m *market) buys(price, card string, quantity int) {
	m.T.Helper()
	m.ada.PostJSON(api+"checkout", object{"price": price, "quantity": quantity}).Want(201)
	session := m.Query(`SELECT remote_id FROM billing_intent WHERE kind = 'checkout' AND state = 'open'`)
	_, _, err := m.Simulator.CompleteCheckout(m.T.Context(), session, card, false)
	m.Must(err)
	m.settle()
}

func (m *market) want(plan string, state billing.State, access string) {
	m.T.Helper()
	e, err := m.Billing.Entitlements(m.T.Context(), m.org)
	m.Must(err)
	if e.Plan != plan || e.State != state || e.Access != access {
		m.T.Errorf("plan %q, %s, %s; want %q, %s, %s", e.Plan, e.State, e.Access, plan, state, access)
	}
}

func (m *market) preview(in object) (p billing.Preview) {
	m.T.Helper()
	m.ada.PostJSON(api+"change/preview", in).Want(201).JSON(&p)
	return p
}

// changes previews a change and applies it.
func (m *market) changes(in object, state string) billing.Preview {
	m.T.Helper()
	p := m.preview(in)
	m.ada.PostJSON(api+"change", object{"preview": p.ID}).Want(200, `"state":"`+state+`"`)
	m.settle()
	return p
}

type subscribed struct {
	Status, Plan, Paused, Discount string
	CancelAtEnd                    bool      `json:"cancel_at_period_end"`
	PeriodEnd                      time.Time `json:"period_end"`
	TrialEnd                       time.Time `json:"trial_end"`
	PausedFrom                     time.Time `json:"paused_from"`
	Items                          []struct {
		Price    string
		Quantity int64
	}
	Scheduled *struct {
		Plan     string
		Quantity int64
		At       time.Time
	}
}

func (m *market) sub() subscribed {
	m.T.Helper()
	var out struct{ Data []subscribed }
	m.ada.Get(api + "subscription").Want(200).JSON(&out)
	if len(out.Data) == 0 {
		m.T.Fatal("there is no subscription")
	}
	return out.Data[0]
}

// mailed counts the mails to ada whose subject has some words.
func (m *market) mailed(words string) (n int) {
	for _, mail := range m.Mails("ada@example.com") {
		if strings.Contains(mail.Subject, words) {
			n++
		}
	}
	return n
}

// billed is the total of the newest invoice.
func (m *market) billed() string {
	return m.Query(`SELECT cast(total AS TEXT) FROM billing_invoice ORDER BY created_at DESC, total DESC LIMIT 1`)
}
