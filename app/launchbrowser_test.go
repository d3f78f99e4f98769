package app_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// A person dismisses a point of the launch checklist and takes it back; the page is
// whole in both themes and on a phone.
func TestLaunchInChromium(t *testing.T) {
	a := apptest.New(t)
	a.Operator("ada@example.com")
	a.RunJobs()
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		a.Must(chromedp.Do(ctx, actions...))
	}
	run(chromedp.Navigate(a.URL+"/-/login"), chromedp.SendKeys("input[name=email]", "ada@example.com"),
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), gone("input[name=password]"))
	look := func(name string) {
		t.Helper()
		faultless(t, ctx, name)
		keep(t, ctx, name)
	}
	run(chromedp.Navigate(a.URL + "/-/admin"))
	look("launch-overview")
	run(chromedp.Navigate(a.URL + "/-/admin/launch"))
	look("launch-light")
	run(chromedp.Click("#check-flags-kill summary"), chromedp.SendKeys("#why-check-flags-kill", "We use no flags."))
	look("launch-why")
	run(chromedp.Submit("#why-check-flags-kill"), chromedp.WaitVisible("#check-flags-kill.point-off"))
	look("launch-dismissed")
	run(chromedp.Submit("#check-flags-kill button"), chromedp.WaitVisible("#check-flags-kill summary"))
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	a.Must(err)
	run(chromedp.Navigate(a.URL + "/-/admin/launch"))
	look("launch-dark")
	run(chromedp.EmulateViewport(360, 780), chromedp.Navigate(a.URL+"/-/admin/launch"))
	look("launch-phone-dark")
	fits(t, ctx, "the page")
	for _, line := range said() {
		t.Error(line)
	}
}
