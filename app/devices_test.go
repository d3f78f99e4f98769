package app_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// A person looks at their devices and signs one out, on a wide screen and on a
// phone, light and dark.
func TestDevicesInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.TrustedProxies = apptest.Loopback })
	const email = "ada@example.com"
	a.Verified(email)
	for _, d := range []struct{ ua, ip string }{
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1", "203.0.113.9"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", "2001:db8:85a3:8d3:1319:8a2e:370:7348"},
		{"", "198.51.100.7"},
	} {
		a.Clock.Advance(5 * time.Hour)
		b := a.Browser()
		b.UserAgent = d.ua
		b.Header.Set("X-Forwarded-For", d.ip)
		b.Post("/-/login", "email", email, "password", apptest.Password).Want(200)
	}
	program := a.Browser()
	program.UserAgent = "AcmeNotes/2.1 (iPhone; iOS 17.4)"
	program.PostJSON("/-/api/v1/login", map[string]string{"email": email, "password": apptest.Password}).Want(200)

	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			t.Fatalf("%v\n%s", err, text)
		}
	}
	look := func(name string) {
		t.Helper()
		for _, theme := range []string{"light", "dark"} {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"; document.body.offsetTop;
				document.getAnimations().forEach((a) => a.finish()); "`+theme+`"`))
			a.Must(err)
			keep(t, ctx, name+"-"+theme)
		}
		fits(t, ctx, name)
	}
	count := func() int {
		t.Helper()
		n, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll(".device").length`))
		a.Must(err)
		return n
	}
	run(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(a.URL+"/-/login"), chromedp.SendKeys("input[name=email]", email),
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), gone("input[name=password]"),
		chromedp.Navigate(a.URL+"/-/account/sessions"))
	if n := count(); n != 6 {
		t.Fatalf("%d devices", n)
	}
	look("devices-1280")
	run(chromedp.EmulateViewport(360, 780))
	look("devices-360")
	run(chromedp.Click(`form[action="/-/account/sessions/revoke"] button`), chromedp.WaitVisible(`#devices .alert-ok`))
	look("devices-360-done")
	if n := count(); n != 5 {
		t.Errorf("%d devices after one was signed out", n)
	}
	run(chromedp.EmulateViewport(1280, 900))
	look("devices-1280-done")
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}
