package command

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Test cards of the offline Stripe.
const (
	goodCard   = "4242424242424242"
	mastercard = "5555555555554444"
	failCard   = "4000000000000341" // it can be saved, and every later payment fails
	grumbler   = "4000000000000259" // it pays, and the payment is disputed
)

// sell makes the plans.
func (w *world) sell() error {
	for _, p := range []string{
		`{"key":"free","kind":"free","name":"Deckhand","features":["charts"],"titles":{"charts":"Live charts"},"limits":{"seats":{"value":2},"vessels":{"value":1}}}`,
		`{"key":"crew","kind":"plan","name":"Crew","rank":10,"features":["charts","reports"],"titles":{"charts":"Live charts","reports":"Voyage reports"},"limits":{"seats":{"value":10},"vessels":{"value":5}},"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"}]}`,
		`{"key":"fleet","kind":"plan","name":"Fleet","rank":20,"trial_days":14,"features":["charts","reports","sso","api"],"titles":{"charts":"Live charts","reports":"Voyage reports","sso":"Single sign-on","api":"API access"},"limits":{"seats":{"value":100},"vessels":{"unlimited":true}},"make_prices":[{"currency":"eur","unit_amount":14900,"interval":"month"}]}`,
	} {
		if err := w.call("PUT", "/-/api/v1/billing/plans", json.RawMessage(p), nil); err != nil {
			return err
		}
	}
	if err := w.settle(); err != nil {
		return err
	}
	var plans struct {
		Data []struct {
			Key    string
			Prices []struct{ ID string }
		}
	}
	if err := w.call("GET", "/-/api/v1/billing/plans", nil, &plans); err != nil {
		return err
	}
	for _, p := range plans.Data {
		if len(p.Prices) > 0 {
			w.prices[p.Key] = p.Prices[0].ID
		}
	}
	if w.prices["crew"] == "" || w.prices["fleet"] == "" {
		return fmt.Errorf("the plans have no prices: %+v", plans)
	}
	return nil
}

// flag makes feature flags.
func (w *world) flag() error {
	for key, definition := range map[string]string{
		"new-chart":     `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"==":[{"var":"plan"},"fleet"]},"on","off"]},"x-seaworthy":{"owner":"olive","tags":["web"],"clientVisible":true}}`,
		"tide-forecast": `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",20],["off",80]]},"x-seaworthy":{"owner":"bo","tags":["beta"]}}`,
		"login-banner":  `{"state":"ENABLED","variants":{"none":"","storm":"Storm warning: exports are slow today"},"defaultVariant":"none","x-seaworthy":{"tags":["web"],"clientVisible":true}}`,
		"pdf-engine":    `{"state":"ENABLED","variants":{"old":"wk","new":"typst"},"defaultVariant":"new","x-seaworthy":{"owner":"bo","tags":["reports"],"offVariant":"old"}}`,
	} {
		if err := w.call("PUT", "/-/api/v1/flags/"+key, map[string]any{"definition": json.RawMessage(definition), "comment": "first"}, nil); err != nil {
			return err
		}
	}
	return nil
}

// work makes the endpoint that the app's jobs go to, a schedule, and the project its errors go to.
func (w *world) work() error {
	if err := w.call("POST", "/-/api/v1/jobs/endpoints", map[string]any{"name": "default", "url": w.jobs}, nil); err != nil {
		return err
	}
	var project struct {
		ID   int64
		Keys []struct{ DSN string }
	}
	if err := w.call("POST", "/-/api/v1/errors/projects", map[string]any{"name": "web"}, &project); err != nil {
		return err
	}
	if len(project.Keys) == 0 {
		return fmt.Errorf("the project has no key: %+v", project)
	}
	dsn, err := url.Parse(project.Keys[0].DSN)
	if err != nil {
		return err
	}
	w.report = fmt.Sprintf("/-/api/%s/store/?sentry_key=%s", strings.TrimPrefix(dsn.Path, "/-/"), dsn.User.Username())
	return w.call("PUT", "/-/api/v1/jobs/schedules/nightly-report", map[string]any{"cron": "15 4 * * *", "kind": "report.nightly", "timezone": "Europe/Berlin", "max_attempts": 1}, nil)
}

var previewID = regexp.MustCompile(`name="preview" value="([^"]+)"`)

