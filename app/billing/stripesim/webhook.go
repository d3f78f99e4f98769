package stripesim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// pauses are those between the attempts of a webhook: three days in all.
func pauses() []time.Duration {
	return []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 25 * time.Hour}
}

func (c *call) newEndpoint() (object, *Error) {
	u, err := url.Parse(c.f.str("url"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "url_invalid", Param: "url", Message: "Invalid URL: An explicit scheme (such as https) must be provided."}
	}
	events := c.f.list("enabled_events")
	if len(events) == 0 {
		return nil, required("enabled_events")
	}
	if v := c.f.or("api_version", Version); v != Version {
		return nil, invalid("api_version", "Only version "+Version+" is simulated.")
	}
	o := c.make("webhook_endpoint", "we", object{"api_version": Version, "application": nil, "description": c.text("description"), "enabled_events": events, "metadata": object{}, "status": "enabled", "url": u.String()})
	c.metadata(o)
	o["_secret"] = c.newID("whsec")
	// The secret is told once, as the answer to this.
	shown := deep(o).(object)
	shown["secret"] = o["_secret"]
	return shown, nil
}

func (c *call) updateEndpoint() (object, *Error) {
	o, bad := c.own("webhook_endpoint")
	if bad != nil {
		return nil, bad
	}
	for _, name := range []string{"url", "description"} {
		if c.f.has(name) {
			o[name] = c.text(name)
		}
	}
	if events := c.f.list("enabled_events"); len(events) > 0 {
		o["enabled_events"] = events
	}
	if c.f.has("disabled") {
		o["status"] = map[bool]string{true: "disabled", false: "enabled"}[c.f.yes("disabled")]
	}
	c.metadata(o)
	return o, nil
}

// Listen makes an endpoint with a secret that is known beforehand, for programs that
// are configured with one.
func (s *Sim) Listen(ctx context.Context, to, secret string) error {
	return s.change(ctx, func() error {
		for _, o := range s.all("webhook_endpoint") {
			if o.str("url") == to {
				s.edit(o.str("id"))["_secret"] = secret
				return nil
			}
		}
		s.make("webhook_endpoint", "we", object{"api_version": Version, "application": nil, "description": nil, "enabled_events": []any{"*"}, "metadata": object{}, "status": "enabled", "url": to, "_secret": secret})
		return nil
	})
}

// Roll gives all endpoints a new secret, as its dashboard does.
func (s *Sim) Roll(ctx context.Context, secret string) error {
	return s.change(ctx, func() error {
		for _, o := range s.all("webhook_endpoint") {
			o = s.edit(o.str("id"))
			o["_old"], o["_secret"] = o["_secret"], secret
		}
		return nil
	})
}

// nextDelivery is the webhook that is due first.
func (s *Sim) nextDelivery() object {
	var first object
	for _, d := range s.objects {
		if d.str("object") == "_delivery" && d.str("state") == "waiting" && (first == nil || d.num("due") < first.num("due")) {
			first = d
		}
	}
	return first
}

