package billing_test

import (
	"testing"

	"seaworthy/app/billing"
)

func TestAnOwnerPausesAndItGoesOnByItself(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-02-01"}).WantProblem(403, "pause_not_offered")
	m.key.Do("PUT", api+"settings", "application/json", `{"downgrade_now":false,"max_pause_days":60}`).Want(200)
	end := m.sub().PeriodEnd // 22 Dec 2026
	m.ada.PostJSON(api+"pause", object{}).WantProblem(422, "invalid", "resumes_on")
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2026-12-01"}).WantProblem(422, "invalid", "resumes_on")
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-06-01"}).WantProblem(422, "invalid", "resumes_on")
	m.ada.PostJSON(api+"pause", object{"resumes_on": "soon"}).WantProblem(422, "invalid", "resumes_on")
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-02-01", "behavior": "mark_uncollectible"}).Want(403)
	m.changes(object{"price": m.price("basic", "month")}, "scheduled")
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-02-01"}).Want(200)
	m.settle()
	if s := m.sub(); s.Paused != "void" || !s.PausedFrom.Equal(end) || s.Scheduled != nil {
		t.Errorf("%+v", s)
	}
	m.want("pro", billing.Active, billing.AccessFull) // what is paid for is used first
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-02-01"}).WantProblem(409, "paused")
	m.ada.PostJSON(api+"change/preview", object{"price": m.price("basic", "month")}).WantProblem(409, "paused")
	m.pass(31)
	m.want("pro", billing.Paused, billing.AccessRead)
	m.ada.Get("/-/account").Want(200)
	if s := m.sub(); s.Status != "active" || !s.PausedFrom.Equal(end) {
		t.Errorf("%+v", s)
	}
	if got := m.Query(`SELECT status FROM billing_invoice WHERE reason = 'subscription_cycle'`); got != "void" {
		t.Errorf("the invoice is %s", got)
	}
	m.pass(41) // the first of February
	m.want("pro", billing.Active, billing.AccessFull)
	if m.mailed("is paused from 22 Dec 2026") != 1 || m.mailed("goes on") != 1 {
		t.Error("mails")
	}
}

func TestAPauseIsEndedByHand(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.key.Do("PUT", api+"settings", "application/json", `{"downgrade_now":false,"max_pause_days":60}`).Want(200)
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-02-01"}).Want(200)
	m.settle()
	m.ada.PostJSON(api+"resume", object{}).Want(200)
	m.settle()
	if m.mailed("goes on") != 0 {
		t.Error("nothing had stopped")
	}
	m.ada.PostJSON(api+"pause", object{"resumes_on": "2027-02-01"}).Want(200)
	m.settle()
	m.pass(32)
	m.want("pro", billing.Paused, billing.AccessRead)
	m.ada.PostJSON(api+"resume", object{}).Want(200)
	m.settle()
	m.want("pro", billing.Active, billing.AccessFull)
	if m.mailed("goes on") != 1 {
		t.Error("nobody was told")
	}
}

// The event that begins a pause may be lost: the sweep looks by itself.
func TestAPauseCountsWithoutAnEvent(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", object{"pause_collection": object{"behavior": "void", "resumes_at": s.Clock.Now().Add(60 * oneDay).Unix()}})
	s.changed()
	s.wantAccess(billing.Active, billing.AccessFull)
	s.Clock.Advance(32 * oneDay)
	s.RunJobs()
	s.wantAccess(billing.Paused, billing.AccessRead)
	s.stripe.Put("sub_1", object{"pause_collection": nil}) // nor does the one come that ends it
	s.Clock.Advance(29 * oneDay)
	s.RunJobs()
	s.wantAccess(billing.Active, billing.AccessFull)
}

// A trial that ended without a card is another thing than a pause on somebody's wish,
// and the kinds of pause that go on giving do.
func TestKindsOfPause(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", object{"pause_collection": object{"behavior": "keep_as_draft"}})
	s.changed()
	s.wantAccess(billing.Active, billing.AccessFull)
	s.subscribe("sub_1", "active", object{"pause_collection": object{"behavior": "mark_uncollectible"}, "current_period_end": s.Clock.Now().Unix() - 10})
	s.changed()
	s.wantAccess(billing.Active, billing.AccessFull)
	s.subscribe("sub_1", "paused", nil)
	s.changed()
	s.wantAccess(billing.Restricted, billing.AccessRead)
	s.owner.Get(api+"subscription").Want(200, `"status":"paused"`, `"state":"restricted"`)
}
