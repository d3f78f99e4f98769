package billing_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

const (
	secret = "whsec_of_the_endpoint"
	hook   = "/-/webhooks/stripe"
)

type object = map[string]any

// recorded is Stripe as tests need it: objects in the form of version 2023-10-16 of
// its API, which the test changes, and a list of what was asked.
type recorded struct {
	t       testing.TB
	mu      sync.Mutex
	objects map[string]object // by id
	calls   []string          // method and path
	keys    []string          // idempotency keys of calls that change something
	answer  map[string]object // first answers, by idempotency key
	before  func(r *http.Request) *http.Response
	onPost  func(path string, form url.Values) object
	next    int
}

// RoundTrip implements http.RoundTripper: no network is between.
func (f *recorded) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before != nil {
		if res := before(r); res != nil {
			if res.StatusCode == 0 {
				return nil, fmt.Errorf("connection reset")
			}
			return res, nil
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	f.serve(rec, r)
	res := rec.Result()
	res.Request = r
	return res, nil
}

// failing is an answer of Stripe's that is an error.
func failing(status int, code string) *http.Response {
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	rec.WriteHeader(status)
	json.NewEncoder(rec).Encode(object{"error": object{"type": "invalid_request_error", "code": code, "message": "no"}})
	return rec.Result()
}

func (f *recorded) serve(w http.ResponseWriter, r *http.Request) {
	body := ""
	if r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	f.calls = append(f.calls, r.Method+" "+path)
	form, _ := url.ParseQuery(body)
	if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method != "GET" {
		f.keys = append(f.keys, key)
		if first, again := f.answer[key]; again {
			reply(w, 200, first)
			return
		}
		out := f.change(r.Method, path, form)
		f.answer[key] = out
		reply(w, 200, out)
		return
	}
	if r.Method != "GET" {
		reply(w, 200, f.change(r.Method, path, form))
		return
	}
	parts := strings.Split(path, "/")
	if len(parts) == 1 {
		f.list(w, parts[0], r.URL.Query())
		return
	}
	if path == "invoices/upcoming" {
		if f.onPost != nil {
			reply(w, 200, f.onPost(path, r.URL.Query()))
			return
		}
	}
	if o := f.objects[parts[len(parts)-1]]; o != nil {
		reply(w, 200, o)
		return
	}
	reply(w, 404, object{"error": object{"type": "invalid_request_error", "code": "resource_missing", "message": "No such " + parts[0]}})
}

func (f *recorded) list(w http.ResponseWriter, kind string, q url.Values) {
	data := []object{}
	for _, o := range f.objects {
		of, _ := o["object"].(string)
		if of+"s" != kind || q.Get("customer") != "" && o["customer"] != q.Get("customer") || q.Get("status") == "open" && o["status"] != "open" {
			continue
		}
		data = append(data, o)
	}
	slices.SortFunc(data, func(a, b object) int { return strings.Compare(b["id"].(string), a["id"].(string)) })
	if end := q.Get("ending_before"); end != "" {
		if i := slices.IndexFunc(data, func(o object) bool { return o["id"] == end }); i >= 0 {
			data = data[:i]
		}
	}
	reply(w, 200, object{"object": "list", "url": "/v1/" + kind, "has_more": false, "data": data})
}

// change does what is asked, or what the test says.
func (f *recorded) change(method, path string, form url.Values) object {
	if f.onPost != nil {
		if o := f.onPost(method+" "+path, form); o != nil {
			return o
		}
	}
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	switch {
	case method == "DELETE" && parts[0] == "subscriptions":
		o := f.objects[last]
		o["status"], o["ended_at"], o["canceled_at"] = "canceled", apptest.Epoch.Unix(), apptest.Epoch.Unix()
		return o
	case len(parts) == 2 && f.objects[last] != nil:
		o := f.objects[last]
		if form.Get("cancel_at_period_end") != "" {
			o["cancel_at_period_end"] = form.Get("cancel_at_period_end") == "true"
		}
		return o
	}
	f.next++
	kind := map[string]string{"customers": "customer", "products": "product", "prices": "price", "sessions": "checkout.session", "webhook_endpoints": "webhook_endpoint"}[last]
	prefix := map[string]string{"customers": "cus", "products": "prod", "prices": "price", "sessions": "cs", "webhook_endpoints": "we"}[last]
	o := object{"id": fmt.Sprintf("%s_made%d", prefix, f.next), "object": kind, "active": true, "url": "https://stripe.example/pay/" + fmt.Sprint(f.next)}
	switch last {
	case "customers":
		o["metadata"] = object{"seaworthy_org": form.Get("metadata[seaworthy_org]")}
	case "prices":
		var n int64
		fmt.Sscan(form.Get("unit_amount"), &n)
		o["unit_amount"], o["currency"], o["product"] = n, form.Get("currency"), form.Get("product")
		o["recurring"] = object{"interval": form.Get("recurring[interval]"), "interval_count": 1, "usage_type": "licensed"}
	case "webhook_endpoints":
		o["secret"], o["status"], o["api_version"], o["url"] = "whsec_made_by_stripe", "enabled", form.Get("api_version"), form.Get("url")
	}
	f.objects[o["id"].(string)] = o
	return o
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// put stores an object, with the fields that are given changed.
func (f *recorded) put(id string, fields object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := object{"id": id}
	for k, v := range f.objects[id] {
		o[k] = v
	}
	for k, v := range fields {
		o[k] = v
	}
	f.objects[id] = o
}

func (f *recorded) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, id)
}

