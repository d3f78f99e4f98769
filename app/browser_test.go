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

// At 360 px no page scrolls sideways.
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
	pages := []string{"/", "/-/login", "/-/login/mfa", "/-/login/email", "/-/signup", "/-/forgot", "/-/nowhere"}
	_, ways, _ := strings.Cut(a.Browser().Post("/-/login/standin").Want(200).Header.Get("Refresh"), "url="+a.URL)
	pages = append(pages, ways, "/-/login/standin/callback")
	const long = "a-rather-long-address-of-somebody@subdomain.example.com"
	inside := []string{"/-/account", "/-/account/security", "/-/account/security/phone", "/-/account/sessions", "/-/account/data", "/-/confirm",
		"/-/account/tokens", "/-/account/orgs/new", orgPath + "/members", orgPath + "/roles", orgPath + "/keys", orgPath + "/settings",
		"/-/admin", "/-/admin/users", "/-/admin/users/" + a.UserID(long), "/-/admin/orgs", "/-/admin/orgs/" + a.PersonalOrg(long),
		"/-/admin/jobs", "/-/admin/audit", "/-/dev/inbox", "/-/dev/inbox/" + a.Mails("")[0].ID}
	check := func(path string) {
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path)))
		width, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.scrollWidth`))
		a.Must(err)
		client, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.clientWidth`))
		a.Must(err)
		if width > client {
			t.Errorf("%s is %v px wide on a screen of %v", path, width, client)
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
