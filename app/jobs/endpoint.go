package jobs

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

// defaultName is the endpoint of jobs that name none.
const defaultName = "default"

// Bounds of an endpoint.
const (
	defaultConcurrency = 8
	maxConcurrency     = 16
	defaultTimeout     = 30 * time.Second
	maxTimeout         = 15 * time.Minute
	maxEndpoints       = 100
	maxURL             = 2000
)

// overlap is for how long after a rotation deliveries are signed with both secrets.
const overlap = 24 * time.Hour

var endpointForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

var errConfigured = &web.Error{Status: http.StatusConflict, Code: "configured",
	Public: "This comes from the configuration (SEAWORTHY_APP_JOBS_URL, SEAWORTHY_APP_JOBS_SECRET). Change it there."}

// purpose seals the secrets of endpoints, each bound to its endpoint's id.
const purpose = "jobs endpoint"

// secrets are what a delivery is signed with now.
func (s *System) secrets(e endpoint) ([]webhook.Secret, error) {
	current, err := s.Keys.Open(purpose, e.id, e.secret)
	if err != nil {
		return nil, fmt.Errorf("the secret of endpoint %s: %w", e.name, err)
	}
	all := []webhook.Secret{current}
	if e.previousUntil != nil && *e.previousUntil > s.DB.Now().UnixMilli() {
		previous, err := s.Keys.Open(purpose, e.id, e.previous)
		if err != nil {
			return nil, fmt.Errorf("the previous secret of endpoint %s: %w", e.name, err)
		}
		all = append(all, previous)
	}
	return all, nil
}

// rotate makes secret the one that signs; the one before goes on for a while. The
// one before that, if it still did, ends.
func (s *System) rotate(tx *store.Tx, e *endpoint, sealed []byte) error {
	until := tx.Now().Add(overlap).UnixMilli()
	e.previous, e.previousUntil, e.secret = e.secret, &until, sealed
	if err := updateEndpoint(tx, *e); err != nil {
		return err
	}
	return s.record(tx, actRotated, *e, nil, map[string]any{"previous_until": time.UnixMilli(until).UTC().Format(time.RFC3339)})
}

// record records an event about an endpoint.
func (s *System) record(tx *store.Tx, action audit.Action, e endpoint, changes map[string]audit.Change, details map[string]any) error {
	if details == nil {
		details = map[string]any{}
	}
	details["name"] = e.name
	event := audit.Event{Action: action, Targets: []audit.Ref{{Type: "job_endpoint", ID: e.id}}, Changes: changes, Details: details}
	if job, running := queue.FromContext(tx.Context()); running && job.Endpoint != "" {
		// The job's kind is the app's word, and must not pass for a part of this program.
		event.Actor = audit.Ref{Type: "system", ID: "jobs.deliver"}
	}
	return s.Audit.Record(tx, event)
}

// shown is an address without its query, which may be a secret.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

// checkURL finds what is wrong with an address for deliveries.
func (s *System) checkURL(c *web.Check, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || len(text) > maxURL || u.Scheme != "https" && u.Scheme != "http" {
		c.Fault(false, "url", "form", "An address like https://app.example.com/jobs, of at most 2000 characters.")
		return
	}
	c.Fault(u.User == nil && u.Fragment == "", "url", "form", "An address without a user and without a fragment.")
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	c.Fault(s.Allowed.Judge(u.Hostname(), port) == nil, "url", "inside",
		"This address is inside of your network. Whoever runs the server can allow it with SEAWORTHY_JOBS_ALLOW.")
	c.Fault(u.Scheme == "https" || !s.Production || s.Allowed.Named(u.Hostname(), port), "url", "https", "Use https://: jobs may carry personal data.")
}

// configure makes the endpoint that the configuration names, or brings it up to date.
func (s *System) configure(ctx context.Context) error {
	made := s.Secret
	if made == nil {
		made = webhook.NewSecret()
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		e, err := findEndpoint(tx, defaultName)
		switch {
		case errors.Is(err, store.ErrNotFound) && s.URL == "":
			return nil
		case errors.Is(err, store.ErrNotFound):
			e = endpoint{id: tx.NewID(endpointPrefix), name: defaultName, url: s.URL, concurrency: defaultConcurrency, timeout: defaultTimeout, configured: true}
			return s.makeEndpoint(tx, e, made)
		case err != nil:
			return err
		}
		return s.follow(tx, e)
	})
	if err != nil {
		return fmt.Errorf("the configured job endpoint: %w", err)
	}
	return nil
}

// makeEndpoint stores a new endpoint and what it is signed with.
func (s *System) makeEndpoint(tx *store.Tx, e endpoint, secret webhook.Secret) error {
	e.secret = s.Keys.Seal(purpose, e.id, secret)
	if err := insertEndpoint(tx, e); err != nil {
		return err
	}
	if err := limitLane(tx, e, e.concurrency); err != nil {
		return err
	}
	return s.record(tx, actMade, e, nil, map[string]any{"url": shown(e.url)})
}

// limitLane keeps the endpoint's usual queue from starting more than it takes at once, so
// that jobs with a concurrency key of their own need not be turned away one by one.
func limitLane(tx *store.Tx, e endpoint, concurrency int) error {
	return queue.SetConcurrency(tx, lane(e.name, "default"), concurrency)
}

// follow brings an endpoint to what the configuration says now.
func (s *System) follow(tx *store.Tx, e endpoint) error {
	if configured := s.URL != ""; configured != e.configured || configured && s.URL != e.url {
		changes := map[string]audit.Change{"configured": {From: e.configured, To: configured}}
		if e.configured = configured; configured {
			changes["url"] = audit.Change{From: shown(e.url), To: shown(s.URL)}
			e.url = s.URL
		}
		if err := updateEndpoint(tx, e); err != nil {
			return err
		}
		if err := s.record(tx, actChanged, e, changes, nil); err != nil {
			return err
		}
	}
	if s.URL == "" || s.Secret == nil {
		return nil
	}
	if now, err := s.Keys.Open(purpose, e.id, e.secret); err == nil && hmac.Equal(now, s.Secret) {
		return nil
	}
	return s.rotate(tx, &e, s.Keys.Seal(purpose, e.id, s.Secret))
}
