package billing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/queue"
	"seaworthy/store"
)

// markEndpoint is where the endpoint that we made is kept: its id, and its secret,
// sealed.
const markEndpoint = "endpoint"

// openEndpoint reads the secret of the endpoint that we made, if it was made for the
// mode that we work in, and has the account looked at.
func (s *System) openEndpoint(ctx context.Context) error {
	if !s.On() {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		id, sealed, err := markOf(tx, s.endpointMark())
		if err != nil {
			return err
		}
		if id != "" {
			secret, err := s.Keys.Open("billing", s.endpointMark(), sealed)
			if err != nil { // another master key: it is made anew
				id = ""
			} else {
				s.made.Store(&Secret{Label: "made here", Value: string(secret)})
			}
		}
		_, err = queue.Enqueue(tx, Examine{}, queue.Unique("examine", 0))
		return err
	})
}

func (s *System) endpointMark() string { return markEndpoint + " " + modeWord(s.live()) }

// On reports whether there is an account at Stripe.
func (s *System) On() bool { return s.Account.Key != "" }

// hookPath is where events come to.
const hookPath = "/-/webhooks/stripe"

// Examine is the job that looks, at each start, whether billing can work: the key, the
// endpoint and its version, and the clock. It makes the endpoint where that is ours
// to do.
type Examine struct{}

// Kind implements queue.Args.
func (Examine) Kind() string { return "billing.examine" }

// Defaults implements Enqueue's defaults.
func (Examine) Defaults() []queue.Option { return Look{}.Defaults() }

// maxSkew is how far our clock may be from Stripe's before signatures begin to fail:
// well below the tolerance.
const maxSkew = time.Minute

func (s *System) examine(ctx context.Context, job queue.Job[Examine]) error {
	list, err := s.listEndpoints(ctx)
	found := map[string]string{}
	switch {
	case isKeyFault(err):
		found["key"] = "Stripe refuses the key in STRIPE_SECRET_KEY, or it may not read webhook endpoints. Nothing can be sold or fetched until it is mended."
	case err != nil:
		return later(err)
	default:
		if found["endpoint"], err = s.examineEndpoint(ctx, list.found); err != nil {
			return later(err)
		}
		if skew := s.DB.Now().Add(s.ahead()).Sub(list.date); !list.date.IsZero() && (skew > maxSkew || skew < -maxSkew) {
			found["clock"] = fmt.Sprintf("This machine's clock is %s away from Stripe's. Events are refused when it is five minutes. Set it by NTP.", skew.Round(time.Second))
		}
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		for _, part := range []string{"key", "endpoint", "clock"} {
			if err := s.noteFault(tx, part, found[part]); err != nil {
				return err
			}
		}
		return s.noteTrouble(tx)
	})
}

func (s *System) noteFault(tx *store.Tx, part, about string) error {
	if about == "" {
		return clearAlarm(tx, alarmCheck, part)
	}
	return raise(tx, alarm{Kind: alarmCheck, Object: part, About: about})
}

// isKeyFault reports whether Stripe does not take the key.
func isKeyFault(err error) bool {
	var e *stripe.Error
	return errors.As(err, &e) && (e.HTTPStatusCode == http.StatusUnauthorized || e.HTTPStatusCode == http.StatusForbidden)
}

type endpointList struct {
	found []*stripe.WebhookEndpoint
	date  time.Time // when Stripe answered, by its clock
}

func (s *System) listEndpoints(ctx context.Context) (l endpointList, err error) {
	p := &stripe.WebhookEndpointListParams{}
	p.Context, p.Limit = ctx, stripe.Int64(100)
	list := s.client.endpoints.List(p)
	for list.Next() {
		l.found = append(l.found, list.WebhookEndpoint())
	}
	if r := list.WebhookEndpointList().LastResponse; r != nil {
		l.date, _ = http.ParseTime(r.Header.Get("Date"))
	}
	return l, list.Err()
}

// examineEndpoint says what is wrong with the endpoint, and makes it if that is ours
// to do.
func (s *System) examineEndpoint(ctx context.Context, all []*stripe.WebhookEndpoint) (fault string, err error) {
	url := s.URL + hookPath
	var ours *stripe.WebhookEndpoint
	for _, e := range all {
		if e.URL == url && e.Status == "enabled" && (ours == nil || e.APIVersion == stripe.APIVersion) {
			ours = e
		}
	}
	switch {
	case s.Make && (ours == nil || s.made.Load() == nil):
		return "", s.makeEndpoint(ctx, url)
	case s.Make && ours.Description == madeHere && lacksEvents(ours):
		return "", s.widenEndpoint(ctx, ours.ID)
	case ours == nil && s.live():
		return "No endpoint at Stripe sends events to " + url + ". Changes are noticed only every ten minutes, by the reconciler. Make one, or set STRIPE_WEBHOOK_SECRETS=auto.", nil
	case ours != nil && ours.APIVersion != stripe.APIVersion:
		version := ours.APIVersion
		if version == "" {
			version = "the account's default"
		}
		return "The endpoint at Stripe is of version " + version + " of the API, and this release is made for " + stripe.APIVersion + ". Events still work. Make the endpoint anew through the API with that version.", nil
	}
	return "", nil
}

// madeHere is how an endpoint that we made is told from others.
const madeHere = "Made by Seaworthy"

// askedFor are the events that an endpoint of ours is for.
func askedFor() (all []*string) {
	for _, t := range slices.Sorted(maps.Keys(subjects)) {
		all = append(all, stripe.String(t))
	}
	return all
}

// lacksEvents reports whether an endpoint was made by a release that asked for less.
func lacksEvents(e *stripe.WebhookEndpoint) bool {
	if slices.Contains(e.EnabledEvents, "*") {
		return false
	}
	for t := range subjects {
		if !slices.Contains(e.EnabledEvents, t) {
			return true
		}
	}
	return false
}

// widenEndpoint has an endpoint of ours send all that this release asks for.
func (s *System) widenEndpoint(ctx context.Context, id string) error {
	_, err := s.client.endpoints.Update(id, &stripe.WebhookEndpointParams{Params: stripe.Params{Context: ctx}, EnabledEvents: askedFor()})
	return err
}

// makeEndpoint makes the endpoint through the API, which alone can pin the version
// that this release is made for (Stripe docs, "Webhook endpoints": api_version).
func (s *System) makeEndpoint(ctx context.Context, url string) error {
	p := &stripe.WebhookEndpointParams{Params: keyed(ctx, "endpoint:"+url), URL: stripe.String(url), APIVersion: stripe.String(stripe.APIVersion), Description: stripe.String(madeHere)}
	p.EnabledEvents = askedFor()
	e, err := s.client.endpoints.New(p)
	if err != nil {
		return err
	}
	if len(e.Secret) < len("whsec_")+8 {
		return errors.New("the endpoint that Stripe made has no secret")
	}
	sealed := s.Keys.Seal("billing", s.endpointMark(), []byte(e.Secret))
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := setMark(tx, s.endpointMark(), e.ID, sealed); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actEndpoint, Targets: []audit.Ref{{Type: "endpoint", ID: e.ID}}, Details: map[string]any{"api_version": stripe.APIVersion}})
	})
	if err == nil {
		s.made.Store(&Secret{Label: "made here", Value: e.Secret})
	}
	return err
}
