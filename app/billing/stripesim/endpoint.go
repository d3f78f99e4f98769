package stripesim

import (
	"context"
	"net/url"
)

// newEndpoint makes an endpoint through the API, which alone can pin the version that
// its events come in: those made in the dashboard have the account's.
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

// updateEndpoint changes one. Its version cannot be changed, as at Stripe: one of another
// version is made anew.
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

// Roll gives all endpoints a new secret, as its dashboard does. The old one is kept, for
// the faults that sign with it: Stripe signs with both for as long as was asked for.
func (s *Sim) Roll(ctx context.Context, secret string) error {
	return s.change(ctx, func() error {
		for _, o := range s.all("webhook_endpoint") {
			o = s.edit(o.str("id"))
			o["_old"], o["_secret"] = o["_secret"], secret
		}
		return nil
	})
}
