package app_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// The brand in a real browser: pages for customers have its colours in both themes under
// the policy that forbids styles in a page, the preview shows one that is not saved, and
// the set-up goes on by its own buttons.
func TestBrandAndSetUpInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Key("email:manage").Do("PUT", "/-/api/v1/email/brand", "application/json", `{"version":0,"name":"Rockets","accent":"#e11d48","accent_dark":"#fda4af"}`).Want(200)
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		a.Must(chromedp.Do(ctx, actions...))
	}
	text := func(script string) string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		a.Must(err)
		return got
	}
	theme := func(name string) { text(`document.documentElement.dataset.theme = "` + name + `"`) }
	const button = `(() => { document.body.offsetWidth; document.getAnimations().forEach((a) => a.finish()); const s = getComputedStyle(document.querySelector(".button-primary")); return s.backgroundColor + " " + s.color })()`
	run(chromedp.EmulateViewport(360, 780), chromedp.Navigate(a.URL+"/-/login"))
	for name, want := range map[string]string{"light": "rgb(225, 29, 72) rgb(255, 255, 255)", "dark": "rgb(253, 164, 175) rgb(27, 36, 48)"} {
		theme(name)
		if got := text(button); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		keep(t, ctx, "brand-login-"+name)
	}
	for _, name := range []string{"seaworthy_session", "seaworthy_device"} {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: op.Cookie(name), URL: a.URL})
		a.Must(err)
	}
	run(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(a.URL+"/-/admin/email/brand?version=1&name=Boats&accent=%23008800&accent_dark=&website=&support=&address="), chromedp.WaitVisible(".look-pair iframe"))
	frame := text(`(() => { const d = document.querySelector(".look-pair iframe").contentDocument; return d.querySelector("h1").innerText + " " + getComputedStyle(d.querySelector(".button-primary")).backgroundColor })()`)
	if frame != "Sign in to Boats rgb(0, 136, 0)" {
		t.Errorf("the preview shows %q", frame)
	}
	if got := text(button); strings.HasPrefix(got, "rgb(225") || strings.HasPrefix(got, "rgb(0, 136") {
		t.Errorf("the console wears the brand: %s", got)
	}
	keep(t, ctx, "brand-preview")

	// By keyboard alone: the step is filled in and saved, and the next one is opened.
	run(chromedp.Navigate(a.URL + "/-/admin/welcome/brand"))
	text(`document.querySelector("#f-name").select(), ""`)
	run(chromedp.SendKeys("#f-name", "Boats\r"), chromedp.WaitVisible(".alert-ok"))
	if name := a.Query(`SELECT name FROM email_brand`); name != "Boats" {
		t.Errorf("the brand is called %q", name)
	}
	keep(t, ctx, "welcome-brand")
	run(chromedp.Click(`.setup-end a:last-child`), chromedp.WaitVisible("#f-address"))
	run(chromedp.SendKeys("#f-address", "\r"), chromedp.WaitVisible("#trial .alert"))
	a.RunJobs()
	run(chromedp.WaitVisible("#trial .alert-danger")) // by itself, without loading the page again
	keep(t, ctx, "welcome-app")
	for _, one := range said() {
		t.Errorf("the browser says: %s", one)
	}
}
