package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// A person signs in without a password: by the code, then by the link in another
// browser; and changes the password. Wide and on a phone, light and dark.
func TestSignInByMailInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	const email = "ada@example.com"
	a.Verified(email)
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	// js runs a script; what a page loads meanwhile makes it fail, which is no news.
	js := func(script string) string {
		got, _ := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		return got
	}
	shows := func(words string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			text := js(`document.readyState === "complete" ? location.pathname + " " + document.body.innerText : ""`)
			if strings.Contains(text, words) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("no %q on the page:\n%s", words, text)
			}
		}
	}
	look := func(name string) {
		t.Helper()
		for _, size := range []struct {
			name string
			w, h int64
		}{{"1280", 1280, 900}, {"360", 360, 780}} {
			run(chromedp.EmulateViewport(size.w, size.h))
			for _, theme := range []string{"light", "dark"} {
				js(`document.documentElement.dataset.theme = "` + theme + `"; document.body.offsetTop; document.getAnimations().forEach((a) => a.finish()); ""`)
				keep(t, ctx, "passless-"+name+"-"+size.name+"-"+theme)
			}
			fits(t, ctx, name)
		}
		run(chromedp.EmulateViewport(1280, 900))
	}
	forget := func() {
		t.Helper()
		_, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
		a.Must(err)
	}
	fill := func(field, text string) {
		js(`document.getElementsByName("` + field + `")[0].value = "` + text + `"; ""`)
	}
	press := func(selector string) { js(`document.querySelector('` + selector + `').click(); ""`) }

	run(chromedp.Navigate(a.URL + "/-/login?next=/-/account/security"))
	shows("Email me a sign-in link")
	look("login")
	fill("email", email)
	press(`button[formaction="/-/login/email"]`)
	shows("Six digits")
	look("code")
	a.RunJobs()
	mail := a.Mails(email)[0]
	fill("code", "000 000")
	press(`form[action="/-/login/email/code"] button`)
	shows("This code is not right")
	look("code-fault")
	fill("code", apptest.Code(mail)[:3]+" "+apptest.Code(mail)[3:])
	press(`form[action="/-/login/email/code"] button`)
	shows("/-/account/security")
	look("security")

	fill("current_password", "not the password")
	fill("password", "a brand new password")
	press(`form[action="/-/account/password"] [type=submit]`)
	shows("This is not your password")
	look("security-fault")
	fill("current_password", apptest.Password)
	fill("password", "a brand new password")
	press(`form[action="/-/account/password"] [type=submit]`)
	shows("Your password was changed")
	look("security-done")

	// The link, in a browser that did not ask for it.
	a.Browser().Post("/-/login/email", "email", email).Want(200)
	a.RunJobs()
	link := a.Link(email, "/-/login/email")
	forget()
	run(chromedp.Navigate(a.URL + link))
	shows("Another browser asked for it")
	look("link")
	press(`button[value=confirm]`)
	shows("/ ")
	run(chromedp.Navigate(a.URL + "/-/account"))
	shows("Ada Lovelace")
	forget()
	run(chromedp.Navigate(a.URL + "/-/login/email"))
	shows("Send the link")
	look("ask")
	id := a.Mails(email)[0].ID
	run(chromedp.Navigate(a.URL + "/-/dev/inbox/" + id))
	look("mail")
	for _, s := range said() {
		if !strings.Contains(s, "status of 422") { // the faulty forms above
			t.Errorf("the browser complains: %s", s)
		}
	}
}
