package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// A person looks at the account in each of its states, on a wide screen and on a
// phone, light and dark, and at last deletes it and thinks again.
func TestAccountPagesInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	ada, bea := a.Verified("ada@example.com"), a.SignUp("bea@example.com")
	for range 2 {
		ada.Post("/-/account/export").Want(200)
		a.RunJobs()
		a.Clock.Advance(3 * 24 * time.Hour)
		ada.Post("/-/confirm", "password", apptest.Password).Want(200)
	}
	ada.Post("/-/account/email", "email", "ada@a-rather-long-new-domain.example").Want(200)
	bea.Post("/-/confirm", "password", apptest.Password).Want(200)
	a.RunJobs()
	confirm := a.Link("ada@a-rather-long-new-domain.example", "/email/confirm")
	moved := a.Verified("cyd@example.com")
	moved.Post("/-/account/email", "email", "cyd@new.example").Want(200)
	a.RunJobs()
	moved.Post("/-/account/email/confirm", "token", apptest.Token(a.Link("cyd@new.example", "/email/confirm")), "act", "confirm").Want(200)
	a.RunJobs()
	undo := a.Link("cyd@example.com", "/email/undo")
	operator := a.Operator("grace@example.com")
	leaving := map[int]*apptest.Browser{1280: a.Verified("dee@example.com"), 360: a.Verified("eve@example.com")}
	address := map[int]string{1280: "dee@example.com", 360: "eve@example.com"}

	pages := []struct {
		who        *apptest.Browser
		name, path string
		shown      []string
	}{
		{ada, "profile-pending", "/-/account", []string{"form[action='/-/account/email/cancel']"}},
		{bea, "profile-unverified", "/-/account", []string{".alert-warn", "#f-email"}},
		{bea, "security-unverified", "/-/account/security", []string{".alert-warn a[href='/-/account']"}},
		{ada, "data", "/-/account/data", []string{"a[href^='/-/account/export/']", "#f-confirm"}},
		{operator, "data-operator", "/-/account/data", []string{".danger-zone"}},
		{ada, "email-confirm-mine", confirm, []string{"button[value=confirm]"}},
		{nil, "email-confirm", confirm, []string{"button[value=confirm]", "button[value=deny]"}},
		{nil, "email-undo", undo, []string{"button"}},
	}
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		for _, p := range pages {
			if p.who != nil {
				signedInAs(t, ctx, a, p.who)
			} else {
				signedInAs(t, ctx, a, a.Browser()) // who has no session
			}
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+p.path)))
			for _, s := range append(p.shown, "h1") {
				if !shows(t, ctx, s) {
					t.Errorf("%s does not show %s", p.name, s)
				}
			}
			for _, theme := range []string{"light", "dark"} {
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`))
				a.Must(err)
				fits(t, ctx, p.name)
				keep(t, ctx, fmt.Sprintf("account-%s-%d-%s", p.name, width, theme))
			}
		}
		leave(t, ctx, a, width, leaving[width], address[width])
		for _, s := range said() {
			if s != "log: Failed to load resource: the server responded with a status of 422 (Unprocessable Entity) "+a.URL+"/-/account/delete" {
				t.Errorf("the browser complains: %s", s)
			}
		}
	}
}

// leave deletes an account by the form, as a person does, and goes to keep it.
func leave(t *testing.T, ctx context.Context, a *apptest.App, width int, who *apptest.Browser, email string) {
	t.Helper()
	signedInAs(t, ctx, a, who)
	submit := func(selector, value, then string) {
		t.Helper()
		_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`{const f = document.querySelector("`+selector+`"); f.value = "`+value+`"; f.form.requestSubmit(); ""}`))
		a.Must(err)
		for range 200 {
			there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("`+then+`") !== null`))
			if err == nil && there {
				return
			}
			a.Must(chromedp.Do(ctx, chromedp.Sleep(50*time.Millisecond)))
		}
		t.Fatalf("%s never came", then)
	}
	a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/account/data")))
	submit("#f-confirm", "somebody@example.com", "[data-faults]")
	keep(t, ctx, fmt.Sprintf("account-delete-fault-%d", width))
	submit("#f-confirm", email, ".notice")
	keep(t, ctx, fmt.Sprintf("account-deleted-%d", width))
	a.RunJobs()
	a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+a.Link(email, "/-/account/keep"))))
	keep(t, ctx, fmt.Sprintf("account-keep-%d", width))
	submit("input[name=token]", apptest.Token(a.Link(email, "/-/account/keep")), "form[action='/-/login']")
	keep(t, ctx, fmt.Sprintf("account-kept-%d", width))
}
