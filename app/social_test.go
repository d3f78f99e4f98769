package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
	"seaworthy/app/config"
)

// presses clicks on something and waits until the page shows these words; a
// provider's pages follow each other on their own, so nothing else can be waited for.
func presses(t *testing.T, ctx context.Context, selector, until string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`setTimeout(() => document.querySelector('`+selector+`').click()), true`)); err != nil {
		t.Fatal(err)
	}
	waitsFor(t, ctx, until)
}

func waitsFor(t *testing.T, ctx context.Context, words string) {
	t.Helper()
	text := ""
	for range 300 {
		var err error
		if text, err = chromedp.Run(ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText : ""`)); err == nil && strings.Contains(text, words) {
			return
		}
		select { // not for time to pass, but for the browser to get on
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	where, _ := chromedp.Run(ctx, chromedp.Location())
	t.Fatalf("no %q at %s\n%s", words, where, text)
}

// A person goes on with the stand-in provider, offline, is signed in, and sees
// the method in the account; on a wide screen and on a phone, light and dark.
func TestStandInProviderInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		a.Must(chromedp.Do(ctx, actions...))
	}
	look := func(name string) {
		t.Helper()
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"1280", 1280, 900}, {"360", 360, 780}} {
			run(chromedp.EmulateViewport(size.width, size.height))
			fits(t, ctx, name)
			for _, theme := range []string{"light", "dark"} {
				if os.Getenv("SEAWORTHY_SCREENSHOTS") == "" {
					break
				}
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"; document.body.offsetTop;
					document.getAnimations().forEach((a) => a.finish()); "`+theme+`"`))
				a.Must(err)
				keep(t, ctx, "social-"+name+"-"+size.name+"-"+theme)
			}
		}
		run(chromedp.EmulateViewport(1280, 900))
	}
	run(chromedp.Navigate(a.URL + "/-/signup"))
	look("signup")
	run(chromedp.Navigate(a.URL + "/-/login"))
	look("login")
	presses(t, ctx, `form[action="/-/login/standin"] button`, "Choose who to be")
	look("standin")
	if !shows(t, ctx, ".pill-warn") {
		t.Error("the stand-in does not say that it is simulated")
	}
	presses(t, ctx, `button.row-link`, "Signed in as ada.lovelace@gmail.com")
	run(chromedp.Navigate(a.URL + "/-/account/security"))
	waitsFor(t, ctx, "The stand-in provider")
	look("security-linked")

	a.Verified("alan@example.org")
	b := a.Browser()
	b.Post("/-/login", "email", "alan@example.org", "password", apptest.Password).Want(200)
	signedInAs(t, ctx, a, b)
	run(chromedp.Navigate(a.URL + "/-/account/security"))
	waitsFor(t, ctx, "Not linked")
	look("security")
	presses(t, ctx, `form[action$="/link"] button`, "Choose who to be")
	presses(t, ctx, `button.row-link`, "was not linked") // it is Ada's
	look("taken")
	for _, s := range said() {
		if !strings.Contains(s, "status of 409") {
			t.Errorf("the browser complains: %s", s)
		}
	}
}

// A provider on another site, which sends back at once: no policy of ours stands
// in the way there, as one for forms would, nor on the way back.
func TestProviderOnAnotherSiteInChromium(t *testing.T) {
	p, err := standin.New(standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Issuer = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // another site than the app's
	p.Twist.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/authorize" {
			return false
		}
		there, err := p.Grant(standin.AskOf(r.URL.Query()), standin.Person{Name: "Ada", Email: "ada@example.org", Verified: true})
		if err != nil {
			t.Error(err)
		}
		http.Redirect(w, r, there, http.StatusFound)
		return true
	}
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.OIDC, c.OIDCClientIDs, c.OIDCClientSecrets = "acme="+p.Issuer, "acme="+standin.ClientID, "acme="+standin.Secret
		c.OIDCTrustedDomains = "acme=example.org"
	})
	p.Clock, p.Redirect = a.Clock.Now, a.URL+"/-/login/acme/callback"
	ctx, said := chromium(t, 1280, 900)
	a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/login")))
	waitsFor(t, ctx, "Continue with Acme")
	presses(t, ctx, `form[action="/-/login/acme"] button`, "Signed in as ada@example.org")
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}
