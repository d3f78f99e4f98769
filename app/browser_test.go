package app_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// chromium opens a real browser for the test. Without one the test is skipped,
// aloud; where CI is set it fails.
func chromium(t *testing.T, width, height int) (context.Context, func() []string) {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("CI must have Chromium: install Debian's package chromium")
		}
		t.Skip("SKIPPED: no Chromium on this machine, so no page was tried in a browser (install the package chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(width, height), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	watchdog := time.AfterFunc(60*time.Second, cancel)
	t.Cleanup(func() { watchdog.Stop(); cancel(); stop() })

	var mu sync.Mutex
	var said []string
	err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, arg := range e.Args {
				said = append(said, "console: "+string(arg.Value))
			}
		case *runtime.EventExceptionThrown:
			said = append(said, "exception: "+e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if strings.HasPrefix(e.Entry.Text, "Autofocus processing was blocked") {
				return // the test was quicker than the page: it had put the focus somewhere
			}
			said = append(said, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, func() []string { mu.Lock(); defer mu.Unlock(); return said }
}

// keep writes a screenshot where SEAWORTHY_SCREENSHOTS says, for people to look at.
func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("SEAWORTHY_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

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
		chromedp.WaitNotPresent("input[name=password]"))
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
	run(chromedp.Click(`button[value=confirm]`), chromedp.WaitNotPresent(`button[value=confirm]`))
	heading("Your address is verified")
	keep(t, ctx, "07-verified")
	run(chromedp.Navigate(a.URL + "/-/account"))
	keep(t, ctx, "08-account")

	link, err := a.Auth.SetupLink(t.Context())
	a.Must(err)
	run(chromedp.Navigate(link), chromedp.SendKeys("input[name=name]", "Grace Hopper"), chromedp.SendKeys("input[name=email]", "grace@example.com"),
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), chromedp.WaitNotPresent("input[name=password]"))
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

// faultsOfPage finds what keeps people out who see or point less well than others:
// what axe-core found on these pages once, and what is as cheap to look for.
const faultsOfPage = `(() => {
	const faults = [], all = (s, within = document) => [...within.querySelectorAll(s)], shown = (e) => e.checkVisibility()
	const say = (what, e) => faults.push(what + ": " + e.outerHTML.slice(0, 120))
	const text = (e) => (e?.innerText ?? "").replace(/\s+/g, " ").trim()
	const named = (e) => (e.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => text(document.getElementById(id))).join(" ").trim() || e.getAttribute("aria-label") || ""
	if (all("main").length !== 1) faults.push(all("main").length + " main")
	if (all("h1").length !== 1) faults.push(all("h1").length + " h1")
	if (!document.documentElement.lang || !document.title) faults.push("no language or title")
	const ids = new Set()
	for (const e of all("[id]")) ids.has(e.id) ? say("the id is not unique", e) : ids.add(e.id)
	for (const e of all("[aria-describedby], [aria-labelledby], label[for]"))
		for (const name of ["aria-describedby", "aria-labelledby", "for"])
			for (const id of (e.getAttribute(name) ?? "").split(" ")) if (id && !ids.has(id)) say("nothing has the id " + id, e)
	let level = 0
	for (const h of all("h1, h2, h3, h4, h5").filter(shown)) {
		if (+h.tagName[1] > level + 1) say("a level of headings is left out", h)
		level = +h.tagName[1]
	}
	for (const e of all("input:not([type=hidden]), select, textarea").filter((e) => shown(e) && !e.closest("[aria-hidden=true]")))
		if (!named(e) && !text(e.labels?.[0])) say("no label", e)
	for (const e of all("button, summary, a[href]").filter(shown)) {
		const seen = text(e).toLowerCase(), name = named(e).toLowerCase()
		if (!seen && !name) say("no name", e)
		if (seen && name && !name.includes(seen)) say("the name does not have the words that are seen", e)
	}
	for (const e of all("img:not([alt]), svg:not([aria-hidden=true]):not([role=img])")) say("neither described nor hidden", e)
	const landmarks = new Set()
	for (const e of all("main, nav, aside, form[role=search], [role=region], section").filter(shown)) {
		const role = e.tagName === "SECTION" ? "region" : e.getAttribute("role") || e.tagName.toLowerCase(), name = named(e)
		if (role === "region" && !name) continue // none
		if (landmarks.has(role + name)) say("the same landmark twice", e)
		landmarks.add(role + name)
	}
	for (const e of all("body > *")) if (shown(e) && text(e) && !e.matches("main, nav, header, footer, aside, dialog, .skip, #announcer") && !e.querySelector("main")) say("in no landmark", e)
	return faults
})()`

// palePairs are texts that contrast less than 4.5 with their ground (WCAG 2.2, 1.4.3),
// of the colours the stylesheet is made from, as the browser resolves them.
const palePairs = `(() => {
	const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true })
	const probe = document.body.appendChild(document.createElement("i")), pale = []
	const light = (name) => {
		probe.className = ""
		probe.style.setProperty("color", "var(--" + name + ")")
		pen.fillStyle = getComputedStyle(probe).color
		pen.fillRect(0, 0, 1, 1)
		const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		return 0.2126 * r + 0.7152 * g + 0.0722 * b
	}
	const pairs = [["on-accent", "accent"], ["on-accent", "accent-strong"], ["n11", "n3"], ["n12", "n4"], ["n12", "n5"], ["n11", "n4"]]
	for (const kind of ["ok", "warn", "danger", "accent"]) for (const ground of [kind + "-tint", "surface", "n1"]) pairs.push([kind + "-text", ground])
	for (const ink of ["n10", "n11", "n12"]) for (const ground of ["n1", "n2", "surface", "raised"]) pairs.push([ink, ground])
	for (const [ink, ground] of pairs) {
		const [less, more] = [light(ink), light(ground)].sort((a, b) => a - b), ratio = (more + 0.05) / (less + 0.05)
		if (ratio < 4.5) pale.push(ink + " on " + ground + " " + ratio.toFixed(2))
	}
	probe.remove()
	return pale
})()`

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
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), chromedp.WaitNotPresent("input[name=password]")}
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
		"/-/admin/email/suppressions", "/-/admin/email/suppressions/" + a.Query(`SELECT id FROM email_suppression`), "/-/admin/email/categories", "/-/admin/email/categories?edit=product-news", "/-/admin/email/providers", "/-/admin/access", "/-/admin/access/new-rule", "/-/admin/backups", "/-/admin/launch"}
	aMonitor(a)
	check := func(path string) {
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path)))
		width, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.scrollWidth`))
		a.Must(err)
		client, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.clientWidth`))
		a.Must(err)
		if width > client {
			t.Errorf("%s is %v px wide on a screen of %v", path, width, client)
		}
		faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](faultsOfPage))
		a.Must(err)
		for _, f := range faults {
			t.Errorf("%s: %s", path, f)
		}
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
