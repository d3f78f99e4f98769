package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/app/ops"
	"seaworthy/store"
)

// checksWith is the checklist by its keys, as it is under a changed configuration.
func checksWith(a *apptest.App, change func(*config.Config)) map[string]ops.Point {
	a.T.Helper()
	c := a.Config
	if change != nil {
		change(&c)
	}
	points, err := store.Read(a.T.Context(), a.DB, func(tx *store.Tx) ([]ops.Point, error) {
		return ops.Checklist(tx, &c, app.CheckSources(), nil)
	})
	a.Must(err)
	by := map[string]ops.Point{}
	for _, p := range points {
		if _, twice := by[p.Key]; twice || p.Key == "" || p.Title == "" || p.Why == "" || p.Fix == "" || p.System == "" || p.State == "" || p.Detail == "" {
			a.T.Errorf("a check is not whole, or there twice: %+v", p)
		}
		by[p.Key] = p
	}
	return by
}

// wantState fails unless a check is in a state and says something of what was found.
func wantState(t *testing.T, by map[string]ops.Point, key string, state launch.State, detail string) {
	t.Helper()
	if p := by[key]; p.State != state || !strings.Contains(p.Detail, detail) {
		t.Errorf("%s is %q: %s; want %q: %s", key, p.State, p.Detail, state, detail)
	}
}

func TestLaunchOperators(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	by := checksWith(a, nil)
	wantState(t, by, "auth.operator", launch.Todo, "Nobody")
	wantState(t, by, "auth.operator_mfa", launch.Todo, "no operator")
	ada := a.Operator("ada@example.com")
	a.RunJobs()
	by = checksWith(a, nil)
	wantState(t, by, "auth.operator", launch.Done, "")
	wantState(t, by, "auth.operator_mfa", launch.Todo, "The one operator")
	wantState(t, by, "auth.operator_spare", launch.Todo, "no recovery code")
	wantState(t, by, "auth.registration", launch.Todo, "Anybody")
	a.SetUpTOTP(ada)
	by = checksWith(a, nil)
	wantState(t, by, "auth.operator_mfa", launch.Done, "All 1")
	wantState(t, by, "auth.operator_spare", launch.Done, "recovery codes")
}

