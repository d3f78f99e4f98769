package billing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app/billing"
	"seaworthy/store"
)

const goodCard = "4242424242424242"

func TestADowngradeComesWithTheNextPeriod(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	end := m.sub().PeriodEnd
	p := m.changes(object{"price": m.price("basic", "month")}, "scheduled")
	if p.When != "period_end" || p.DueNow != 0 || p.NextDue != 1900 || !p.At.Equal(end) || p.From != "pro" || p.To != "basic" {
		t.Errorf("%+v", p)
	}
	if !slices.Contains(p.Loses, "SSO") || !slices.Contains(p.Loses, "seats: 2 in place of any number") || len(p.Gains) != 0 {
		t.Errorf("loses %q, gains %q", p.Loses, p.Gains)
	}
	if n := m.Query(`SELECT cast(count(*) AS TEXT) FROM billing_invoice`); n != "1" {
		t.Errorf("%s invoices: something was charged", n)
	}
	m.want("pro", billing.Active, billing.AccessFull)
	if next := m.sub().Scheduled; next == nil || next.Plan != "basic" || !next.At.Equal(end) {
		t.Fatalf("%+v", next)
	}
	if m.mailed("changes to Basic on "+end.Format("2 Jan 2006")) != 1 {
		t.Error("nobody was told")
	}
	m.ada.PostJSON(api+"change/preview", object{"price": m.price("basic", "month")}).WantProblem(422, "invalid", "price")
	m.pass(32)
	m.want("basic", billing.Active, billing.AccessFull)
	if m.billed() != "1900" || m.mailed("has the Basic plan now") != 1 || m.sub().Scheduled != nil {
		t.Errorf("billed %s, %+v", m.billed(), m.sub())
	}
	m.pass(30)
	if m.billed() != "1900" || m.mailed("has the Basic plan now") != 1 || m.mailed("changes to Basic") != 1 {
		t.Error("it was told twice")
	}
}

func TestADowngradeIsTakenBack(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.ada.PostJSON(api+"change/withdraw", object{}).WantProblem(409, "nothing_scheduled")
	m.changes(object{"price": m.price("basic", "month")}, "scheduled")
	m.ada.PostJSON(api+"change/withdraw", object{}).Want(200, `"state":"done"`)
	m.settle()
	if m.sub().Scheduled != nil {
		t.Error("it is still to come")
	}
	m.pass(32)
	m.want("pro", billing.Active, billing.AccessFull)
	if m.billed() != "9900" || m.mailed("has the Basic plan now") != 0 {
		t.Errorf("billed %s", m.billed())
	}
}

// An upgrade, a cancellation, and another downgrade each take the place of one that waits.
func TestAnotherActReleasesADowngrade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(m *market)
		then func(m *market, s subscribed)
	}{
		"upgrade": {func(m *market) { m.changes(object{"price": m.price("pro", "month")}, "done") }, func(m *market, s subscribed) {
			if s.Plan != "pro" || s.Scheduled != nil {
				m.T.Errorf("%+v", s)
			}
		}},
		"cancel": {func(m *market) { m.ada.PostJSON(api+"cancel", object{}).Want(200); m.settle() }, func(m *market, s subscribed) {
			if !s.CancelAtEnd || s.Scheduled != nil {
				m.T.Errorf("%+v", s)
			}
			m.ada.PostJSON(api+"change/preview", object{"price": m.price("basic", "month")}).WantProblem(409, "ends_already")
		}},
		"fewer": {func(m *market) { m.changes(object{"quantity": 2}, "scheduled") }, func(m *market, s subscribed) {
			if s.Scheduled == nil || s.Scheduled.Plan != "team" || s.Scheduled.Quantity != 2 {
				m.T.Errorf("%+v", s.Scheduled)
			}
		}},
		"cancel now": {func(m *market) { m.ada.PostJSON(api+"cancel", object{"at": "now"}).Want(200); m.settle() }, func(m *market, _ subscribed) {
			m.want("free", billing.None, billing.AccessFull)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t)
			m.buys(m.price("team", "month"), goodCard, 3)
			m.ada.PostJSON(api+"trial/end", object{}).Want(200)
			m.settle()
			m.changes(object{"price": m.price("basic", "month")}, "scheduled")
			m.T = t
			c.act(m)
			c.then(m, m.sub())
		})
	}
}

func TestADowngradeNowIsTheOperatorsToAllow(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	smaller := object{"price": m.price("basic", "month"), "when": "now"}
	m.ada.PostJSON(api+"change/preview", smaller).WantProblem(409, "downgrade_waits")
	m.ada.Do("PUT", api+"settings", "application/json", `{"downgrade_now":true,"max_pause_days":0}`).Want(403)
	m.key.Do("PUT", api+"settings", "application/json", `{"downgrade_now":true,"max_pause_days":900}`).WantProblem(422, "invalid", "max_pause_days")
	m.key.Do("PUT", api+"settings", "application/json", `{"downgrade_now":true,"max_pause_days":0}`).Want(200)
	p := m.changes(smaller, "done")
	if p.When != "now" || p.DueNow != 0 || p.NextDue >= 0 && p.NextDue >= 1900 {
		t.Errorf("%+v", p)
	}
	m.want("basic", billing.Active, billing.AccessFull)
	if n := m.Query(`SELECT cast(count(*) AS TEXT) FROM audit_event WHERE action = 'billing_setting.changed'`); n != "1" {
		t.Errorf("%s events", n)
	}
}

