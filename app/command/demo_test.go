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

// The demonstration has something to look at on every page, and each kind of customer.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	demo := &demoCmd{Data: data, Addr: "127.0.0.1:1", Only: true}
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
	for page, has := range map[string]string{"": "Dead letters", "/users": "northwind", "/orgs": "Tidewater", "/billing": "Gullwing", "/jobs?state=dead": "chart", "/jobs/schedules": "nightly-report",
		"/email": "Your week at sea", "/email/suppressions": "captain", "/flags": "tide-forecast", "/audit": "", "/errors": "TypeError", "/errors/projects": "web", "/access": "Rules", "/backups": "Recovery kit"} {
		text, err := w.send(olive.client, olive.agent, "GET", "/-/admin"+page, "", "", nil)
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(text, has) {
			t.Errorf("/-/admin%s does not show %q", page, has)
		}
	}
}
