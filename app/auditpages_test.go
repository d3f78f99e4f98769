package app_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// An owner reads the log of an org, looks at an event, exports, and opens the
// badge; the operator sees all of it and the state of the chain.
func TestAuditPagesInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.Verified("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	slug := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, org)
	a.Operator("grace@example.com")
	key := a.Key("audit:write")
	for _, e := range []map[string]any{
		{"action": "invoice.approved", "targets": []any{map[string]string{"type": "invoice", "id": "inv_2041"}}},
		{"action": "member.role_changed", "changes": map[string]any{"role": map[string]any{"from": "member", "to": "admin"}, "limit": map[string]any{"from": 100, "to": 2500}},
			"details": map[string]any{"reason": "promotion"}, "ip": "203.0.113.9", "user_agent": "Firefox"},
	} {
		e["org"], e["actor"] = org, map[string]string{"type": "user", "id": a.Query(`SELECT user_id FROM auth_email WHERE email_norm = 'ada@example.com'`)}
		key.PostJSON("/-/api/v1/audit/events", e).Want(201)
	}
	a.Must(a.Audit.Checkpoint(t.Context()))
	a.Must(a.Audit.Housekeep(t.Context()))
	ada.Post("/-/org/"+slug+"/audit/exports", "format", "bundle").Want(200, "being written")
	a.RunJobs()

	for _, size := range []struct {
		name          string
		width, height int
	}{{"wide", 1280, 900}, {"phone", 360, 780}} {
		t.Run(size.name, func(t *testing.T) {
			ctx, said := chromium(t, size.width, size.height)
			a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(size.width), int64(size.height))))
			open := func(path, name string) {
				t.Helper()
				a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path), chromedp.WaitVisible("h1")))
				width, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
				a.Must(err)
				if width > 0 {
					t.Errorf("%s scrolls sideways by %v px", path, width)
				}
				keep(t, ctx, "audit-"+name+"-"+size.name)
			}
			signIn := func(email string) {
				t.Helper()
				a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/login"), chromedp.SendKeys("input[name=email]", email),
					chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), chromedp.WaitNotPresent("input[name=password]")))
			}
			signIn("ada@example.com")
			open("/-/org/"+slug+"/audit", "list")
			a.Must(chromedp.Do(ctx, chromedp.Click(".trust summary"), chromedp.WaitVisible(".trust-body")))
			keep(t, ctx, "audit-badge-"+size.name)
			open("/-/org/"+slug+"/audit?action=member.role_changed", "filtered")
			a.Must(chromedp.Do(ctx, chromedp.Click(".table .cell-main"), chromedp.WaitVisible(".diff ins")))
			keep(t, ctx, "audit-event-"+size.name)
			open("/-/org/"+slug+"/audit?target=invoice:none", "none")
			open("/-/account", "account")
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/account"), chromedp.Click(".device form button")))
			a.Must(chromedp.Do(ctx, chromedp.WaitNotPresent(".devices")))
			signIn("grace@example.com")
			open("/-/admin/audit", "admin")
			id := a.Query(`SELECT id FROM audit_event WHERE action = 'member.role_changed'`)
			open("/-/admin/audit/events/"+id, "adminevent")
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "dark"`))
			a.Must(err)
			keep(t, ctx, "audit-adminevent-dark-"+size.name)
			for _, s := range said() {
				if !strings.Contains(s, "[]") {
					t.Errorf("the browser complains: %s", s)
				}
			}
		})
	}
}
