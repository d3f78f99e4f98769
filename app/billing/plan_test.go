package billing_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

func (s *shop) plan(status int, body string) apptest.Page {
	s.T.Helper()
	return s.Key("payments:manage", "payments:read").Do("PUT", api+"plans", "application/json", body).Want(status)
}

func TestAPlanHasVersions(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.plan(409, `{"key":"team","kind":"plan","name":"Team"}`).WantProblem(409, "changed_meanwhile")
	s.plan(422, `{"key":"team","kind":"free","name":"Team","version":1}`).WantProblem(422, "invalid", "kind")
	s.plan(422, `{"key":"none","kind":"free","name":"None"}`).WantProblem(422, "invalid", "kind")
	s.plan(422, `{"key":"other","kind":"plan","name":"Other","prices":["price_team"]}`).WantProblem(422, "invalid", "prices")
	s.plan(422, `{"key":"Other","kind":"plan","name":"","limits":{"seats":{"value":-1}},"prices":["a b"]}`).WantProblem(422, "invalid", "key", "name", "limits", "prices")
	// The price stays listed: who has it has what the new version gives.
	s.plan(200, `{"key":"team","kind":"plan","name":"Team","rank":10,"version":1,"features":["reports","sso"],"limits":{"seats":{"value":9}},"prices":["price_team"],"comment":"more"}`)
	if e := s.may(); !e.Has("sso") || e.Has("basics") || e.Limits["seats"].Value != 9 {
		t.Errorf("%+v", e)
	}
	// It is not listed any more: who has it keeps what he had.
	s.stripe.Put("price_new", object{"object": "price", "active": true, "currency": "eur", "unit_amount": 5900, "recurring": object{"interval": "month", "interval_count": 1}})
	s.plan(200, `{"key":"team","kind":"plan","name":"Team","rank":10,"version":2,"features":["reports"],"limits":{},"prices":["price_new"]}`)
	s.RunJobs()
	if e := s.may(); !e.Has("sso") || e.Plan != "team" {
		t.Errorf("%+v", e)
	}
	s.SignUp("eve@example.com").PostJSON(api+"checkout", object{"price": "price_team"}).WantProblem(422, "invalid", "price")
	s.SignUp("bea@example.com").PostJSON(api+"checkout", object{"price": "price_new"}).Want(201)
	s.plan(200, `{"key":"team","kind":"plan","name":"Team","rank":10,"version":3,"features":["reports"],"limits":{},"prices":["price_new"],"archived":true}`)
	s.SignUp("cyd@example.com").PostJSON(api+"checkout", object{"price": "price_new"}).WantProblem(422, "invalid", "price")
	s.Browser().Get("/-/pricing").Want(200, "Free").Without("Team")
	s.owner.Get(api + "plans").Want(403)
}

func TestAddonsComeOnTop(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.stripe.Put("price_seats", object{"object": "price", "active": true, "currency": "eur", "unit_amount": 500, "recurring": object{"interval": "month", "interval_count": 1}})
	s.plan(200, `{"key":"seats","kind":"addon","name":"Seats","features":["support"],"limits":{"seats":{"value":5,"per_unit":true}},"prices":["price_seats"]}`)
	s.subscribe("sub_1", "active", object{"items": object{"object": "list", "data": []object{
		{"id": "si_1", "quantity": 2, "price": s.stripe.Objects["price_team"]}, {"id": "si_2", "quantity": 3, "price": s.stripe.Objects["price_seats"]}}}})
	s.changed()
	e := s.may()
	if e.Plan != "team" || e.Limits["seats"].Value != 2+15 || !e.Has("support") || !e.Has("reports") || !e.Limits["projects"].Unlimited {
		t.Errorf("%+v", e)
	}
}

func TestPricesAreMadeAtStripe(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.plan(200, `{"key":"solo","kind":"plan","name":"Solo","make_prices":[{"currency":"eur","unit_amount":900,"interval":"month"},{"currency":"eur","unit_amount":9000,"interval":"year"}]}`)
	s.RunJobs()
	s.Browser().Get("/-/pricing").Want(200, "Solo", "9.00 EUR a month")
	s.Browser().Get("/-/pricing?interval=year").Want(200, "90.00 EUR a year")
	if n := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_price WHERE plan = 'solo' AND offered = 1 AND active = 1`); n != "2" {
		t.Errorf("%s prices", n)
	}
}

func TestWithoutPlansEverythingIsOpen(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	e, err := a.Billing.Entitlements(t.Context(), a.PersonalOrg("ada@example.com"))
	a.Must(err)
	if e.Access != billing.AccessFull || e.Plan != "" {
		t.Errorf("%+v", e)
	}
}

// entitled answers what the org of the request may use, as a program inside asks.
func entitled(c *config.Config, o *app.Options) {
	o.Extend = func(*app.App) app.Extension {
		return app.Extension{Routes: []web.Route{{Method: "GET", Pattern: "/-/api/v1/may", Access: web.SignedIn, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return web.JSON(w, 200, map[string]bool{"reports": billing.Entitled(r.Context(), "reports"), "sso": billing.Entitled(r.Context(), "sso")})
		}}}}
	}
}

func TestWhatThePlanGivesIsKnownEverywhere(t *testing.T) {
	t.Parallel()
	s := newShop(t, entitled)
	s.owner.Get("/-/api/v1/may").Want(200, `"reports":false`)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.owner.Get("/-/api/v1/may").Want(200, `"reports":true`, `"sso":false`)
	if billing.Entitled(context.Background(), "reports") {
		t.Error("outside of a request everything is given")
	}
	parts := strings.Split(s.SignInProgram("ada@example.com").Access, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	s.Must(err)
	if !strings.Contains(string(claims), `"plan":"team","entitlements":["basics","reports"]`) {
		t.Errorf("%s", claims)
	}
	s.Key("flags:*").Do("PUT", "/-/api/v1/flags/team-only", "application/json", `{"definition":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"==":[{"var":"plan"},"team"]},"on","off"]}}}`)
	s.Key("flags:evaluate").PostJSON("/-/ofrep/v1/evaluate/flags/team-only", object{"context": object{"targetingKey": s.UserID("ada@example.com"), "plan": "of my own"}}).Want(200, `"variant":"on"`)
}

func TestTheEndpointIsMadeAndPinned(t *testing.T) {
	t.Parallel()
	f := apptest.NewStripe()
	a := apptest.New(t, apptest.Selling(f), func(c *config.Config, o *app.Options) {
		c.StripeHooks, c.URL, c.SMTPURL, c.StripeKey = "auto", "https://app.example.com", "smtp://mail.example.com", "sk_test_x"
		c.RateLimits = "on"
	})
	a.RunJobs()
	var endpoint object
	for id, o := range f.Objects {
		if strings.HasPrefix(id, "we_") {
			endpoint = o
		}
	}
	if endpoint["api_version"] != "2023-10-16" || endpoint["url"] != "https://app.example.com/-/webhooks/stripe" {
		t.Fatalf("%v", endpoint)
	}
	if sealed := a.Query(`SELECT cast(sealed AS TEXT) FROM billing_mark WHERE name LIKE 'endpoint%'`); sealed == "" || strings.Contains(sealed, "whsec_") {
		t.Error("the secret is not sealed")
	}
	s := &shop{App: a, stripe: f}
	body := s.event("evt_1", "customer.updated", "customer", "cus_1")
	s.send(body, s.sign(body, "whsec_made_by_stripe", a.Clock.Now())).Want(200, "taken")
}