// Seats were counted when the downgrade was asked for; by the time it comes there are more.
func TestADowngradeThatDoesNotFitAnyMoreRemovesNobody(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	for _, name := range []string{"bob", "eve"} {
		m.SignUp(name + "@example.com")
	}
	m.org = m.SharedOrg("engines", "Engines", map[string]string{"ada@example.com": "rol_owner", "bob@example.com": "rol_member"})
	q := "?org=engines"
	m.ada.PostJSON(api+"checkout"+q, object{"price": m.price("pro", "month")}).Want(201)
	_, _, err := m.Simulator.CompleteCheckout(t.Context(), m.Query(`SELECT remote_id FROM billing_intent WHERE kind = 'checkout'`), goodCard, false)
	m.Must(err)
	m.settle()
	var p billing.Preview
	m.ada.PostJSON(api+"change/preview"+q, object{"price": m.price("basic", "month")}).Want(201).JSON(&p)
	m.ada.PostJSON(api+"change"+q, object{"preview": p.ID}).Want(200)
	m.settle()
	m.Must(m.DB.Write(t.Context(), func(tx *store.Tx) error { // an invitation that went out before
		_, err := tx.Exec(`INSERT INTO auth_membership (org_id, user_id, created_at) VALUES (?, ?, 1)`, m.org, m.UserID("eve@example.com"))
		return err
	}))
	m.pass(32)
	m.want("basic", billing.Active, billing.AccessFull)
	m.ada.Get(api+"entitlements"+q).Want(200, `"over_limit":["seats"]`)
	if got := m.Query(`SELECT kind FROM billing_alarm WHERE cleared_at IS NULL AND kind = 'over_limit'`); got != "over_limit" {
		t.Error(got)
	}
	found := false
	for _, mail := range m.Mails("ada@example.com") {
		found = found || strings.Contains(mail.Text, "3 members where 2 are paid for")
	}
	if !found {
		t.Error("nobody was told that it does not fit")
	}
}

func TestIntervalsAndSeatsUpAndDown(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("team", "month"), goodCard, 2)
	m.ada.PostJSON(api+"trial/end", object{}).Want(200)
	m.settle()
	if p := m.changes(object{"quantity": 4}, "done"); p.DueNow == 0 || p.When != "now" {
		t.Errorf("more seats: %+v", p)
	}
	if p := m.preview(object{"quantity": 3}); p.When != "period_end" || p.DueNow != 0 || p.NextDue != 3*4900 {
		t.Errorf("fewer seats: %+v", p)
	}
	if p := m.changes(object{"price": m.price("team", "year"), "quantity": 4}, "done"); p.When != "now" || p.DueNow < 4*40000 {
		t.Errorf("to a year: %+v", p)
	}
	if p := m.changes(object{"price": m.price("team", "month"), "quantity": 4}, "scheduled"); p.DueNow != 0 || !p.At.Equal(m.sub().PeriodEnd) {
		t.Errorf("back to months: %+v", p)
	}
	m.ada.PostJSON(api+"change/preview", object{"quantity": -1}).WantProblem(422, "invalid", "quantity")
	m.ada.PostJSON(api+"change/preview", object{"price": m.price("pro", "month"), "when": "soon"}).WantProblem(422, "invalid", "when")
}

func TestATrialIsEndedAndExtended(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("team", "month"), goodCard, 1)
	s := m.sub()
	if s.Status != "trialing" {
		t.Fatalf("%+v", s)
	}
	if p := m.changes(object{"quantity": 5}, "done"); p.DueNow != 0 || p.When != "now" {
		t.Errorf("on trial: %+v", p)
	}
	m.ada.PostJSON(api+"trial/end", object{}).Want(200)
	m.settle()
	m.pass(1)
	if got := m.sub(); got.Status != "active" || m.billed() != "24500" {
		t.Errorf("%+v, billed %s", got, m.billed())
	}
	m.ada.PostJSON(api+"trial/end", object{}).WantProblem(409, "no_trial")
}

// Stripe's clock may be a little ahead of ours: its word counts that the period began.
func TestADowngradeAndAPauseBeginByStripesClock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	start, end := s.Clock.Now().Unix(), s.Clock.Now().AddDate(0, 1, 0).Unix()
	item := func(price string) object {
		return object{"object": "list", "data": []object{{"id": "si_1", "quantity": 1, "price": s.stripe.Objects[price]}}}
	}
	phase := func(price string, from int64) object {
		return object{"start_date": from, "items": []object{{"price": price, "quantity": 1}}}
	}
	phases := []object{phase("price_pro", start), phase("price_team", end)}
	s.subscribe("sub_1", "active", object{"items": item("price_pro"), "schedule": object{"id": "sub_sched_1", "status": "active", "current_phase": object{"start_date": start}, "phases": phases}})
	s.changed()
	s.Clock.Advance(time.Unix(end, 0).Sub(s.Clock.Now()) - time.Minute)
	s.subscribe("sub_1", "active", object{"items": item("price_team"), "current_period_start": end, "current_period_end": end + 30*86400,
		"schedule": object{"id": "sub_sched_1", "status": "active", "current_phase": object{"start_date": end}, "phases": phases}})
	s.changed()
	told := 0
	for _, mail := range s.Mails("ada@example.com") {
		if strings.Contains(mail.Subject, "has the Team plan now") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	s.stripe.Put("sub_1", object{"pause_collection": object{"behavior": "void"}, "schedule": nil})
	s.changed()
	s.wantAccess(billing.Active, billing.AccessFull)
	s.stripe.Put("sub_1", object{"current_period_start": end + 30*86400, "current_period_end": end + 60*86400})
	s.changed()
	s.wantAccess(billing.Paused, billing.AccessRead)
}
