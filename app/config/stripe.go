package config

import (
	"strings"
	"time"
)

// StripeSecret is what Stripe signs events with.
type StripeSecret struct {
	Label, Value string
	Expires      time.Time // zero: never
}

// StripeAuto says that the webhook endpoint is made at Stripe by us.
const StripeAuto = "auto"

// StripeSecrets are the secrets that are configured, in order. Faults are told to
// fault: an empty secret would verify whatever anybody signs with an empty key.
func (c Config) StripeSecrets(fault func(format string, args ...any)) (all []StripeSecret) {
	if c.StripeHooks == StripeAuto {
		return nil
	}
	for i, text := range strings.Fields(c.StripeHooks) {
		s := StripeSecret{Label: "secret " + string(rune('1'+min(i, 8)))}
		if label, rest, named := strings.Cut(text, "="); named && !strings.HasPrefix(text, "whsec_") {
			s.Label, text = label, rest
		}
		value, end, ends := strings.Cut(text, "@")
		s.Value = value
		if ends {
			var err error
			if s.Expires, err = stripeEnd(end); err != nil {
				fault("STRIPE_WEBHOOK_SECRETS: %q is no end of a secret such as 2026-12-01 or 2026-12-01T12:00:00Z", end)
			}
		}
		if s.Label == "" || len(s.Value) < len("whsec_")+8 || !strings.HasPrefix(s.Value, "whsec_") {
			fault("STRIPE_WEBHOOK_SECRETS: number %d must be a secret that begins with whsec_, perhaps with a name before it as old=whsec_...", i+1)
			continue
		}
		all = append(all, s)
	}
	return all
}

// stripeEnd is the end of a secret: a time, or the end of a day in UTC.
func stripeEnd(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return time.Parse(time.RFC3339, text)
}

// HasStripeSim reports whether the offline Stripe takes the place of the real one.
func (c Config) HasStripeSim() bool {
	return c.StripeSim == "on" || c.StripeSim == "auto" && !c.Production() && c.StripeKey == ""
}

// HasStripe reports whether there is a Stripe at all.
func (c Config) HasStripe() bool { return c.StripeKey != "" || c.HasStripeSim() }

func (c *Config) checkStripe(fault func(format string, args ...any)) {
	secrets := c.StripeSecrets(fault)
	switch {
	case c.StripeSim == "on" && c.Production():
		fault("SEAWORTHY_STRIPE_SIM must not be on in production: everybody could have every plan for nothing")
	case c.StripeSim == "on" && c.StripeKey != "":
		fault("SEAWORTHY_STRIPE_SIM must not be on beside STRIPE_SECRET_KEY: one of them would be forgotten")
	}
	if c.StripeMinimum < 0 {
		fault("SEAWORTHY_STRIPE_MINIMUM must be 0 or more, not %d", c.StripeMinimum)
	}
	if c.StripeKey == "" {
		if c.StripeHooks != "" {
			fault("STRIPE_SECRET_KEY must be set when STRIPE_WEBHOOK_SECRETS is")
		}
		return
	}
	kind, rest, _ := strings.Cut(c.StripeKey, "_")
	mode, _, _ := strings.Cut(rest, "_")
	switch {
	case kind != "sk" && kind != "rk" || mode != "live" && mode != "test":
		fault("STRIPE_SECRET_KEY must begin with sk_live_, rk_live_, sk_test_ or rk_test_")
	case !c.Production() && mode == "live":
		fault("STRIPE_SECRET_KEY must not be a live key in development: real cards would be charged")
	}
	if len(secrets) == 0 && c.StripeHooks != StripeAuto {
		fault("STRIPE_WEBHOOK_SECRETS must be set when STRIPE_SECRET_KEY is: whsec_... of the endpoint, or auto to have it made. Without one nobody knows that an event is Stripe's")
	}
	if c.StripeHooks == StripeAuto && !c.Production() {
		fault("STRIPE_WEBHOOK_SECRETS must not be auto in development: Stripe does not reach this address. Use the secret that 'stripe listen' prints")
	}
}
