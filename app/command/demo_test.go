package command

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/store"
)

// manyInTest are as many more users as show a page that asks for each row.
const manyInTest = 1200

// The demonstration has something to look at on every page, and each kind of customer.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	demo := &demoCmd{Data: data, Addr: "127.0.0.1:1", Only: true, Users: manyInTest}
	if err := demo.Run(t.Context(), release{Program{Version: "test"}}); err != nil {
		t.Fatal(err)
	}
	if err := demo.Run(t.Context(), release{Program{Version: "test"}}); err == nil || !strings.Contains(err.Error(), "has a database already") {
		t.Errorf("a second one in the same folder: %v", err)
	}
	cfg, err := demo.config()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Replica = "off"
	a, err := app.New(t.Context(), cfg, app.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	count := func(query string) (n int) {
		t.Helper()
		err := a.DB.Read(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(query).Scan(&n) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for what, query := range map[string]string{
		"active":         `SELECT count(*) FROM billing_subscription WHERE state = 'active'`,
		"on trial":       `SELECT count(*) FROM billing_subscription WHERE status = 'trialing'`,
		"in grace":       `SELECT count(*) FROM billing_dunning WHERE state = 'grace'`,
		"limited":        `SELECT count(*) FROM billing_dunning WHERE state = 'restricted'`,
		"given up":       `SELECT count(*) FROM billing_subscription WHERE state = 'canceled'`,
		"leaving":        `SELECT count(*) FROM billing_subscription WHERE cancel_at_period_end = 1`,
		"paused":         `SELECT count(*) FROM billing_subscription WHERE pause_behavior <> ''`,
		"disputed":       `SELECT count(*) FROM billing_dispute`,
		"finished jobs":  `SELECT count(*) FROM queue_job WHERE state = 'completed' AND endpoint IS NOT NULL`,
		"dead letters":   `SELECT count(*) FROM queue_job WHERE state = 'dead'`,
		"bounced mails":  `SELECT count(*) FROM email_message WHERE status = 'bounced'`,
		"suppressions":   `SELECT count(*) FROM email_suppression`,
		"killed flags":   `SELECT count(*) FROM audit_event WHERE action = 'flag.killed' OR action = 'flags.killed'`,
		"unverified":     `SELECT count(*) FROM auth_email WHERE verified_at IS NULL`,
		"shared orgs":    `SELECT count(*) FROM auth_org WHERE slug = 'northwind'`,
		"weeks of audit": `SELECT (max(ts) - min(ts)) / 86400000 > 60 FROM audit_event`,
	} {
		if count(query) == 0 {
			t.Errorf("nothing is %s", what)
		}
	}
	if future := count(fmt.Sprintf(`SELECT count(*) FROM audit_event WHERE ts > %d`, time.Now().UnixMilli())); future != 0 {
		t.Errorf("%d events have not happened yet", future)
	}
	w := &world{ctx: t.Context(), a: a, url: cfg.URL, people: map[string]*person{}}
	olive := &person{client: w.browser(), email: demoOperator, agent: agents[0]}
	if _, err := w.form(olive, "/-/login", "email", demoOperator, "password", demoPassword); err != nil {
		t.Fatal(err)
	}
	for page, has := range map[string]string{"": "Dead letters", "/users?q=ada@northwind": "northwind", "/users": "sailors.example", "/orgs?q=tide": "Tidewater", "/orgs?only=shared": "Shipping", "/billing": "Gullwing", "/jobs?state=dead": "chart", "/jobs/schedules": "nightly-report",
		"/email?to=captain67@fleet.example": "Your week at sea", "/email": "sailors.example", "/email/suppressions": "captain", "/flags": "tide-forecast", "/audit": "", "/errors": "TypeError", "/errors/projects": "web", "/access": "Rules", "/backups": "Recovery kit"} {
		text, err := w.send(olive.client, olive.agent, "GET", "/-/admin"+page, "", "", nil)
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(text, has) {
			t.Errorf("/-/admin%s does not show %q", page, has)
		}
	}
	if n := count(`SELECT count(*) FROM auth_email WHERE email_norm LIKE '%@sailors.example'`); n != manyInTest {
		t.Errorf("%d of the many are there, want %d", n, manyInTest)
	}
	for what, query := range map[string]string{"sessions": `SELECT count(*) FROM auth_session`, "events": `SELECT count(*) FROM audit_event`, "mails": `SELECT count(*) FROM email_message`, "jobs": `SELECT count(*) FROM queue_job`} {
		if n := count(query); n < manyInTest {
			t.Errorf("only %d %s for %d users", n, what, manyInTest)
		}
	}
	pagesAskLittle(t, a)
}

// mostStatements is how many statements a page of the console may run. A page that runs one for each row
// it shows runs more than fifty.
const mostStatements = 45

// pagesAskLittle opens every page of the console and fails for one that asks for each row on its own, and
// for a pattern to which no page leads: it would not be looked at.
func pagesAskLittle(t *testing.T, a *app.App) {
	t.Helper()
	all, unseen, err := measureConsole(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 70 {
		t.Errorf("only %d pages were opened: the way through them is broken", len(all))
	}
	for _, p := range all {
		most := int64(mostStatements)
		if p.path == "/-/admin" {
			most = 100 // seven systems and the launch checklist, whatever there is of each
		}
		if p.statements > most {
			t.Errorf("%s runs %d statements", p.path, p.statements)
		}
	}
	for _, pattern := range unseen {
		if !notLinked[pattern] {
			t.Errorf("no page that was opened leads to %s", pattern)
		}
	}
}

// notLinked are patterns of which the demonstration has none to open.
var notLinked = map[string]bool{
	"/-/admin/access/rules/{n}": true, "/-/admin/audit/events/{id}/proof": true, "/-/admin/email/previews/{id}": true, "/-/admin/email/templates/{name}": true, "/-/admin/email/templates/{name}/history": true,
	"/-/admin/email/templates/{system}/{name}/history": true, "/-/admin/flags/-/segments/{name}": true, "/-/admin/flags/-/segments/{name}/history": true, "/-/admin/jobs/schedules/{name}/edit": true,
}
