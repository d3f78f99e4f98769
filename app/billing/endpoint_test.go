package billing_test

import (
	"net/url"
	"slices"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/config"
	"seaworthy/queue"
	"seaworthy/store"
)

// An endpoint that an older release made asks for fewer events than this one needs.
func TestAnEndpointOfOursLearnsOfNewEvents(t *testing.T) {
	t.Parallel()
	f := apptest.NewStripe()
	a := apptest.New(t, apptest.Selling(f), func(c *config.Config, _ *app.Options) {
		c.StripeHooks, c.URL, c.SMTPURL, c.StripeKey, c.RateLimits = "auto", "https://app.example.com", "smtp://mail.example.com", "sk_test_x", "on"
	})
	a.RunJobs()
	id := a.Query(`SELECT value FROM billing_mark WHERE name LIKE 'endpoint%'`)
	var asked []string
	f.OnPost = func(path string, form url.Values) apptest.Object {
		if path == "POST webhook_endpoints/"+id {
			for name, v := range form {
				if name != "url" {
					asked = append(asked, v...)
				}
			}
		}
		return nil
	}
	for _, c := range []struct {
		made string
		has  []string
		want bool
	}{
		{"Made by Seaworthy", []string{"customer.updated"}, true},
		{"Made by Seaworthy", []string{"*"}, false},
		{"Made by hand", []string{"customer.updated"}, false},
	} {
		asked = nil
		f.Put(id, apptest.Object{"description": c.made, "enabled_events": c.has})
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := queue.Enqueue(tx, billing.Examine{})
			return err
		}))
		a.RunJobs()
		if got := slices.Contains(asked, "subscription_schedule.updated"); got != c.want {
			t.Errorf("%s, %v: asked for %v", c.made, c.has, asked)
		}
	}
}