// deliver sends what is due at an instant, in the order in which it happened or, by a
// fault, in another.
func (s *Sim) deliver(ctx context.Context, at time.Time) error {
	s.mu.Lock()
	var due []object
	for _, d := range s.objects {
		if d.str("object") == "_delivery" && d.str("state") == "waiting" && d.num("due") <= at.Unix() {
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(a, b object) int { return cmp.Compare(a.num("_seq"), b.num("_seq")) })
	f := s.faults
	s.mu.Unlock()
	if f.Reorder > 1 {
		for chunk := range slices.Chunk(due, f.Reorder) {
			slices.Reverse(chunk)
		}
	}
	for _, d := range due {
		if err := s.sendOne(ctx, d.str("id"), at); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sim) sendOne(ctx context.Context, id string, at time.Time) error {
	s.mu.Lock()
	d, f := s.objects[id], s.faults
	if d == nil {
		s.mu.Unlock()
		return nil
	}
	to, e := s.objects[d.str("endpoint")], s.objects[d.str("event")]
	drop := f.Drop > 0
	if drop {
		s.faults.Drop--
	}
	var body []byte
	var header http.Header
	var err error
	if to != nil && e != nil {
		body, header, err = s.letter(e, to, f)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	status, failure := 0, error(nil)
	for range 1 + map[bool]int{true: 1}[f.Duplicate] {
		if to == nil || e == nil || drop || s.o.Deliver == nil {
			break
		}
		status, failure = s.o.Deliver(ctx, to.str("url"), header, body)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.change(ctx, func() error {
		if d := s.edit(id); d != nil {
			s.record(d, at, status, failure, drop || to == nil)
		}
		return nil
	})
}

// record notes what became of an attempt.
func (s *Sim) record(d object, at time.Time, status int, failure error, lost bool) {
	n := int(d.num("attempts"))
	d["attempts"], d["status"], d["error"] = int64(n+1), int64(status), nil
	if failure != nil {
		d["error"] = failure.Error()
	}
	switch {
	case lost:
		d["state"] = "dropped"
	case failure == nil && status >= 200 && status < 300:
		d["state"] = "delivered"
		if e := s.edit(d.str("event")); e != nil {
			e["pending_webhooks"] = max(0, e.num("pending_webhooks")-1)
		}
	case n < len(pauses()):
		d["due"] = at.Add(pauses()[n]).Unix()
	default:
		d["state"] = "failed"
	}
}

// Redeliver sends an event again, as the button of the dashboard does.
func (s *Sim) Redeliver(ctx context.Context, event string) error {
	return s.change(ctx, func() error {
		for _, d := range s.all("_delivery") {
			if d.str("event") == event {
				d = s.edit(d.str("id"))
				d["state"], d["due"], d["attempts"] = "waiting", s.now().Unix(), int64(0)
			}
		}
		return nil
	})
}

// letter is a webhook as it is sent, with what the faults make of it.
func (s *Sim) letter(e, to object, f Faults) (body []byte, header http.Header, err error) {
	shown := s.show(e)
	switch f.Body {
	case "dahlia":
		shown["api_version"] = "2026-08-26.dahlia"
		dahlia(shown.sub("data").sub("object"))
	case "thin":
		shown = object{"id": e["id"], "object": "v2.core.event", "type": "v1." + e.str("type"), "livemode": false, "created": when(e.num("created")).Format(time.RFC3339), "related_object": object{"id": e.sub("data").sub("object")["id"], "type": e.sub("data").sub("object")["object"], "url": ""}}
	case "livemode":
		shown["livemode"] = true
	case "oversize":
		shown["padding"] = string(bytes.Repeat([]byte("x"), 1<<20))
	}
	if body, err = json.Marshal(shown); err != nil {
		return nil, nil, err
	}
	if f.Body == "truncate_signed" {
		body = body[:len(body)/2]
	}
	// A webhook bears the time at which it is sent, by the clock of the one who gets it.
	t := s.o.Clock()
	switch f.Time {
	case "future":
		t = t.Add(10 * time.Minute)
	case "old":
		t = t.Add(-10 * time.Minute)
	}
	secrets := []string{to.str("_secret")}
	switch old := to.str("_old"); f.Secret {
	case "wrong":
		secrets = []string{"whsec_wrong"}
	case "old":
		secrets = []string{cmp.Or(old, "whsec_wrong")}
	case "both":
		secrets = append(secrets, cmp.Or(old, "whsec_wrong"))
	}
	signature := fmt.Sprintf("t=%d", t.Unix())
	for _, secret := range secrets {
		signature += ",v1=" + sign(secret, t.Unix(), body)
	}
	if f.Body == "truncate" {
		body = body[:len(body)/2]
	}
	return body, http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Stripe-Signature": {signature}, "User-Agent": {"Stripe/1.0 (+https://stripe.com/docs/webhooks)"}}, nil
}

// sign is the v1 scheme (docs.stripe.com/webhooks/signature).
func sign(secret string, t int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", t)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// dahlia renders an object as later versions do, where fields have moved.
func dahlia(o object) {
	switch o.str("object") {
	case "subscription":
		for _, item := range o.rows("items") {
			item["current_period_start"], item["current_period_end"] = o["current_period_start"], o["current_period_end"]
		}
		delete(o, "current_period_start")
		delete(o, "current_period_end")
	case "invoice":
		o["parent"] = object{"type": "subscription_details", "subscription_details": object{"subscription": o["subscription"]}}
		for _, name := range []string{"subscription", "paid", "charge", "payment_intent"} {
			delete(o, name)
		}
	}
}