func TestLaunchBilling(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.Selling(stripe))
	a.Operator("ada@example.com")
	by := checksWith(a, nil)
	wantState(t, by, "billing.key", launch.Todo, "test mode")
	if !by["billing.key"].Blocks {
		t.Error("a test key does not block")
	}
	wantState(t, by, "billing.webhook", launch.Todo, "None")
	wantState(t, by, "billing.prices", launch.Todo, "no plan")
	wantState(t, by, "billing.alarms", launch.Done, "none")
	a.Verified("bob@example.com").Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	sellingTo(a, stripe, a.Query(`SELECT id FROM auth_org WHERE slug = 'rockets'`))
	by = checksWith(a, func(c *config.Config) { c.StripeKey = "rk_live_1" })
	wantState(t, by, "billing.key", launch.Done, "live")
	wantState(t, by, "billing.webhook", launch.Done, "The last came")
	wantState(t, by, "billing.prices", launch.Done, "")
	otherMode(a)
	wantState(t, checksWith(a, nil), "billing.alarms", launch.Todo, "mode")
	a.Clock.Advance(40 * 24 * time.Hour)
	wantState(t, checksWith(a, nil), "billing.webhook", launch.Warn, "None has come since")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE billing_price SET active = 0 WHERE id = 'price_pro'`)
		return err
	}))
	wantState(t, checksWith(a, nil), "billing.prices", launch.Todo, "price_pro of ")
	wantState(t, checksWith(a, func(c *config.Config) { c.StripeKey, c.StripeSim = "", "off" }), "billing.key", launch.Todo, "nothing is sold")
	wantState(t, checksWith(a, func(c *config.Config) { c.StripeKey, c.StripeSim = "", "on" }), "billing.key", launch.Todo, "offline Stripe")
}

func TestLaunchMail(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	by := checksWith(a, nil)
	wantState(t, by, "email.provider", launch.Todo, "inbox")
	wantState(t, by, "email.sender", launch.Done, "acme.example")
	wantState(t, by, "email.spf", launch.NotApplicable, "")
	wantState(t, by, "email.feedback", launch.NotApplicable, "")
	wantState(t, checksWith(a, func(c *config.Config) { c.MailFrom = "Seaworthy <no-reply@localhost>" }), "email.sender", launch.Todo, "localhost")
	by = checksWith(a, func(c *config.Config) { c.PostmarkToken = "x" })
	wantState(t, by, "email.provider", launch.Done, "postmark")
	wantState(t, by, "email.working", launch.Done, "")
	wantState(t, by, "email.accepted", launch.Todo, "postmark")
	wantState(t, by, "email.feedback", launch.Todo, "No webhook")
	wantState(t, by, "email.spf", launch.Unknown, "not asked")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		for _, text := range []string{
			`INSERT INTO email_provider (name, state, until, probe_until, failures, trips, slow, slow_until, error, error_at, changed_at) VALUES ('postmark', 'stopped', 0, 0, 0, 0, 0, 0, '', 0, 0)`,
			`INSERT INTO email_event (id, kind, provider, provider_id, dedupe, recipient_norm, details, at, received_at) VALUES ('eve_1', 'bounced', 'postmark', '1', 'postmark:1', '', '{}', 0, 0)`,
		} {
			if _, err := tx.Exec(text); err != nil {
				return err
			}
		}
		return nil
	}))
	by = checksWith(a, func(c *config.Config) { c.PostmarkToken, c.PostmarkHook = "x", "a:b" })
	wantState(t, by, "email.working", launch.Todo, "postmark (stopped)")
	wantState(t, by, "email.feedback", launch.Done, "")
	by = checksWith(a, func(c *config.Config) {
		c.PostmarkToken, c.PostmarkHook, c.SendGridKey, c.SendGridHook = "x", "a:b", "y", "z"
	})
	wantState(t, by, "email.working", launch.Warn, "others take its place")
	wantState(t, by, "email.feedback", launch.Todo, "Nothing has come from sendgrid")
}

func TestLaunchJobsFlagsAndRules(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Operator("ada@example.com")
	by := checksWith(a, nil)
	wantState(t, by, "jobs.flowing", launch.Done, "")
	wantState(t, by, "jobs.dead", launch.Done, "")
	wantState(t, by, "flags.kill", launch.Todo, "never")
	wantState(t, by, "access.rules", launch.NotApplicable, "")
	a.Clock.Advance(10 * time.Minute) // and nobody runs them
	wantState(t, checksWith(a, nil), "jobs.flowing", launch.Todo, "10m")
	a.RunJobs()
	upstream := func(c *config.Config) { c.Upstream = "http://127.0.0.1:3000" }
	by = checksWith(a, upstream)
	wantState(t, by, "access.rules", launch.Todo, "everything is public")
	wantState(t, by, "access.health", launch.Todo, "")
	a.Key("access:*").Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":0,"rules":[{"path":"/*"}]}`).Want(200)
	wantState(t, checksWith(a, upstream), "access.rules", launch.Done, "1")
	a.Key("flags:*").Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":true,"reason":"a drill"}`).Want(200)
	wantState(t, checksWith(a, nil), "flags.kill", launch.Done, "Last used")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE queue_job SET state = 'dead' WHERE id = (SELECT max(id) FROM queue_job)`)
		return err
	}))
	wantState(t, checksWith(a, nil), "jobs.dead", launch.Warn, "1 wait")
}

func TestLaunchAudit(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Operator("ada@example.com")
	wantState(t, checksWith(a, nil), "audit.verified", launch.Todo, "never")
	a.Must(a.Audit.Verify(t.Context()))
	wantState(t, checksWith(a, nil), "audit.verified", launch.Done, "events verified")
	a.Clock.Advance(5 * 24 * time.Hour)
	wantState(t, checksWith(a, nil), "audit.verified", launch.Warn, "last verified")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE audit_head SET broken = 'event 3 was changed' WHERE id = 1`)
		return err
	}))
	wantState(t, checksWith(a, nil), "audit.verified", launch.Todo, "event 3 was changed")
}

