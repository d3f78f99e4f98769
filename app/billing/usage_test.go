package billing_test

import (
	"testing"
)

func TestADowngradeIsHeldAgainstWhatIsUsed(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	app := m.Key("payments:report")
	told := func(used object) string {
		return app.Do("PUT", api+"usage", "application/json", `{"org":"`+m.org+`","used":{"projects":`+used["projects"].(string)+`}}`).Want(200).Body
	}
	if got := told(object{"projects": "12"}); got != `{"over_limit":[]}`+"\n" {
		t.Errorf("pro limits no projects: %s", got)
	}
	p := m.ada.PostJSON(api+"change/preview", object{"price": m.price("basic", "month")}).WantProblem(409, "limit_used")
	if want := "More is used than Basic gives: 12 projects where 3 are paid for. Remove some first, or choose a larger plan."; p.Detail != want {
		t.Error(p.Detail)
	}
	told(object{"projects": "2"})
	m.changes(object{"price": m.price("basic", "month")}, "scheduled")
	told(object{"projects": "5"}) // by the time it comes there are more
	m.pass(32)
	m.ada.Get(api+"entitlements").Want(200, `"over_limit":["projects"]`, `"projects":5`)
	m.ada.Get("/-/org/"+m.Query(`SELECT slug FROM auth_org WHERE id = ?`, m.org)+"/billing").Want(200, "5 of 3", "over the limit")
	if got := m.Query(`SELECT about FROM billing_alarm WHERE cleared_at IS NULL AND kind = 'over_limit'`); got != "An organization has 5 projects where 3 are paid for. Nothing was removed." {
		t.Error(got)
	}
	told(object{"projects": "3"})
	if got := m.Query(`SELECT cast(count(*) AS TEXT) FROM billing_alarm WHERE cleared_at IS NULL AND kind = 'over_limit'`); got != "0" {
		t.Error("the alarm stays")
	}
}

func TestUsageIsChecked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	app := s.Key("payments:report")
	for body, field := range map[string]string{
		`{"org":"","used":{"projects":1}}`: "org", `{"org":"org_none","used":{"projects":1}}`: "org", `{"org":"` + s.org + `","used":{}}`: "used",
		`{"org":"` + s.org + `","used":{"seats":1}}`: "used", `{"org":"` + s.org + `","used":{"Projects":1}}`: "used", `{"org":"` + s.org + `","used":{"projects":-1}}`: "used",
	} {
		app.Do("PUT", api+"usage", "application/json", body).WantProblem(422, "invalid", field)
	}
	s.owner.Do("PUT", api+"usage", "application/json", `{"org":"`+s.org+`","used":{"projects":1}}`).Want(403)
}
