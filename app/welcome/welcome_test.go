package welcome_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// setup is what the API says.
type setup struct {
	Settled, Of int
	Dismissed   bool
	Steps       []struct {
		Key           string
		Done, Skipped bool
		Points        []struct {
			Title, State, Detail string
			Needed               bool
			Unset                []string
		}
	}
}

// step is one of them.
func (s setup) step(t *testing.T, key string) (done, skipped bool, text string) {
	t.Helper()
	for _, step := range s.Steps {
		if step.Key == key {
			for _, p := range step.Points {
				text += p.Title + ": " + p.State + ": " + p.Detail + " [" + strings.Join(p.Unset, " ") + "]\n"
			}
			return step.Done, step.Skipped, text
		}
	}
	t.Fatalf("there is no step %s in %+v", key, s)
	return
}

func read(b *apptest.Browser) (s setup) {
	b.Get("/-/api/v1/setup").Want(200).JSON(&s)
	return s
}

func TestFirstOperatorIsWelcomed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	p := op.Get("/-/admin/welcome").Want(200, "Set-up: 1 of 6", "1 of 6 steps settled", "The one operator signs in with one factor alone.", "Nothing can be sold") // the brand is configured in tests
	if strings.Contains(p.Body, "<script>") {
		t.Error("an inline script")
	}
	for _, step := range []string{"operator", "brand", "app", "providers", "plans", "backups"} {
		op.Get("/-/admin/welcome/"+step).Want(200, `aria-current="step"`, "of 6")
	}
	op.Get("/-/admin/welcome/done").Want(200, "What is left", "The public address is https", "needed")
	op.Get("/-/admin/welcome/nothing").Want(404)
	op.Get("/-/admin").Want(200, `href="/-/admin/welcome"`, "Set-up: 1 of 6")
}

// Each step says how it stands from the data itself: nothing but the data is changed here.
func TestStepsFollowTheData(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Brand = "Seaworthy" })
	op := a.Operator("grace@example.com")
	a.RunJobs()
	s := read(op)
	if s.Settled != 0 || s.Of != 6 || s.Dismissed {
		t.Errorf("%+v", s)
	}
	if done, _, text := s.step(t, "providers"); done || !strings.Contains(text, "POSTMARK_SERVER_TOKEN") || !strings.Contains(text, a.URL+"/-/webhooks/stripe") && strings.Contains(text, "Stripe's events") {
		t.Error(text)
	}
	a.SetUpTOTP(op)
	if done, _, text := read(op).step(t, "operator"); !done {
		t.Error(text)
	}
	a.Forget()
	op.Post("/-/admin/welcome/brand/save", "version", "0", "name", "Rockets", "accent", "#e11d48").Want(200, "Saved.", `value="Rockets"`, "Set-up: 2 of 6")
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}, Rows: map[string]int{"email_brand": 1}})
	if done, _, text := read(op).step(t, "brand"); !done || !strings.Contains(text, "the name Rockets and the colour #e11d48") {
		t.Error(text)
	}
	op.Post("/-/admin/welcome/brand/save", "version", "1", "name", "Rockets", "accent", "red").Want(422, "A colour such as #0f5c8c.", `value="red"`)
	op.Post("/-/admin/welcome/brand/save", "version", "0", "name", "Others", "accent", "").Want(409, "Somebody changed this")
	op.Post("/-/admin/welcome/brand/save", "version", "x", "name", "Others", "accent", "").Want(400)
	a.ExpectNothing()
	a.Key("email:manage").Do("PUT", "/-/api/v1/email/brand", "application/json", `{"version":1}`).Want(200)
	if done, _, _ := read(op).step(t, "brand"); done {
		t.Error("the brand is gone and the step still says done")
	}
}

func TestStepsAreSkippedAndTakenUp(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	op.Post("/-/admin/welcome/app/skip").Want(200, "put off", "Send a test mail", "Set-up: 2 of 6")
	a.Expect(apptest.Happened{Audit: []string{"setup.step_skipped"}, Rows: map[string]int{"welcome_skip": 1}})
	op.Post("/-/admin/welcome/app/skip").Want(409, "put off already")
	op.Post("/-/admin/welcome/nothing/skip").Want(404)
	op.Post("/-/admin/welcome/all/skip").Want(404)
	a.ExpectNothing()
	if done, skipped, _ := read(op).step(t, "app"); done || !skipped {
		t.Error("a step that is skipped says that it is done")
	}
	op.Post("/-/admin/welcome/app/resume").Want(200, "The step counts again.", "Skip for now")
	a.Expect(apptest.Happened{Audit: []string{"setup.step_resumed"}, Rows: map[string]int{"welcome_skip": -1}})
	for _, step := range []string{"operator", "app", "providers", "plans"} {
		op.Do("PUT", "/-/api/v1/setup/steps/"+step+"/skip", "", "").Want(200)
	}
	op.Post("/-/admin/welcome/backups/skip").Want(200, "What is left").Without("Set-up: ")
	op.Get("/-/admin").Want(200).Without(`href="/-/admin/welcome"`)
	op.Get("/-/admin/welcome").Want(200, "All steps are settled", "Put off.")
	op.Do("DELETE", "/-/api/v1/setup/steps/app/skip", "", "").Want(200)
	op.Do("DELETE", "/-/api/v1/setup/steps/app/skip", "", "").WantProblem(409, "counts")
	op.Do("DELETE", "/-/api/v1/setup/steps/nothing/skip", "", "").Want(404)
	a.Forget()
	op.Get("/-/admin").Want(200, "Set-up: 5 of 6")
	op.Post("/-/admin/welcome/dismiss").Want(200, "does not speak of the set-up any more").Without("Set-up: ")
	a.Expect(apptest.Happened{Audit: []string{"setup.dismissed"}, Rows: map[string]int{"welcome_skip": 1}})
	op.Get("/-/admin").Want(200).Without("Set-up: ")
	if s := read(op); !s.Dismissed || s.Settled != 5 {
		t.Errorf("%+v", s)
	}
	op.Post("/-/admin/welcome/restore").Want(200, "speaks of the set-up again")
	a.Expect(apptest.Happened{Audit: []string{"setup.restored"}, Rows: map[string]int{"welcome_skip": -1}})
	op.Do("PUT", "/-/api/v1/setup/dismissal", "", "").Want(200, `"dismissed":true`)
	op.Do("PUT", "/-/api/v1/setup/dismissal", "", "").WantProblem(409, "skipped")
	op.Do("DELETE", "/-/api/v1/setup/dismissal", "", "").Want(200, `"dismissed":false`)
}

