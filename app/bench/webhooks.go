package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
)

// stripeSecret signs the webhooks of the measurement.
const stripeSecret = "whsec_of_the_measurement"

// unknown is a Stripe that knows nothing: what is fetched from it is not there.
type unknown struct{}

// RoundTrip implements http.RoundTripper.
func (unknown) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Status: "404 Not Found", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such object"}}`))}, nil
}

// webhooks are events of Stripe's of 2.5 kB, of a thousand customers, verified and
// stored durably, while what they tell of is asked for.
func webhooks(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	s, err := serve(ctx, folder, func(c *config.Config, a *app.Options) {
		c.StripeKey, c.StripeHooks, a.Stripe = "sk_test_measured", stripeSecret, unknown{}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var n atomic.Int64
	pad := strings.Repeat("x", 2200)
	l, err := load(ctx, 16, o.For, func(context.Context, int) error {
		i := n.Add(1)
		body := fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"customer.subscription.updated","api_version":"2023-10-16","livemode":false,"created":1,"data":{"object":{"id":"sub_%d","object":"subscription","customer":"cus_%d","description":"%s"}}}`, i, i%1000, i%1000, pad)
		r, err := http.NewRequest("POST", s.url+"/-/webhooks/stripe", strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Stripe-Signature", signature(body, time.Now()))
		_, err = s.send(r, http.StatusOK)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []Result{atLeast("billing: a webhook of Stripe's, stored", l, 2500).within(quick)}, nil
}

// signature is what Stripe sends in its header: an HMAC over the time and the body.
func signature(body string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(stripeSecret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}
