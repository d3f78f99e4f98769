package stripesim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/webhook"
)

// heard is a shop that hears of one customer, under a fault.
func heard(t *testing.T, f Faults) *shop {
	t.Helper()
	s := newShop(t, "")
	s.must(s.Listen(t.Context(), "http://shop.test/hook", "whsec_old"))
	s.must(s.Roll(t.Context(), "whsec_new"))
	s.must(s.SetFaults(t.Context(), f))
	_, err := s.customers().New(&stripe.CustomerParams{})
	s.must(err)
	s.must(s.Settle(t.Context()))
	return s
}

func (p post) valid(_ *shop, secret string) bool {
	return webhook.ValidatePayloadIgnoringTolerance(p.body, p.header.Get("Stripe-Signature"), secret) == nil
}

// stamped reports whether it bears a time so far from now.
func stamped(s *shop, p post, off time.Duration) bool {
	return p.valid(s, "whsec_new") && strings.HasPrefix(p.header.Get("Stripe-Signature"), fmt.Sprintf("t=%d,", s.clock.Add(off).Unix()))
}

func TestAWebhookIsSigned(t *testing.T) {
	t.Parallel()
	s := heard(t, Faults{})
	if len(s.posts) != 1 || !s.posts[0].valid(s, "whsec_new") || s.posts[0].valid(s, "whsec_old") {
		t.Fatalf("%d posts", len(s.posts))
	}
	var e stripe.Event
	s.must(json.Unmarshal(s.posts[0].body, &e))
	if e.Type != "customer.created" || e.APIVersion != stripe.APIVersion || e.Livemode {
		t.Errorf("%s %s", e.Type, e.APIVersion)
	}
}

func TestFaultsOfWebhooks(t *testing.T) {
	t.Parallel()
	field := func(p post, name string) any {
		var o map[string]any
		if json.Unmarshal(p.body, &o) != nil {
			return "unreadable"
		}
		return o[name]
	}
	for _, c := range []struct {
		name  string
		fault Faults
		posts int
		holds func(s *shop, p post) bool
	}{
		{"duplicate", Faults{Duplicate: true}, 2, func(s *shop, p post) bool { return string(s.posts[1].body) == string(p.body) }},
		{"drop", Faults{Drop: 1}, 0, nil},
		{"delay", Faults{DelaySeconds: 60}, 0, nil},
		{"wrong secret", Faults{Secret: "wrong"}, 1, func(s *shop, p post) bool { return !p.valid(s, "whsec_new") && !p.valid(s, "whsec_old") }},
		{"old secret", Faults{Secret: "old"}, 1, func(s *shop, p post) bool { return !p.valid(s, "whsec_new") && p.valid(s, "whsec_old") }},
		{"both secrets", Faults{Secret: "both"}, 1, func(s *shop, p post) bool { return p.valid(s, "whsec_new") && p.valid(s, "whsec_old") }},
		{"truncated", Faults{Body: "truncate"}, 1, func(s *shop, p post) bool { return field(p, "id") == "unreadable" && !p.valid(s, "whsec_new") }},
		{"truncated but signed", Faults{Body: "truncate_signed"}, 1, func(s *shop, p post) bool { return field(p, "id") == "unreadable" && p.valid(s, "whsec_new") }},
		{"oversize", Faults{Body: "oversize"}, 1, func(_ *shop, p post) bool { return len(p.body) > 1<<20 }},
		{"dahlia", Faults{Body: "dahlia"}, 1, func(_ *shop, p post) bool { return field(p, "api_version") == "2026-08-26.dahlia" }},
		{"thin", Faults{Body: "thin"}, 1, func(_ *shop, p post) bool { return field(p, "object") == "v2.core.event" }},
		{"livemode", Faults{Body: "livemode"}, 1, func(_ *shop, p post) bool { return field(p, "livemode") == true }},
		{"future", Faults{Time: "future"}, 1, func(s *shop, p post) bool { return stamped(s, p, 10*time.Minute) }},
		{"old", Faults{Time: "old"}, 1, func(s *shop, p post) bool { return stamped(s, p, -10*time.Minute) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := heard(t, c.fault)
			if len(s.posts) != c.posts {
				t.Fatalf("%d posts, want %d", len(s.posts), c.posts)
			}
			if c.holds != nil && !c.holds(s, s.posts[0]) {
				t.Errorf("got %.300s %v", s.posts[0].body, s.posts[0].header)
			}
		})
	}
}

func TestWebhooksComeInAnotherOrder(t *testing.T) {
	t.Parallel()
	types := func(f Faults) (all []string) {
		s := newShop(t, "")
		s.must(s.Listen(t.Context(), "http://shop.test/hook", "whsec"))
		s.must(s.SetFaults(t.Context(), f))
		s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 1)
		s.must(s.Settle(t.Context()))
		for _, p := range s.posts {
			var e stripe.Event
			s.must(json.Unmarshal(p.body, &e))
			all = append(all, string(e.Type))
		}
		return all
	}
	straight, turned := types(Faults{}), types(Faults{Reorder: 1000})
	for i := range straight {
		if turned[len(turned)-1-i] != straight[i] {
			t.Fatalf("%v\n%v", straight, turned)
		}
	}
}

func TestAWebhookIsTriedForThreeDays(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	s.must(s.Listen(t.Context(), "http://shop.test/hook", "whsec"))
	s.reply = 503
	_, err := s.customers().New(&stripe.CustomerParams{})
	s.must(err)
	s.must(s.Advance(t.Context(), 71*time.Hour))
	if n := len(s.posts); n != len(pauses()) {
		t.Errorf("%d attempts before the last", n)
	}
	events := event.Client{B: s.b, Key: key}
	undelivered := func() (n int) {
		it := events.List(&stripe.EventListParams{DeliverySuccess: stripe.Bool(false)})
		for it.Next() {
			n++
		}
		s.must(it.Err())
		return n
	}
	if undelivered() != 1 {
		t.Error("the list of undelivered events is empty")
	}
	s.must(s.Advance(t.Context(), 48*time.Hour))
	if d := s.all("_delivery")[0]; d.str("state") != "failed" || len(s.posts) != len(pauses())+1 {
		t.Errorf("%s after %d", d.str("state"), len(s.posts))
	}
	s.reply = 200
	s.must(s.Redeliver(t.Context(), s.all("event")[0].str("id")))
	s.must(s.Settle(t.Context()))
	if undelivered() != 0 {
		t.Error("it is still undelivered")
	}
}