// smaller has a firm change to a smaller plan with its next period.
func (w *world) smaller(slug, plan string) error {
	f := w.firms[slug]
	if _, err := w.form(f.owner, "/-/login", "email", f.owner.email, "password", demoPassword); err != nil {
		return err
	}
	page, err := w.form(f.owner, "/-/org/"+slug+"/billing/preview", "price", w.prices[plan])
	if err != nil {
		return err
	}
	id := previewID.FindStringSubmatch(page)
	if id == nil {
		return fmt.Errorf("%s is shown no preview of %s", slug, plan)
	}
	_, err = w.form(f.owner, "/-/org/"+slug+"/billing/change", "preview", id[1])
	return err
}

// faults are what breaks in the app, as a Sentry SDK reports it.
var faults = []struct{ kind, value, function, file string }{
	{"TypeError", "Cannot read properties of undefined (reading 'tide')", "drawChart", "src/chart.js"},
	{"ZeroDivisionError", "division by zero", "fuel_per_mile", "app/report.py"},
	{"TimeoutError", "weather.example did not answer within 5 s", "fetchForecast", "src/weather.js"},
}

// broken reports an error of the app.
func (w *world) broken() error {
	f := faults[w.day%len(faults)]
	event := map[string]any{"event_id": fmt.Sprintf("%032x", w.day+1), "platform": "javascript", "level": "error", "release": fmt.Sprintf("harbourlight@2.%d", w.day/14), "environment": "production",
		"transaction": "GET /vessels/:id/chart", "exception": map[string]any{"values": []any{map[string]any{"type": f.kind, "value": f.value,
			"stacktrace": map[string]any{"frames": []any{map[string]any{"function": f.function, "filename": f.file, "lineno": 40 + w.day, "in_app": true}}}}}}}
	raw, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = w.send(w.browser(), "sentry.javascript.node/11.12.0", "POST", w.report, "application/json", string(raw), nil)
	return err
}

// customers are the firms: when they come, who owns them, what they buy with which card.
var customers = []struct {
	day               int
	slug, name, owner string
	plan, card        string
	crew              []string
}{
	{1, "northwind", "Northwind Lines", "Ada Lovelace", "fleet", goodCard, []string{"Grace Hopper", "Mary Jackson"}},
	{3, "tidewater", "Tidewater Labs", "Linus Berg", "crew", mastercard, []string{"Hedy Lamarr"}},
	{5, "saltmarsh", "Saltmarsh Surveys", "Joan Clarke", "crew", failCard, nil},                    // given up on the 28th day
	{8, "driftwood", "Driftwood Charter", "Alan Moor", "crew", goodCard, []string{"Rosa Diaz"}},    // paused
	{12, "kelp", "Kelp & Daughters", "Katherine Cole", "fleet", goodCard, []string{"Dorothy Vau"}}, // a smaller plan is to come
	{17, "pelican", "Pelican Post", "Barbara List", "crew", goodCard, nil},                         // leaves at the end
	{21, "gullwing", "Gullwing Media", "Margaret Ham", "crew", failCard, []string{"Evelyn Boyd"}},  // limited
	{26, "anchor", "Anchor Analytics", "Karen Spark", "crew", grumbler, nil},                       // disputes a payment
	{33, "lighthouse", "Lighthouse Legal", "Radia Perl", "crew", mastercard, nil},                  // pays in time
	{39, "lantern", "Blue Lantern", "Sophie Wils", "crew", failCard, nil},                          // overdue since yesterday
	{48, "estuary", "Estuary Foods", "Frances Alle", "crew", "", nil},                              // left the checkout
	{63, "breakwater", "Breakwater Games", "Shafi Gold", "fleet", goodCard, nil},                   // tries it
}

