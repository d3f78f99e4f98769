package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// An operator finds a user, looks at the page and acts as the user; the banner
// says so on every page, wide and narrow, light and dark.
func TestConsoleOfUsersInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	a.Verified("ada@example.com")
	for i := range 3 {
		a.SignUp(fmt.Sprintf("someone%d@subdomain.example.com", i))
	}
	a.RunJobs()
	org := a.SharedOrg("analytical-engines", "Analytical Engines", map[string]string{"ada@example.com": "rol_owner", "someone1@subdomain.example.com": "rol_member"})
	a.OrgKey(org, "org:read")
	ada, gone := a.UserID("ada@example.com"), a.UserID("someone2@subdomain.example.com")
	a.Must(a.Auth.Suspend(t.Context(), gone, "sends spam to others"))
	a.Clock.Advance(3 * time.Minute)
	look := func(ctx context.Context, width int, path, name string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(a.URL+path)); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !shows(t, ctx, "h1") {
			t.Fatalf("%s has no heading", path)
		}
		fits(t, ctx, path)
		keep(t, ctx, fmt.Sprintf("console-%s-%d", name, width))
	}
	for _, width := range []int{1280, 360} {
		open := func() (context.Context, func()) {
			ctx, said := chromium(t, width, 900)
			a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
			signedInAs(t, ctx, a, grace)
			return ctx, func() {
				for _, s := range said() {
					if !strings.Contains(s, "status of 40") { // the pages that are refused
						t.Errorf("the browser complains: %s", s)
					}
				}
			}
		}
		ctx, done := open()
		look(ctx, width, "/-/admin/users", "users")
		look(ctx, width, "/-/admin/users?q=nobody", "users-none")
		look(ctx, width, "/-/admin/orgs", "orgs")
		look(ctx, width, "/-/admin/orgs/"+org, "org")
		look(ctx, width, "/-/admin/users/"+gone, "user-suspended")
		look(ctx, width, "/-/admin/users/"+ada, "user")
		opensAndListens(t, ctx, a, width)
		done()

		grace.Post("/-/admin/users/"+ada+"/impersonate", "reason", "cannot find the invoices").Want(200, "you act as")
		ctx, done = open()
		for _, p := range []struct{ name, path string }{{"account", "/-/account"}, {"org", "/-/org/analytical-engines/audit"},
			{"hosted", "/-/forgot"}, {"refused", "/-/admin"}, {"inbox", "/-/dev/inbox"}, {"devices", "/-/account/sessions"}} {
			look(ctx, width, p.path, "acting-"+p.name)
			if !shows(t, ctx, ".acting button") {
				t.Errorf("%s has no banner", p.path)
			}
		}
		_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "dark"`))
		a.Must(err)
		keep(t, ctx, fmt.Sprintf("console-acting-dark-%d", width))
		done()
		grace.Post("/-/impersonation/stop").Want(200, "You are yourself again")
	}
}

// opensAndListens opens the form to act as the user on a user's page, and goes to
// the lists by the keyboard.
func opensAndListens(t *testing.T, ctx context.Context, a *apptest.App, width int) {
	t.Helper()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector(".confirm summary").click(), "open")`))
	a.Must(err)
	if !shows(t, ctx, "#f-impersonate-reason") {
		t.Error("the form to act as the user does not open")
	}
	fits(t, ctx, "the form to act as the user")
	keep(t, ctx, fmt.Sprintf("console-user-act-%d", width))
	to, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
		let to = ""
		for (const link of document.querySelectorAll("[data-go]")) link.addEventListener("click", (e) => { e.preventDefault(); to += link.dataset.go + " " })
		for (const key of ["g", "u", "g", "o", "/"]) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
		return to + document.activeElement.type
	})()`))
	a.Must(err)
	if to != "Users Orgs search" {
		t.Errorf("g u, g o and / lead to %q", to)
	}
}
