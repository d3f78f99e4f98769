package jobs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	stock "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/webhook"
)

func TestGoneDisablesAndEnablingResumes(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(410, ""))
	a := newApp(t, v)
	c := newClient(a)
	ids := []string{c.enqueue(map[string]any{"kind": "report"}), c.enqueue(map[string]any{"kind": "report"})}
	later := c.enqueue(map[string]any{"kind": "later", "delay_seconds": 30 * 24 * 3600})
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.disabled"}, Ran: []string{"report scheduled", "report scheduled"}})
	c.Get("/-/api/v1/jobs/endpoints/default").Want(200, `"enabled":false`, `"disabled_why":"gone"`)
	for range 5 {
		a.Clock.Advance(24 * time.Hour)
		a.RunJobs()
	}
	if n := len(v.deliveries()); n != 1 {
		t.Errorf("%d deliveries though it is disabled", n)
	}
	v.answers(nil)
	a.Forget()
	c.Do("PATCH", "/-/api/v1/jobs/endpoints/default", "application/json", `{"enabled":true}`).Want(200, `"enabled":true`)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.enabled"}, Jobs: []string{"jobs.resume"}, Ran: []string{"jobs.resume completed", "report completed", "report completed"}})
	for _, id := range ids {
		if j := c.job(id); j.State != "completed" || j.Attempt != 1 {
			t.Errorf("%+v", j)
		}
	}
	if j := c.job(later); j.State != "scheduled" || j.Snoozes != 0 {
		t.Errorf("a job that waits for its time: %+v", j)
	}
}

func TestRotationIsSignedWithBothSecrets(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := apptest.New(t)
	c := newClient(a)
	old := c.endpoint("app", v.URL)
	a.Forget()
	var made struct {
		Secret   string
		Endpoint map[string]any
	}
	c.PostJSON("/-/api/v1/jobs/endpoints/app/rotate", nil).Want(200).JSON(&made)
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.rotated"}})
	now := parsed(t, made.Secret)
	if made.Endpoint["previous_secret_until"] != apptest.Epoch.Add(24*time.Hour).Format(time.RFC3339) {
		t.Errorf("%v", made)
	}
	verify := func(wantOld bool) {
		t.Helper()
		c.run(map[string]any{"kind": "report", "endpoint": "app"})
		d := v.deliveries()[len(v.deliveries())-1]
		for name, s := range map[string]struct {
			secret webhook.Secret
			ok     bool
		}{"new": {now, true}, "old": {old, wantOld}, "other": {webhook.NewSecret(), false}} {
			theirs, err := stock.NewWebhook(s.secret.Reveal())
			a.Must(err)
			if err := theirs.VerifyIgnoringTimestamp([]byte(d.body), d.header); (err == nil) != s.ok {
				t.Errorf("%s secret: the stock verifier says %v", name, err)
			}
			if _, err := webhook.Verify(d.header, []byte(d.body), a.Clock.Now(), s.secret); (err == nil) != s.ok {
				t.Errorf("%s secret: ours says %v", name, err)
			}
		}
	}
	verify(true)
	a.Clock.Advance(24*time.Hour + time.Second)
	verify(false)
	if strings.Contains(a.Logs(), made.Secret) || strings.Contains(c.Get("/-/api/v1/jobs/endpoints/app").Want(200).Body, "whsec_") {
		t.Error("the secret is told again")
	}
}

func TestConfiguredSecretRotates(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.PostJSON("/-/api/v1/jobs/endpoints/default/rotate", nil).WantProblem(409, "configured")
	// The next start has another secret and address.
	a.Jobs.Secret, a.Jobs.URL = webhook.NewSecret(), v.URL+"/other"
	a.Forget()
	a.Must(a.Jobs.Open(t.Context()))
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.changed", "job_endpoint.rotated"}})
	a.Must(a.Jobs.Open(t.Context()))
	a.ExpectNothing()
	c.run(map[string]any{"kind": "report"})
	d := v.deliveries()[0]
	for _, s := range []webhook.Secret{a.Jobs.Secret, parsed(t, secret)} {
		if _, err := webhook.Verify(d.header, []byte(d.body), a.Clock.Now(), s); err != nil {
			t.Error(err)
		}
	}
	// One without a configuration is everybody's to change.
	a.Forget()
	a.Jobs.Secret, a.Jobs.URL = nil, ""
	a.Must(a.Jobs.Open(t.Context()))
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.changed"}})
	c.Do("DELETE", "/-/api/v1/jobs/endpoints/default", "", "").Want(204)
}

func TestConfigurationOfJobs(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]func(*config.Config){
		"SEAWORTHY_APP_JOBS_URL must be set":  func(c *config.Config) { c.AppJobsSecret = secret },
		"SEAWORTHY_APP_JOBS_URL must look":    func(c *config.Config) { c.AppJobsURL = "localhost:3000" },
		"SEAWORTHY_APP_JOBS_SECRET: want":     func(c *config.Config) { c.AppJobsURL, c.AppJobsSecret = "http://localhost:3000", "short" },
		`SEAWORTHY_JOBS_ALLOW: "10.0.0.0/99"`: func(c *config.Config) { c.JobsAllow = "10.0.0.0/99" },
	} {
		cfg := config.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), Replica: "off", Brand: "Acme", LogLevel: "error"}
		set(&cfg)
		err := cfg.Validate()
		if err == nil {
			_, err = app.New(t.Context(), cfg, app.Options{})
		}
		var fault *config.FaultError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
