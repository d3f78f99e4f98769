package apptest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
)

// StripeSecret is what the recorded Stripe signs events with.
const StripeSecret = "whsec_of_the_endpoint"

// Object is one of Stripe's, as JSON.
type Object = map[string]any

// NewStripe has nothing yet.
func NewStripe() *Stripe {
	return &Stripe{Objects: map[string]Object{}, answer: map[string]Object{}}
}

// Selling makes the app sell by a recorded Stripe. The secret before this one counts
// for another day.
func Selling(f *Stripe) Option {
	return func(c *config.Config, o *app.Options) {
		c.StripeKey, c.StripeHooks, o.Stripe, c.RateLimits, c.StripeMinimum = "sk_test_key", StripeSecret+" old=whsec_of_the_old_endpoint@2026-11-23", f, "off", 100
	}
}

// Stripe is Stripe as tests need it: objects in the form of version 2023-10-16 of
// its API, which the test changes, and a list of what was asked.
type Stripe struct {
	Mu      sync.Mutex        // held while an answer is made
	Objects map[string]Object // by id
	Keys    []string          // idempotency keys of calls that change something
	// OnPost answers a call that changes something, "POST subscriptions/sub_1", or
	// invoices/upcoming; nil: it is answered as usual.
	OnPost func(path string, form url.Values) Object
	Clock  func() time.Time // by which answers are dated; nil: they are not

	calls  []string          // method and path
	answer map[string]Object // first answers, by idempotency key
	before func(r *http.Request) *http.Response
	next   int
}

// RoundTrip implements http.RoundTripper: no network is between.
func (f *Stripe) RoundTrip(r *http.Request) (*http.Response, error) {
	f.Mu.Lock()
	before := f.before
	f.Mu.Unlock()
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
	if f.Clock != nil {
		rec.Header().Set("Date", f.Clock().UTC().Format(http.TimeFormat))
	}
	f.Serve(rec, r)
	res := rec.Result()
	res.Request = r
	return res, nil
}

// FailingStripe is an answer of Stripe's that is an error.
func FailingStripe(status int, code string) *http.Response {
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	rec.WriteHeader(status)
	json.NewEncoder(rec).Encode(Object{"error": Object{"type": "invalid_request_error", "code": code, "message": "no"}})
	return rec.Result()
}

// Serve answers a call.
func (f *Stripe) Serve(w http.ResponseWriter, r *http.Request) {
	body := ""
	if r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw)
	}
	f.Mu.Lock()
	defer f.Mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	f.calls = append(f.calls, r.Method+" "+path+"?"+r.URL.RawQuery)
	form, _ := url.ParseQuery(body)
	if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method != "GET" {
		f.Keys = append(f.Keys, key)
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
		if f.OnPost != nil {
			reply(w, 200, f.OnPost(path, r.URL.Query()))
			return
		}
	}
	if o := f.Objects[parts[len(parts)-1]]; o != nil {
		reply(w, 200, o)
		return
	}
	reply(w, 404, Object{"error": Object{"type": "invalid_request_error", "code": "resource_missing", "message": "No such " + parts[0]}})
}

func (f *Stripe) list(w http.ResponseWriter, kind string, q url.Values) {
	data := []Object{}
	for _, o := range f.Objects {
		of, _ := o["object"].(string)
		if of+"s" != kind || q.Get("customer") != "" && o["customer"] != q.Get("customer") || q.Get("status") == "open" && o["status"] != "open" {
			continue
		}
		var since int64
		if made, dated := o["created"].(int64); dated && kind == "events" {
			if fmt.Sscan(q.Get("created[gte]"), &since); made < since {
				continue
			}
		}
		data = append(data, o)
	}
	slices.SortFunc(data, func(a, b Object) int { return strings.Compare(b["id"].(string), a["id"].(string)) })
	reply(w, 200, Object{"object": "list", "url": "/v1/" + kind, "has_more": false, "data": data})
}

// change does what is asked, or what the test says.
func (f *Stripe) change(method, path string, form url.Values) Object {
	if f.OnPost != nil {
		if o := f.OnPost(method+" "+path, form); o != nil {
			return o
		}
	}
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	switch {
	case method == "DELETE" && last == "discount":
		o := f.Objects[parts[len(parts)-2]]
		delete(o, "discount")
		return o
	case method == "DELETE" && parts[0] == "subscriptions":
		o := f.Objects[last]
		o["status"], o["ended_at"], o["canceled_at"] = "canceled", Epoch.Unix(), Epoch.Unix()
		return o
	case len(parts) == 2 && f.Objects[last] != nil:
		o := f.Objects[last]
		if form.Get("cancel_at_period_end") != "" {
			o["cancel_at_period_end"] = form.Get("cancel_at_period_end") == "true"
		}
		return o
	}
	f.next++
	kind := map[string]string{"customers": "customer", "products": "product", "prices": "price", "sessions": "checkout.session", "webhook_endpoints": "webhook_endpoint"}[last]
	prefix := map[string]string{"customers": "cus", "products": "prod", "prices": "price", "sessions": "cs", "webhook_endpoints": "we"}[last]
	o := Object{"id": fmt.Sprintf("%s_made%d", prefix, f.next), "object": kind, "active": true, "url": "https://stripe.example/pay/" + fmt.Sprint(f.next)}
	switch last {
	case "customers":
		o["metadata"] = Object{"seaworthy_org": form.Get("metadata[seaworthy_org]")}
	case "prices":
		var n int64
		fmt.Sscan(form.Get("unit_amount"), &n)
		o["unit_amount"], o["currency"], o["product"] = n, form.Get("currency"), form.Get("product")
		o["recurring"] = Object{"interval": form.Get("recurring[interval]"), "interval_count": 1, "usage_type": "licensed"}
	case "webhook_endpoints":
		o["secret"], o["status"], o["api_version"], o["url"] = "whsec_made_by_stripe", "enabled", form.Get("api_version"), form.Get("url")
	}
	f.Objects[o["id"].(string)] = o
	return o
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// Put stores an Object, with the fields that are given changed.
func (f *Stripe) Put(id string, fields Object) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	o := Object{"id": id}
	for k, v := range f.Objects[id] {
		o[k] = v
	}
	for k, v := range fields {
		o[k] = v
	}
	f.Objects[id] = o
}

// Remove takes an Object away, as if it had never been.
func (f *Stripe) Remove(id string) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	delete(f.Objects, id)
}

// Fails has every call answered by fn, unless it returns nil.
func (f *Stripe) Fails(fn func(r *http.Request) *http.Response) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.before = fn
}

// Called counts the calls of a kind since the last time: those that begin with what,
// as "GET events?", and have all of with in them.
func (f *Stripe) Called(what string, with ...string) (n int) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, c := range f.calls {
		if strings.HasPrefix(c, what) && !slices.ContainsFunc(with, func(w string) bool { return !strings.Contains(c, w) }) {
			n++
		}
	}
	f.calls = nil
	return n
}
