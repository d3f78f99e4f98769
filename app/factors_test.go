package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// A person sets up an authenticator app from the key on the page, keeps the
// recovery codes, and signs in with the app the next time, on a wide screen and
// on a phone, light and dark.
func TestTwoStepSignInInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	const email = "ada@example.com"
	b := a.Verified(email)
	ctx, said := chromium(t, 1280, 900)
	js := func(script string) string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return got
	}
	open := func(path string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(a.URL+path)); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	// until polls: chromedp's own waits can lose a page that replaces another.
	until := func(what string) {
		t.Helper()
		var text string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			var err error
			text, err = chromedp.Run(ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText : ""`))
			if err == nil && strings.Contains(text, what) {
				return
			}
		}
		t.Fatalf("no %q on the page\n%s", what, text)
	}
	look := func(name string) {
		t.Helper()
		for _, width := range []int64{1280, 360} {
			a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)))
			for _, theme := range []string{"light", "dark"} {
				js(`document.documentElement.dataset.theme = "` + theme + `"; document.body.offsetTop; document.getAnimations().forEach((a) => a.finish()); ""`)
				keep(t, ctx, fmt.Sprintf("mfa-%s-%d-%s", name, width, theme))
			}
			fits(t, ctx, name)
		}
	}
	fill := func(code string) {
		t.Helper()
		js(`const f = document.querySelector("input[name=code]"); f.value = "` + code + `"; f.form.requestSubmit(); ""`)
	}
	press := func(selector string) {
		t.Helper()
		js(`document.querySelector('` + selector + `').click(); ""`)
	}

	signedInAs(t, ctx, a, b)
	open("/-/account/security")
	look("off")
	press(`form[action$="/factors"] button`)
	until("Scan this")
	look("enrol")
	seed := strings.ReplaceAll(js(`document.getElementById("key").innerText`), " ", "")
	if js(`String(document.querySelector("svg.qr").getBoundingClientRect().width)`) != "208" {
		t.Error("the QR code has another size")
	}
	fill("000000")
	until("This code does not work")
	look("enrol-wrong")
	fill(a.TOTP(seed))
	until("Two-step sign-in is on")
	look("codes")
	recovery := js(`document.querySelector(".codes code").innerText`)
	if file := js(`decodeURIComponent(document.querySelector("a[download]").href)`); !strings.Contains(file, recovery) {
		t.Errorf("the file lacks the codes: %s", file)
	}
	open("/-/account/security")
	until("10 of 10 left")
	press("#factors details summary")
	look("on")
	open("/-/account/security/phone")
	look("phone")
	js(`const f = document.querySelector("input[name=phone]"); f.value = "+49 170 1234567"; f.form.requestSubmit(); ""`)
	until("We sent a text")
	look("phone-code")
	a.RunJobs()
	text := a.Texts("")[0]
	fill(text.Body[:6])
	until("The second step is set up")
	look("both")

	a.Clock.Advance(30 * time.Second)
	before := said()
	ctx, said = chromium(t, 1280, 900) // another browser, with time of its own
	open("/-/login")
	js(`document.querySelector("input[name=email]").value = "` + email + `"; const p = document.querySelector("input[name=password]"); p.value = "` + apptest.Password + `"; p.form.requestSubmit(); ""`)
	until("Second step")
	look("second")
	fill("12 34 56")
	until("This code does not work")
	look("second-wrong")
	open("/-/login/mfa?method=sms&next=/-/account/sessions")
	look("second-text")
	open("/-/login/mfa?method=recovery&next=/-/account/sessions")
	look("second-recovery")
	open("/-/login/mfa?next=/-/account/sessions")
	press(`input[name=trust]`)
	fill(a.TOTP(seed)[:3] + " " + a.TOTP(seed)[3:])
	until("Trusted devices")
	look("trusted")
	a.Clock.Advance(16 * time.Minute)
	open("/-/account/security/phone")
	until("Confirm who you are")
	look("confirm")
	open("/-/dev/inbox/" + text.ID)
	until("is your Acme code")
	look("inbox")
	for _, s := range append(before, said()...) {
		if !strings.Contains(s, "status of 422") { // the wrong codes above
			t.Errorf("the browser complains: %s", s)
		}
	}
}
