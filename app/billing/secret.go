package billing

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"seaworthy/app/web"
)

// Secret is what Stripe signs events with. Several count at once, because for a day
// after a rotation Stripe signs with the old one and the new.
type Secret struct {
	Label, Value string
	Expires      time.Time // zero: never
}

// tolerance is how far the time of a signature may be from now, either way. Events
// that are delivered late are signed anew, so it says nothing of their age.
const tolerance = 300 * time.Second

var errSignature = &web.Error{Status: http.StatusBadRequest, Code: "bad_signature", Public: "This webhook is not signed as it should be."}

// verify finds the secret that a body was signed with (Stripe docs, "Verify webhook
// signatures manually"). The library checks the signature; the time is checked here,
// by the installation's clock and in both directions: the library takes any time
// that is yet to come, and an empty secret for one.
func verify(secrets []Secret, body []byte, header string, now time.Time) (label string, err error) {
	signed, ok := signedAt(header)
	if !ok {
		return "", errSignature
	}
	if off := now.Sub(signed); off > tolerance || off < -tolerance {
		return "", &web.Error{Status: errSignature.Status, Code: "bad_time", Public: "This webhook was signed at another time than now."}
	}
	for _, s := range secrets {
		if s.Value == "" || !s.Expires.IsZero() && !now.Before(s.Expires) {
			continue
		}
		if webhook.ValidatePayloadIgnoringTolerance(body, header, s.Value) == nil {
			return s.Label, nil
		}
	}
	return "", errSignature
}

// signedAt is the time in a Stripe-Signature header. There is exactly one, so that
// what is checked here is what was signed.
func signedAt(header string) (at time.Time, ok bool) {
	if len(header) > 4<<10 {
		return at, false
	}
	for part := range strings.SplitSeq(header, ",") {
		text, is := strings.CutPrefix(part, "t=")
		if !is {
			continue
		}
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ok {
			return at, false
		}
		at, ok = time.Unix(seconds, 0), true
	}
	return at, ok
}
