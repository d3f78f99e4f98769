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

// An owner invites somebody on the page of the members; she finds the mail in the
// inbox, follows its link, signs up by it and is a member.
func TestInvitationInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.Verified("ada@example.com")
	ada.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Analytical Engines", "slug": "engines"}).Want(201)
	a.RunJobs()
	ctx, said := chromium(t, 1280, 900)
	see := func(ctx context.Context, path, name string) {
		t.Helper()
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path)))
		fits(t, ctx, path)
		keep(t, ctx, name)
	}
	// submit fills a form in, sends it, and waits for the page that has the words.
	submit := func(form string, fields map[string]string, words string) {
		t.Helper()
		script := `(() => { const form = document.querySelector('` + form + `'); `
		for name, value := range fields {
			script += fmt.Sprintf(`form.elements[%q].value = %q; `, name, value)
		}
		_, err := chromedp.Run(ctx, chromedp.Evaluate[string](script+`form.requestSubmit(); return "sent" })()`))
		a.Must(err)
		text := ""
		for range 200 {
			if text, err = chromedp.Run(ctx, chromedp.Evaluate[string](`document.body?.innerText ?? ""`)); err == nil && strings.Contains(text, words) {
				return
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				t.Fatal(ctx.Err())
			}
		}
		t.Fatalf("no %q on the page, %v:\n%s", words, err, text)
	}
	a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)))
	signedInAs(t, ctx, a, ada)
	see(ctx, "/-/org/engines/members", "org-members")
	submit(`form[action="/-/org/engines/invitations"]`, map[string]string{"email": "bea@example.com"}, "on its way")
	keep(t, ctx, "org-invited")
	a.RunJobs()

	signedInAs(t, ctx, a, a.Browser()) // somebody else, who is not signed in
	see(ctx, "/-/dev/inbox/"+a.Mails("bea@example.com")[0].ID+"?view=links", "org-mail")
	link, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector('.mail-links a[href*="/-/invite/"]').href`))
	a.Must(err)
	see(ctx, strings.TrimPrefix(link, a.URL), "org-invite")
	submit(`form[action*="/-/invite/"]`, map[string]string{"name": "Bea Arthur", "password": apptest.Password}, "You are a member now")
	keep(t, ctx, "org-joined")
	if got := a.Query(`SELECT r.name FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id JOIN auth_user u ON u.id = b.principal_id
		JOIN auth_org o ON o.id = b.org_id WHERE u.name = 'Bea Arthur' AND o.slug = 'engines'`); got != "member" {
		t.Errorf("her role is %s", got)
	}

	// The other pages of an org, as its owner sees them, on a wide screen and a phone.
	api := "/-/api/v1/orgs/engines"
	a.Key("permissions:manage").Do("PUT", "/-/api/v1/permissions/projects:write", "application/json", `{"title":"Change projects","roles":["admin"]}`).Want(204)
	ada.PostJSON(api+"/roles", map[string]any{"name": "Bookkeeper", "permissions": []string{"billing:read", "billing:manage", "org:audit"}}).Want(201)
	ada.PostJSON(api+"/keys", map[string]any{"name": "nightly import", "permissions": []string{"org:read", "projects:write"}}).Want(201)
	ada.PostJSON(api+"/invitations", map[string]string{"email": "a-rather-long-address-of-somebody@subdomain.example.com", "role": "rol_admin"}).Want(201)
	signedInAs(t, ctx, a, ada)
	for _, width := range []int{1280, 360} {
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		for _, page := range []string{"/-/org/engines/members", "/-/org/engines/roles", "/-/org/engines/keys", "/-/org/engines/settings", "/-/account", "/-/account/tokens", "/-/account/orgs/new"} {
			see(ctx, page, fmt.Sprintf("org%s-%d", strings.ReplaceAll(page, "/", "-"), width))
		}
	}
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}