// fails has every call answered by fn, unless it returns nil.
func (f *recorded) fails(fn func(r *http.Request) *http.Response) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = fn
}

// called counts the calls of a kind since the last time.
func (f *recorded) called(what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if strings.HasPrefix(c, what) {
			n++
		}
	}
	f.calls = nil
	return n
}

// shop is an app that sells, with a customer.
type shop struct {
	*apptest.App
	stripe *recorded
	owner  *apptest.Browser
	org    string
	seq    int
}

func withStripe(f *recorded) apptest.Option {
	return func(c *config.Config, o *app.Options) {
		c.StripeKey, c.StripeHooks, o.Stripe, c.RateLimits, c.StripeMinimum = "sk_test_key", secret+" old=whsec_of_the_old_endpoint@2026-11-23", f, "off", 100
	}
}

func newShop(t testing.TB) *shop {
	t.Helper()
	f := &recorded{t: t, objects: map[string]object{}, answer: map[string]object{}}
	s := &shop{App: apptest.New(t, withStripe(f)), stripe: f}
	s.owner = s.SignUp("ada@example.com")
	s.RunJobs()
	s.org = s.PersonalOrg("ada@example.com")
	f.put("price_team", object{"object": "price", "active": true, "currency": "eur", "unit_amount": 4900, "product": "prod_team",
		"recurring": object{"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
	f.put("cus_1", object{"object": "customer", "metadata": object{"seaworthy_org": s.org}, "balance": 0, "currency": "eur",
		"invoice_settings": object{"default_payment_method": object{"id": "pm_1", "object": "payment_method", "type": "card", "card": object{"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}}}})
	s.plans()
	s.Forget()
	return s
}

// plans makes a free plan and one for 49 euros.
func (s *shop) plans() {
	s.T.Helper()
	k := s.Key("payments:manage", "payments:read")
	k.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"free","kind":"free","name":"Free","features":["basics"],"limits":{"seats":{"value":1}}}`).Want(200)
	k.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"team","kind":"plan","name":"Team","rank":10,"trial_days":14,"features":["basics","reports"],"limits":{"seats":{"value":1,"per_unit":true},"projects":{"unlimited":true}},"prices":["price_team"]}`).Want(200)
	s.RunJobs()
}

// subscribe has Stripe hold a subscription of the customer's.
func (s *shop) subscribe(id, status string, fields object) {
	now := s.Clock.Now()
	all := object{"object": "subscription", "status": status, "customer": "cus_1", "currency": "eur", "collection_method": "charge_automatically",
		"current_period_start": now.Unix(), "current_period_end": now.AddDate(0, 1, 0).Unix(), "start_date": now.Unix(), "created": now.Unix(),
		"items": object{"object": "list", "data": []object{{"id": "si_" + id, "object": "subscription_item", "quantity": 1, "price": s.stripe.objects["price_team"]}}}}
	for k, v := range fields {
		all[k] = v
	}
	s.stripe.put(id, all)
}

// bill has Stripe hold an invoice.
func (s *shop) bill(id, status string, fields object) {
	now := s.Clock.Now().Unix()
	all := object{"object": "invoice", "status": status, "customer": "cus_1", "subscription": "sub_1", "currency": "eur", "number": "2026-" + id, "total": 4900, "amount_due": 4900,
		"amount_paid": 0, "amount_remaining": 4900, "created": now, "attempt_count": 0, "billing_reason": "subscription_cycle", "status_transitions": object{"finalized_at": now},
		"hosted_invoice_url": "https://stripe.example/i/" + id, "lines": object{"object": "list", "data": []object{{"id": "il_" + id, "description": "Team", "amount": 4900}}}}
	if status == "paid" {
		all["amount_paid"], all["amount_remaining"], all["status_transitions"] = 4900, 0, object{"finalized_at": now, "paid_at": now}
	}
	for k, v := range fields {
		all[k] = v
	}
	s.stripe.put(id, all)
}

// event is the body of one, about an object that the recorded Stripe has or not.
func (s *shop) event(id, typ, kind, of string) string {
	customer := any("cus_1")
	if kind == "price" || kind == "dispute" {
		customer = nil
	}
	body, _ := json.Marshal(object{"id": id, "object": "event", "type": typ, "api_version": stripe.APIVersion, "livemode": false, "created": s.Clock.Now().Unix(),
		"data": object{"object": object{"id": of, "object": kind, "customer": customer}}})
	return string(body)
}

// sign is the header that Stripe sends with a body.
func (s *shop) sign(body, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(webhook.ComputeSignature(at, []byte(body), secret)))
}

// send posts a body as Stripe does.
func (s *shop) send(body, signature string) apptest.Page {
	b := s.Browser()
	b.Header.Set("Stripe-Signature", signature)
	b.Header.Set("Accept", "application/json")
	return b.Do("POST", hook, "application/json", body)
}

// tell sends an event about a subscription, signed as it should be.
func (s *shop) tell(typ, kind, of string) apptest.Page {
	s.seq++
	body := s.event(fmt.Sprintf("evt_%d", s.seq), typ, kind, of)
	return s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
}

// changed tells of a change of the subscription and runs the jobs.
func (s *shop) changed() {
	s.T.Helper()
	s.tell("customer.subscription.updated", "subscription", "sub_1")
	s.RunJobs()
}
