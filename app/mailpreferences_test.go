package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// Somebody unsubscribes by the link of a mail, thinks again and chooses; an operator
// looks at who gets no mail: wide and narrow, light and dark.
func TestMailPreferencesInChromium(t *testing.T) {
	m := apptest.NewMailProviders(t)
	a := apptest.New(t, apptest.WithoutLimits, m.Configure)
	grace, ada := a.Operator("grace@example.com"), a.Verified("ada@example.com")
	manager := a.Key("email:read", "email:manage")
	link := mailOf(a, "ada@example.com", "news")
	a.Browser().Post(mailOf(a, "cyd@example.com", "tips"), "act", "off").Want(200)
	for key, about := range map[string]string{
		"news":   `{"title":"Product news","description":"What is new, once a month.","kind":"product"}`,
		"tips":   `{"title":"Tips","description":"A trick a week, for as long as you are new here.","kind":"product"}`,
		"offers": `{"title":"Offers","description":"When something costs less. A few times a year.","kind":"marketing","needs_consent":true}`,
		"old":    `{"title":"Old letters","description":"No longer sent.","kind":"product","archived":true}`,
	} {
		manager.Do("PUT", "/-/api/v1/email/categories/"+key, "application/json", about)
	}
	manager.PostJSON("/-/api/v1/email/consents", map[string]any{"address": "bob@example.com", "category": "offers", "given": true, "double_opt_in": true}).Want(201)
	a.RunJobs()
	consent := a.Link("bob@example.com", "/-/consent/")
	type object = map[string]any
	m.SES(a, m.Sign(m.Envelope("sns", object{"eventType": "Bounce", "mail": object{"messageId": "m"}, "bounce": object{"bounceType": "Permanent", "bounceSubType": "NoEmail",
		"bouncedRecipients": []object{{"emailAddress": "somebody-with-a-rather-long-name@subdomain.example.com", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 <somebody-with-a-rather-long-name@subdomain.example.com>: Recipient address rejected: User unknown"}}}}))).Want(200)
	m.SendGrid(a, []object{{"event": "spamreport", "email": "angry@example.com", "sg_event_id": "e"}}).Want(200)
	manager.PostJSON("/-/api/v1/email/suppressions", object{"address": "rival@example.org"}).Want(201)
	one := func(reason string) string {
		return "/-/admin/email/suppressions/" + a.Query(`SELECT id FROM email_suppression WHERE reason = ?`, reason)
	}
	a.Clock.Advance(3 * time.Hour)

	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		look := func(name, path, needs string) {
			t.Helper()
			if path != "" {
				a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path)))
			}
			if !shows(t, ctx, needs) {
				t.Errorf("%s has no %s", name, needs)
			}
			for _, theme := range []string{"light", "dark"} {
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`))
				a.Must(err)
				fits(t, ctx, name)
				still(t, ctx) // colours change in 120 ms
				keep(t, ctx, fmt.Sprintf("mail-%s-%d-%s", name, width, theme))
			}
			faultless(t, ctx, name)
		}
		press := func(act, then string) {
			t.Helper()
			// The page before may look like the one that follows: it is marked, to be told from that.
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.before = "yes"`))
			a.Must(err)
			a.Must(chromedp.Do(ctx, chromedp.Click(`button[value=`+act+`]`), gone("html[data-before]"), chromedp.WaitVisible(then)))
		}
		signedInAs(t, ctx, a, a.Browser()) // who has no session
		look("unsubscribe", link, "button[value=off]")
		press("off", ".alert-ok")
		look("unsubscribed", "", "button[value=on]")
		press("all", ".alert-ok")
		look("nothing", "", "button[value=on]")
		press("on", "button[value=off]")
		look("again", "", "button[value=all]")
		look("broken", link[:len(link)-5], "h1")
		look("consent", consent, "button[type=submit]")
		signedInAs(t, ctx, a, ada)
		look("notifications", "/-/account/notifications", "button[value=save]")
		signedInAs(t, ctx, a, grace)
		look("suppressions", "/-/admin/email/suppressions", "#list table")
		look("suppressions-none", "/-/admin/email/suppressions?q=nobody", ".empty")
		look("suppression-bounce", one("bounce"), "#f-lift-reason, #f-reason")
		look("suppression-unsubscribe", one("unsubscribe"), "#consents")
		look("categories", "/-/admin/email/categories", "#f-key")
		look("category", "/-/admin/email/categories?edit=offers", "#f-title")
		for _, s := range said() {
			if !strings.Contains(s, "status of 400") { // the broken link
				t.Errorf("the browser complains: %s", s)
			}
		}
	}
}
