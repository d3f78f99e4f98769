package app_test

import (
	"context"
	"fmt"
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
		{"action": "teammate.role_changed", "changes": map[string]any{"role": map[string]any{"from": "member", "to": "admin"}, "limit": map[string]any{"from": 100, "to": 2500}},
			"details": map[string]any{"reason": "promotion"}, "ip": "203.0.113.9", "user_agent": "Firefox"},
	} {
		e["org"], e["actor"] = org, map[string]string{"type": "user", "id": a.Query(`SELECT user_id FROM auth_email WHERE email_norm = 'ada@example.com'`)}
		key.PostJSON("/-/api/v1/audit/events", e).Want(201)
	}
	a.Must(a.Audit.Checkpoint(t.Context()))
	a.Must(a.Audit.Housekeep(t.Context()))
	ada.Post("/-/org/"+slug+"/audit/exports", "format", "bundle").Want(200, "being written")
	a.RunJobs()

	grace := a.Browser()
	grace.Post("/-/login", "email", "grace@example.com", "password", apptest.Password).Want(200)
	event := a.Query(`SELECT id FROM audit_event WHERE action = 'teammate.role_changed'`)
	for _, width := range []int{1280, 360} {
		see := func(who *apptest.Browser, act func(ctx context.Context, open func(path, name string))) {
			ctx, said := chromium(t, width, 900)
			a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
			signedInAs(t, ctx, a, who)
			act(ctx, func(path, name string) {
				t.Helper()
				if err := chromedp.Do(ctx, chromedp.Navigate(a.URL+path)); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				if !shows(t, ctx, "h1") {
					t.Fatalf("%s has no heading", path)
				}
				fits(t, ctx, path)
				keep(t, ctx, fmt.Sprintf("audit-%s-%d", name, width))
			})
			for _, s := range said() {
				t.Errorf("the browser complains: %s", s)
			}
		}
		see(ada, func(ctx context.Context, open func(path, name string)) {
			open("/-/org/"+slug+"/audit?action=teammate.role_changed", "filtered")
			open("/-/org/"+slug+"/audit?target=invoice:none", "none")
			open("/-/org/"+slug+"/audit/events/"+event, "event")
			if !shows(t, ctx, ".diff ins") {
				t.Error("the event does not show what changed")
			}
			open("/-/org/"+slug+"/audit", "list")
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector(".trust summary").click(), "open")`))
			a.Must(err)
			if !shows(t, ctx, ".trust-body") {
				t.Error("the badge does not open")
			}
			keep(t, ctx, fmt.Sprintf("audit-badge-%d", width))
		})
		see(grace, func(ctx context.Context, open func(path, name string)) {
			open("/-/admin/audit", "admin")
			open("/-/admin/audit/events/"+event, "adminevent")
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "dark"`))
			a.Must(err)
			keep(t, ctx, fmt.Sprintf("audit-adminevent-dark-%d", width))
		})
	}
}
