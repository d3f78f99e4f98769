package app_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// The main job, by hand and eye: a person signs up, finds the mail, follows its
// link and is verified; the operator sees it all in the console.
func TestSignUpToVerifiedInChromium(t *testing.T) {
	a := apptest.New(t)
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			where, _ := chromedp.Run(ctx, chromedp.Location())
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			t.Fatalf("%v at %s\n%s", err, where, text)
		}
	}
	heading := func(want string) {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("h1").innerText`))
		a.Must(err)
		if !strings.Contains(got, want) {
			t.Fatalf("heading %q, want %q", got, want)
		}
	}

	run(chromedp.Navigate(a.URL + "/"))
	heading("")
	keep(t, ctx, "01-home")
	run(chromedp.Navigate(a.URL+"/-/signup"), chromedp.WaitVisible("#name, input[name=name]"))
	keep(t, ctx, "02-signup")
	run(chromedp.SendKeys("input[name=name]", "Ada Lovelace"), chromedp.SendKeys("input[name=email]", "ada@example.com"),
		chromedp.SendKeys("input[name=password]", "short"), chromedp.Submit("input[name=password]"), chromedp.WaitVisible("[aria-invalid=true]"))
	keep(t, ctx, "03-signup-fault")
	run(chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"),
		gone("input[name=password]"))
	heading("Check your mail")
	keep(t, ctx, "04-check-mail")
	a.Expect(apptest.Happened{Audit: []string{"user.signed_up"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_user": 1, "auth_email": 1,
		"auth_org": 1, "auth_membership": 1, "auth_role_binding": 1, "auth_session": 1, "auth_device": 1, "auth_one_time": 1}})
	a.RunJobs()

	id := a.Mails("ada@example.com")[0].ID
	run(chromedp.Navigate(a.URL+"/-/dev/inbox"), chromedp.Click(`a[href*="`+id+`"]`),
		chromedp.WaitVisible("iframe"))
	keep(t, ctx, "05-inbox")
	run(chromedp.Navigate(a.URL+"/-/dev/inbox/"+id+"?view=links"), chromedp.Click(`a[href*="/-/verify?token="]`),
		chromedp.WaitVisible(`button[value=confirm]`))
	keep(t, ctx, "06-verify")
	run(chromedp.Click(`button[value=confirm]`), gone(`button[value=confirm]`))
	heading("Your address is verified")
	keep(t, ctx, "07-verified")
	run(chromedp.Navigate(a.URL + "/-/account"))
	keep(t, ctx, "08-account")

	link, err := a.Auth.SetupLink(t.Context())
	a.Must(err)
	run(chromedp.Navigate(link), chromedp.SendKeys("input[name=name]", "Grace Hopper"), chromedp.SendKeys("input[name=email]", "grace@example.com"),
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), gone("input[name=password]"))
	a.RunJobs()
	for i, page := range []string{"", "/users", "/jobs", "/audit"} {
		run(chromedp.Navigate(a.URL + "/-/admin" + page))
		keep(t, ctx, "1"+string(rune('0'+i))+"-console"+strings.ReplaceAll(page, "/", "-"))
	}
	for _, s := range said() {
		if !strings.Contains(s, "status of 422") { // the faulty form above
			t.Errorf("the browser complains: %s", s)
		}
	}
}

// The colours of texts can be read in both themes.
func TestContrastInChromium(t *testing.T) {
	a := apptest.New(t)
	ctx, said := chromium(t, 1280, 900)
	a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/login")))
	for _, theme := range []string{"light", "dark"} {
		pale, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`document.documentElement.dataset.theme = "`+theme+`"; `+palePairs))
		a.Must(err)
		for _, p := range pale {
			t.Errorf("too pale in %s: %s", theme, p)
		}
	}
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}

// At 360 px no page scrolls sideways, and none shuts anybody out.
func TestPagesFitAPhone(t *testing.T) {
	a := apptest.New(t)
	a.Operator("a-rather-long-address-of-somebody@subdomain.example.com")
	a.RunJobs()
	orgPath := "/-/org/" + a.Query(`SELECT slug FROM auth_org`)
	ctx, _ := chromium(t, 360, 780)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 780)); err != nil {
		t.Fatal(err)
	}
	signIn := []chromedp.Action[chromedp.Void]{chromedp.Navigate(a.URL + "/-/login"), chromedp.SendKeys("input[name=email]", "a-rather-long-address-of-somebody@subdomain.example.com"),
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), gone("input[name=password]")}
	pages := []string{"/", "/-/login", "/-/login/mfa", "/-/login/email", "/-/signup", "/-/forgot", "/-/nowhere", "/-/pricing"}
	_, ways, _ := strings.Cut(a.Browser().Post("/-/login/standin").Want(200).Header.Get("Refresh"), "url="+a.URL)
	pages = append(pages, ways, "/-/login/standin/callback")
	const long = "a-rather-long-address-of-somebody@subdomain.example.com"
	mail := "/-/dev/inbox/" + a.Mails("")[0].ID
	pages = append(pages, mailOf(a, long, "product-news"))
	a.Key("email:manage").PostJSON("/-/api/v1/email/suppressions", map[string]string{"address": long, "scope": "category", "category": "a-rather-long-key-of-a-category-of-mail"}).Want(201)
	inside := []string{"/-/account", "/-/account/security", "/-/account/security/phone", "/-/account/sessions", "/-/account/data", "/-/confirm",
		"/-/account/tokens", "/-/account/orgs/new", "/-/account/notifications", orgPath + "/members", orgPath + "/roles", orgPath + "/keys", orgPath + "/settings", orgPath + "/billing",
		"/-/admin/billing", "/-/admin/billing/settings", "/-/admin/billing/plans", "/-/admin/billing/plans/edit",
		"/-/admin", "/-/admin/users", "/-/admin/users/" + a.UserID(long), "/-/admin/orgs", "/-/admin/orgs/" + a.PersonalOrg(long),
		"/-/admin/jobs", "/-/admin/jobs/schedules", "/-/admin/jobs/new-schedule", "/-/admin/flags", "/-/admin/flags/-/new", "/-/admin/flags/-/kill", "/-/admin/flags/-/import", "/-/admin/flags/-/segments", "/-/admin/flags/-/new-segment", "/-/admin/audit", "/-/dev/inbox", "/-/dev/inbox/" + a.Mails("")[0].ID,
		"/-/admin/logs", "/-/admin/logs?q=nowhere", "/-/admin/errors", "/-/admin/errors/" + anError(a), "/-/admin/errors/" + aReport(a), "/-/admin/errors/projects", "/-/admin/errors/monitors", "/-/admin/alerts", "/-/admin/alerts/settings", "/-/admin/alerts/" + anAlert(a), "/-/admin/observe",
		"/-/admin/performance", "/-/admin/performance/series?class=ours&name=GET+%2F-%2Fadmin", "/-/admin/performance/queries", "/-/admin/performance/queries/" + aQuery(a), "/-/admin/performance/slow", "/-/admin/performance/traces", "/-/admin/performance/traces/" + aTrace(a),
		"/-/admin/email/templates", "/-/admin/email/templates/billing/receipt", "/-/admin/email/templates/auth/verify/history", "/-/admin/email/new-template", "/-/admin/email/brand",
		"/-/admin/email", "/-/admin/email/messages/" + a.Query(`SELECT id FROM email_message`), mail, mail + "?view=checks", mail + "?view=headers",
		"/-/admin/email/suppressions", "/-/admin/email/suppressions/" + a.Query(`SELECT id FROM email_suppression`), "/-/admin/email/categories", "/-/admin/email/categories?edit=product-news", "/-/admin/email/providers", "/-/admin/access", "/-/admin/access/new-rule", "/-/admin/backups", "/-/admin/launch", "/-/admin/search", "/-/admin/search?q=" + long, "/-/admin/search?q=nobody-at-all",
		"/-/admin/welcome", "/-/admin/welcome/operator", "/-/admin/welcome/brand", "/-/admin/welcome/app", "/-/admin/welcome/providers", "/-/admin/welcome/plans", "/-/admin/welcome/backups", "/-/admin/welcome/done"}
	aMonitor(a)
	check := func(path string) {
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path)))
		fits(t, ctx, path)
		faultless(t, ctx, path)
	}
	for _, path := range pages {
		check(path)
	}
	if err := chromedp.Do(ctx, signIn...); err != nil {
		t.Fatal(err)
	}
	for _, path := range inside {
		check(path)
		keep(t, ctx, "phone"+strings.ReplaceAll(strings.SplitN(path, "inb_", 2)[0], "/", "-"))
	}
}