func TestLaunchBackups(t *testing.T) {
	t.Parallel()
	a, _, data, _, _ := backedUp(t)
	wantState(t, checksWith(a, func(c *config.Config) { c.Replica = "off" }), "backups.replica", launch.Todo, "Nothing")
	by := checksWith(a, nil)
	wantState(t, by, "backups.replica", launch.Todo, "same disk")
	wantState(t, by, "backups.drill", launch.Todo, "None")
	wantState(t, by, "backups.copy", launch.Todo, "None")
	wantState(t, by, "backups.kit", launch.Todo, "")
	wantState(t, by, "backups.fresh", launch.Unknown, "running server")
	wantState(t, by, "backups.lease", launch.NotApplicable, "")
	wantState(t, by, "audit.elsewhere", launch.Todo, "")
	a.Clock.Advance(14 * time.Hour)
	a.RunJobs()
	if _, err := ops.ExportKeys(data, nil, a.Clock.Now(), &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(t.TempDir(), "litestream.yml")
	if err := os.WriteFile(yaml, []byte("dbs:\n  - path: ${SEAWORTHY_DATA}/seaworthy.db\n    replica:\n      type: s3\n      bucket: b\n      path: p/${SEAWORTHY_EPOCH}\n      region: eu-west-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	by = checksWith(a, func(c *config.Config) { c.Replica = yaml })
	wantState(t, by, "backups.replica", launch.Done, "s3://b/p")
	wantState(t, by, "audit.elsewhere", launch.Done, "")
	wantState(t, by, "backups.drill", launch.Done, "went well")
	wantState(t, by, "backups.copy", launch.Done, "made on")
	wantState(t, by, "backups.kit", launch.Done, "recovery kit")
	wantState(t, by, "backups.lease", launch.Unknown, "")
	live, err := store.Read(t.Context(), a.DB, a.Backups.Checklist)
	a.Must(err)
	for _, p := range live {
		if p.Key == "backups.fresh" && p.State != launch.Done {
			t.Errorf("%+v", p)
		}
	}
	a.Clock.Advance(9 * 24 * time.Hour)
	by = checksWith(a, func(c *config.Config) { c.CopiesRecipients = "" })
	wantState(t, by, "backups.drill", launch.Todo, "The last that went well")
	wantState(t, by, "backups.copy", launch.Todo, "The last that went well")
}

func TestLaunchServer(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	by := checksWith(a, nil)
	wantState(t, by, "server.https", launch.Todo, "development")
	wantState(t, by, "server.certificate", launch.NotApplicable, "")
	wantState(t, by, "server.proxies", launch.NotApplicable, "")
	wantState(t, by, "server.modes", launch.Done, "")
	public := func(c *config.Config) { c.URL = "https://app.acme.example" }
	by = checksWith(a, public)
	wantState(t, by, "server.https", launch.Done, "https://app.acme.example")
	wantState(t, by, "server.certificate", launch.Unknown, "not called")
	wantState(t, by, "server.hsts", launch.Unknown, "not called")
	wantState(t, by, "server.proxies", launch.Todo, "no proxy is trusted")
	wantState(t, checksWith(a, func(c *config.Config) { public(c); c.TLS = "auto" }), "server.proxies", launch.Done, "itself")
	if err := os.Chmod(filepath.Join(a.Config.Data, "keys", "master.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantState(t, checksWith(a, nil), "server.modes", launch.Todo, "master.key")
}

// A system whose checks fail is a point of its own, and hides no other.
func TestLaunchSourceFails(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	points, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]ops.Point, error) {
		return ops.Checklist(tx, &a.Config, append([]ops.Source{{System: "billing", Checks: func(*store.Tx, *config.Config) ([]ops.Check, error) {
			return nil, errors.New("secret detail")
		}}}, app.CheckSources()...), nil)
	})
	if err != nil || points[0].Key != "billing.unread" || points[0].State != launch.Unknown || strings.Contains(points[0].Detail, "secret") || len(points) < 20 {
		t.Errorf("%+v, %v", points[0], err)
	}
}