func TestSetupAsksForPermission(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Operator("grace@example.com")
	bob := a.Verified("bob@example.com")
	bob.Get("/-/admin/welcome").Want(403)
	bob.Get("/-/api/v1/setup").Want(403)
	a.Grant("bob@example.com", "console:read")
	a.Forget()
	bob.Get("/-/admin/welcome").Want(200).Without("Do not show this any more")
	for _, step := range []string{"brand", "app", "providers", "plans"} {
		bob.Get("/-/admin/welcome/"+step).Want(200).Without("<form action=\"/-/admin/welcome", `<form class="form" action="/-/admin/welcome`)
	}
	for _, path := range []string{"app/skip", "app/resume", "dismiss", "restore", "brand/save", "app/try", "providers/test", "plans/make", "plans/read"} {
		bob.Post("/-/admin/welcome/" + path).Want(403)
	}
	if n := a.Count("welcome_skip") + a.Count("proxy_trial") + a.Count("billing_import"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestAppIsTried(t *testing.T) {
	t.Parallel()
	asked := 0
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
	}))
	t.Cleanup(behind.Close)
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	op.Post("/-/admin/welcome/app/try", "address", behind.URL+"/").Want(200, behind.URL+" is being tried", "every 1s")
	if asked != 0 {
		t.Error("the request itself called out")
	}
	a.Expect(apptest.Happened{Audit: []string{"upstream.tried"}, Jobs: []string{"proxy.try"}, Rows: map[string]int{"proxy_trial": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"proxy.try completed"}})
	op.Get("/-/admin/welcome/app").Want(200, "It answered 302 Found", "SEAWORTHY_UPSTREAM="+behind.URL).Without("every 1s")
	if asked != 1 {
		t.Errorf("asked %d times: a redirect is not followed", asked)
	}
	if done, _, _ := read(op).step(t, "app"); done {
		t.Error("trying an address does not send requests there")
	}
	behind.Close()
	op.PostJSON("/-/api/v1/access/upstream/try", map[string]string{"address": behind.URL}).Want(202, `"waiting"`)
	a.RunJobs()
	op.Get("/-/api/v1/access/upstream").Want(200, `"silent"`, "Nothing listens there")
	op.PostJSON("/-/api/v1/access/upstream/try", map[string]string{"address": "http://169.254.169.254"}).Want(202)
	a.RunJobs()
	op.Get("/-/admin/welcome/app").Want(200, "may not be tried from here")
	op.PostJSON("/-/api/v1/access/upstream/try", map[string]string{"address": "unix:/nowhere/app.sock"}).Want(202)
	a.RunJobs()
	op.Get("/-/admin/welcome/app").Want(200, "There is no such socket")
	a.Forget()
	for _, bad := range []string{"", "ftp://x", "http://127.0.0.1:3000/path", "http://user:x@127.0.0.1", "unix:relative", a.URL, strings.Repeat("x", 301)} {
		op.Post("/-/admin/welcome/app/try", "address", bad).Want(422, "f-address-error")
	}
	a.ExpectNothing()
	op.Post("/-/admin/welcome/app/try", "address", "http://127.0.0.1:1").Want(200, "every 1s")
	a.Clock.Advance(time.Minute)
	op.Get("/-/admin/welcome/app").Want(200, "No word came of http://127.0.0.1:1").Without("every 1s")
}

func TestAppBehindIsSeen(t *testing.T) {
	t.Parallel()
	behind := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(behind.Close)
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream = behind.URL })
	op := a.Operator("grace@example.com")
	if _, _, text := read(op).step(t, "app"); !strings.Contains(text, "unknown") || strings.Contains(text, "[SEAWORTHY_UPSTREAM]") {
		t.Error(text)
	}
	op.Get("/-/admin/welcome/app").Want(200, "seen", "Set to <code>"+behind.URL)
}

func TestTestMailIsSent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	p := op.Post("/-/admin/welcome/providers/test", "provider", "inbox", "to", "grace@example.com").Want(200, "A test mail is on its way", "What became of the test mail")
	if !strings.Contains(p.Body, "/-/admin/email/messages/msg_") {
		t.Error("it does not lead to the message")
	}
	a.Expect(apptest.Happened{Audit: []string{"email_provider.tested"}, Jobs: []string{"email.deliver"}})
	op.Post("/-/admin/welcome/providers/test", "provider", "inbox", "to", "nobody").Want(422, "Write one email address")
	op.Post("/-/admin/welcome/providers/test", "provider", "none", "to", "grace@example.com").Want(404)
	a.ExpectNothing()
}
