package stripesim

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

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