// live is a day.
func (w *world) live() error {
	for _, c := range customers {
		if c.day == w.day {
			if err := w.arrive(c.slug, c.name, c.owner, c.plan, c.card, c.crew); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	if w.day%9 == 4 { // somebody who only looks
		name := fmt.Sprintf("Visitor %d", w.day)
		if _, err := w.join(name, fmt.Sprintf("visitor%d@mail.example", w.day), w.day%2 == 0); err != nil {
			return err
		}
	}
	if err := w.today(); err != nil {
		return err
	}
	return w.chores()
}

func (w *world) arrive(slug, name, owner, plan, card string, crew []string) error {
	first := func(full string) string { return strings.ToLower(strings.Fields(full)[0]) }
	p, err := w.join(owner, first(owner)+"@"+slug+".example", true)
	if err != nil {
		return err
	}
	f, err := w.found(slug, name, p)
	if err != nil {
		return err
	}
	w.clock.on(11 * time.Minute)
	paid := card
	if card == failCard {
		paid = goodCard // which is replaced by one that fails at the next renewal
	}
	if err := w.buy(f, plan, paid); err != nil {
		return err
	}
	if card == failCard {
		if err := w.change(f, card); err != nil {
			return err
		}
	}
	for i, mate := range crew {
		w.clock.on(7 * time.Minute)
		email := first(mate) + "@" + slug + ".example"
		body := fmt.Sprintf(`{"email":%q,"role":%q}`, email, []string{"rol_admin", "rol_member"}[i%2])
		if _, err := w.send(p.client, p.agent, "POST", "/-/api/v1/orgs/"+f.id+"/invitations", "application/json", body, nil); err != nil {
			return err
		}
		m, err := w.join(mate, email, true)
		if err != nil {
			return err
		}
		token, err := w.mailed(m, "/-/invite")
		if err != nil {
			return err
		}
		if _, err := w.send(m.client, m.agent, "POST", "/-/api/v1/invitations/accept", "application/json", fmt.Sprintf(`{"token":%q}`, token), nil); err != nil {
			return err
		}
	}
	return nil
}

// today is what happens on one day alone.
func (w *world) today() error {
	billing := func(slug, act string, pairs ...string) error {
		p := w.firms[slug].owner
		if _, err := w.form(p, "/-/login", "email", p.email, "password", demoPassword); err != nil {
			return err
		}
		_, err := w.form(p, "/-/org/"+slug+"/billing/"+act, pairs...)
		return err
	}
	customer := func(slug string) (string, error) { return w.a.Billing.CustomerOf(w.ctx, w.firms[slug].id) }
	switch w.day {
	case 20:
		return w.call("PUT", "/-/api/v1/flags/tide-forecast", map[string]any{"definition": json.RawMessage(`{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",60],["off",40]]},"x-seaworthy":{"owner":"bo","tags":["beta"]}}`), "comment": "went well for a fifth", "version": 1}, nil)
	case 44:
		id, err := customer("driftwood")
		if err != nil {
			return err
		}
		return w.call("POST", "/-/api/v1/billing/customers/"+id+"/pause", map[string]any{"behavior": "void"}, nil)
	case 50:
		return w.call("PUT", "/-/api/v1/flags/kill", map[string]any{"tags": []string{"reports"}, "reason": "PDFs come out empty"}, nil)
	case 62:
		return w.smaller("kelp", "crew")
	case 66:
		return billing("pelican", "cancel", "reason", "too_expensive", "comment", "We are a small ship.")
	}
	return nil
}

// chores are what the app does every day: jobs, mails, and now and then something that breaks.
func (w *world) chores() error {
	for i := range 1 + w.day%3 {
		job := map[string]any{"kind": []string{"chart.render", "report.weekly", "import.csv"}[i%3], "args": map[string]any{"vessel": w.day*10 + i}, "max_attempts": 1 + i}
		if err := w.call("POST", "/-/api/v1/jobs", job, nil); err != nil {
			return err
		}
	}
	if w.day%7 == 3 || w.day > 66 {
		if err := w.broken(); err != nil {
			return err
		}
	}
	if w.day%5 != 2 {
		return nil
	}
	to := fmt.Sprintf("captain%d@fleet.example", w.day)
	if err := w.call("POST", "/-/api/v1/email/send", map[string]any{"to": to, "subject": fmt.Sprintf("Your week at sea, no. %d", w.day/5), "text": "Fair winds. Three charts were drawn and no buoy was hit.", "tags": []string{"weekly"}}, nil); err != nil {
		return err
	}
	if _, err := w.a.Queue.Drain(w.ctx); err != nil {
		return err
	}
	var mails []struct{ ID string }
	p := &person{client: w.browser(), agent: agents[0]}
	if _, err := w.send(p.client, p.agent, "GET", "/-/dev/inbox?q="+to, "", "", &mails); err != nil || len(mails) == 0 {
		return err
	}
	event := []string{"delivered", "bounced_hard", "delivered", "complained", "bounced_soft"}[w.day/5%5]
	_, err := w.form(p, "/-/dev/inbox/"+mails[0].ID+"/feedback", "event", event)
	return err
}
