package billing_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

func TestFault23OurClockIsWrong(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		f := apptest.NewStripe()
		f.Clock = func() time.Time { return apptest.Epoch.Add(off) }
		s := &shop{App: apptest.New(t, apptest.Selling(f)), stripe: f}
		s.RunJobs()
		body := s.event("evt_1", "customer.updated", "customer", "cus_1")
		s.send(body, s.sign(body, secret, f.Clock())).WantProblem(400, "bad_time")
		found := false
		for _, h := range s.Health() {
			found = found || h.Name == "Billing" && h.Kind == "warn" && strings.Contains(h.Detail, "10m0s away from Stripe's")
		}
		if !found {
			t.Errorf("health does not name the skew: %+v", s.Health())
		}
		if b := s.Billing.Banner(); b == nil || !strings.Contains(b.Text, "clock") {
			t.Errorf("%+v", b)
		}
	}
}

func TestAKeyThatStripeRefuses(t *testing.T) {
	t.Parallel()
	f := apptest.NewStripe()
	f.Fails(func(*http.Request) *http.Response { return apptest.FailingStripe(401, "") })
	a := apptest.New(t, apptest.Selling(f))
	a.RunJobs()
	setup, open, err := a.Billing.Trouble(t.Context())
	if err != nil || !strings.Contains(setup, "refuses the key") || open != 1 {
		t.Errorf("%q, %d, %v", setup, open, err)
	}
}

func TestThoseWhoPayAreToldOnEveryPage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.SignUp("bob@example.com")
	s.org = s.SharedOrg("engines", "Engines", map[string]string{"ada@example.com": "rol_owner", "bob@example.com": "rol_member"})
	s.stripe.Put("cus_1", object{"metadata": object{"seaworthy_org": s.org}})
	s.owner.Get("/-/org/engines/members").Want(200).Without("overdue")
	s.behind(nil)
	s.owner.Get("/-/org/engines/members").Want(200, "49.00 EUR is overdue. Pay by 6 Dec 2026")
	bob := s.Browser()
	bob.Post("/-/login", "email", "bob@example.com", "password", apptest.Password)
	bob.Get("/-/org/engines/members").Want(200).Without("overdue")
}

func TestSeatsAreNotExceeded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	gil := s.Verified("gil@example.com")
	s.org = s.SharedOrg("engines", "Engines", map[string]string{"gil@example.com": "rol_owner"})
	s.stripe.Put("cus_1", object{"metadata": object{"seaworthy_org": s.org}})
	invite := func(email string) apptest.Page {
		return gil.PostJSON("/-/api/v1/orgs/"+s.org+"/invitations", object{"email": email, "role": "rol_member"})
	}
	invite("bob@example.com").WantProblem(409, "no_seat") // the free plan gives one
	two := object{"object": "list", "data": []object{{"id": "si_1", "quantity": 2, "price": s.stripe.Objects["price_team"]}}}
	s.subscribe("sub_1", "active", object{"items": two})
	s.changed()
	invite("bob@example.com").Want(201)
	s.subscribe("sub_1", "unpaid", object{"items": two})
	s.changed()
	invite("eve@example.com").WantProblem(402, "restricted")
}
