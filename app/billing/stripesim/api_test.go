package stripesim

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

func TestSameSeedGivesTheSameIDs(t *testing.T) {
	t.Parallel()
	a, b := newShop(t, ""), newShop(t, "")
	if x, y := a.price(1000, "eur", "month").ID, b.price(1000, "eur", "month").ID; x != y || x == a.price(1000, "eur", "month").ID {
		t.Errorf("ids %s and %s", x, y)
	}
}

func TestAKeyIsAnsweredOnceAndRefusedForSomethingElse(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	ask := func(name string) (*stripe.Customer, error) {
		p := &stripe.CustomerParams{Name: &name}
		p.SetIdempotencyKey("one")
		return s.customers().New(p)
	}
	first, err := ask("Ada")
	s.must(err)
	again, err := ask("Ada")
	s.must(err)
	if first.ID != again.ID || len(s.all("customer")) != 1 {
		t.Errorf("%s and %s, %d customers", first.ID, again.ID, len(s.all("customer")))
	}
	_, err = ask("Grace")
	if e := failure(t, err); e.Type != stripe.ErrorTypeIdempotency || e.HTTPStatusCode != 400 {
		t.Errorf("got %v", e)
	}
}

// Of two requests with one key that come at once, the second does nothing of its own.
func TestAKeyHoldsForRequestsAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	var all sync.WaitGroup
	ids := make([]string, 64)
	for i := range ids {
		all.Go(func() {
			p := &stripe.CustomerParams{Name: stripe.String("Ada")}
			p.SetIdempotencyKey("one")
			if c, err := s.customers().New(p); err == nil {
				ids[i] = c.ID
			}
		})
	}
	all.Wait()
	slices.Sort(ids)
	if n := len(s.all("customer")); n != 1 || ids[0] == "" || len(slices.Compact(ids)) != 1 {
		t.Errorf("%d customers, the answers name %v", n, ids)
	}
}

func TestUnknownParametersAndObjectsAreRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	p := &stripe.CustomerParams{}
	p.AddExtra("nmae", "Ada")
	_, err := s.customers().New(p)
	if e := failure(t, err); e.Code != stripe.ErrorCodeParameterUnknown || e.Param != "nmae" || len(s.all("customer")) != 0 {
		t.Errorf("got %v", e)
	}
	_, err = s.customers().Get("cus_none", nil)
	if e := failure(t, err); e.Code != stripe.ErrorCodeResourceMissing || e.HTTPStatusCode != 404 || e.RequestID == "" {
		t.Errorf("got %v", e)
	}
}

func TestListsAreWalkedByCursors(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	made := map[string]bool{}
	for range 7 {
		c, err := s.customers().New(&stripe.CustomerParams{})
		s.must(err)
		made[c.ID] = true
	}
	l := &stripe.CustomerListParams{}
	l.Limit = stripe.Int64(3)
	n := 0
	it := s.customers().List(l)
	for it.Next() {
		n++
		delete(made, it.Customer().ID)
	}
	s.must(it.Err())
	if n != 7 || len(made) != 0 {
		t.Errorf("saw %d, missed %v", n, made)
	}
}

func TestWhatIsReferredToIsExpanded(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 1)
	p := &stripe.SubscriptionParams{}
	p.AddExpand("latest_invoice.payment_intent.payment_method")
	got, err := s.subscriptions().Get(sub.ID, p)
	s.must(err)
	if last4 := got.LatestInvoice.PaymentIntent.PaymentMethod.Card.Last4; last4 != "4242" {
		t.Errorf("last4 %q", last4)
	}
	p.AddExpand("a.b.c.d.e")
	_, err = s.subscriptions().Get(sub.ID, p)
	failure(t, err)
}

func TestAStateOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newShop(t, dir)
	sub := s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 2)
	s.must(s.Advance(t.Context(), 48*time.Hour))
	at := s.Now()
	s.must(s.Sim.Close())
	s.open(dir)
	got, err := s.subscriptions().Get(sub.ID, nil)
	s.must(err)
	if got.Items.Data[0].Quantity != 2 || !s.Now().Equal(at) {
		t.Errorf("quantity %d at %s, want 2 at %s", got.Items.Data[0].Quantity, s.Now(), at)
	}
	if c, err := s.customers().New(&stripe.CustomerParams{}); err != nil || c.ID == sub.Customer.ID {
		t.Errorf("a new customer is %v, %v", c, err)
	}
}

func TestFaultsOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  string
		status int
	}{{"429", 429}, {"lock_timeout", 429}, {"500", 500}, {"500_retry", 500}, {"500_no_retry", 500}} {
		s := newShop(t, "")
		s.must(s.SetFaults(t.Context(), Faults{API: c.fault, APICalls: 1}))
		_, err := s.customers().New(&stripe.CustomerParams{})
		if e := failure(t, err); e.HTTPStatusCode != c.status || len(s.all("customer")) != 0 {
			t.Errorf("%s: %v", c.fault, e)
		}
		_, err = s.customers().New(&stripe.CustomerParams{})
		s.must(err)
	}
}

func TestAnAnswerThatIsLostIsGivenAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	p := &stripe.CustomerParams{Name: stripe.String("Ada")}
	p.SetIdempotencyKey("lost")
	s.must(s.SetFaults(t.Context(), Faults{API: "lost", APICalls: 1}))
	if _, err := s.customers().New(p); err == nil {
		t.Fatal("the answer came")
	}
	c, err := s.customers().New(p)
	s.must(err)
	if all := s.all("customer"); len(all) != 1 || all[0].str("id") != c.ID {
		t.Errorf("%d customers", len(all))
	}
}

func TestStaleReadsAnswerAsBefore(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	c, err := s.customers().New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	s.must(err)
	s.must(s.SetFaults(t.Context(), Faults{API: "stale"}))
	for range 2 {
		got, err := s.customers().Get(c.ID, nil)
		s.must(err)
		if got.Name != "Ada" {
			t.Errorf("name %q", got.Name)
		}
		_, err = s.customers().Update(c.ID, &stripe.CustomerParams{Name: stripe.String("Grace")})
		s.must(err)
	}
}

func FuzzParseForm(f *testing.F) {
	for _, s := range []string{"a=1", "items[0][price]=p&items[0][quantity]=2", "expand[]=a&expand[]=b", "a[=1", "a[b]=1&a=2", "[]=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, bad := parseForm(raw)
		if (got == nil) == (bad == nil) {
			t.Errorf("%q gives %v and %v", raw, got, bad)
		}
	})
}
