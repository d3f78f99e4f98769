package app_test

import (
	"fmt"
	"strings"

	"seaworthy/app/apptest"
)

// elsewhere are pages that no walk comes to, and why.
var elsewhere = map[string]string{
	"/-/setup":                     "there is an operator; TestSignUpToVerifiedInChromium begins with it",
	"/-/login/{provider}/callback": "it leads on; TestStandInProviderInChromium goes through it",
	"/-/billing/back":              "it leads on to the org's",
	"/-/org/{slug}":                "it leads on to its members",
	"/-/dev/stripe/confirm/{id}":   "a card asks for it at a payment",
	"/-/admin/email/brand/sample":  "it is a mail",
	"/-/admin/email/brand/look":    "it is a frame within the page of the brand, which has both themes of it",
}

// scene has happen what the demonstration leaves out, and returns who walks where.
func scene(a *apptest.App) []*walker {
	nobody, customer, operator := a.Browser(), demoSignIn(a, "ada@northwind.example"), demoSignIn(a, "olive@harbour.example")
	org := a.Query(`SELECT id FROM auth_org WHERE slug = 'northwind'`)

	// Mails with links that wait.
	newcomer := "newcomer@example.com"
	a.SignUp(newcomer)
	customer.PostJSON("/-/api/v1/orgs/"+org+"/invitations", map[string]string{"email": "invited@example.com", "role": "rol_member"}).Want(201)
	grace := demoSignIn(a, "grace@northwind.example")
	grace.Post("/-/account/email", "email", "grace@new.example").Want(200)
	nobody.Post("/-/forgot", "email", "joan@saltmarsh.example").Want(200)
	nobody.Post("/-/login/email", "email", "mary@northwind.example").Want(200)
	a.SignUp("leaver@example.com").Do("DELETE", "/-/api/v1/me", "", "").Want(202)
	moveEmail(a, "moved@example.com", "moved@new.example")
	a.RunJobs()
	manager := a.Key("*")
	manager.Do("PUT", "/-/api/v1/email/categories/offers", "application/json", `{"title":"Offers","description":"When something costs less.","kind":"marketing","needs_consent":true}`).Want(201)
	manager.PostJSON("/-/api/v1/email/consents", map[string]any{"address": "reader@example.com", "category": "offers", "given": true, "double_opt_in": true}).Want(201)
	a.RunJobs()
	mailed := []string{a.Link(newcomer, "/-/verify"), a.Link("invited@example.com", "/-/invite/"), a.Link("grace@new.example", "/email/confirm"), a.Link("moved@example.com", "/email/undo"),
		a.Link("joan@saltmarsh.example", "/-/reset"), a.Link("mary@northwind.example", "/-/login/email"), a.Link("leaver@example.com", "/-/account/keep"), a.Link("reader@example.com", "/-/consent/"), mailOf(a, "reader@example.com", "news")}

	// A second factor begun, one that is asked for, a change of plan, the portal.
	var begun struct{ ID string }
	customer.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201).JSON(&begun)
	halfway := a.Verified("halfway@example.com")
	a.SetUpTOTP(halfway)
	halfway = a.Browser()
	halfway.Post("/-/login", "email", "halfway@example.com", "password", apptest.Password)
	price := a.Query(`SELECT p.id FROM billing_price p WHERE p.active = 1 AND p.id NOT IN (SELECT i.price_id FROM billing_item i JOIN billing_subscription s ON s.id = i.subscription_id WHERE s.org_id = ?) ORDER BY p.unit_amount DESC LIMIT 1`, org)
	preview := customer.Post("/-/org/northwind/billing/preview", "price", price).Want(200).Path
	on := func(p apptest.Page) string { // where a page that leads elsewhere leads
		_, address, _ := strings.Cut(p.Want(200).Header.Get("Refresh"), "url="+a.URL)
		return address
	}
	portal := on(customer.Post("/-/org/northwind/billing/portal", "flow", ""))
	buyer := a.Verified("buyer@example.com")
	checkout := on(buyer.Post(billingOf(a, "buyer@example.com")+"/checkout", "price", price, "quantity", "1"))

	// What an operator has made, and what has gone wrong.
	manager.Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":0,"rules":[{"path":"/reports/**"},{"path":"/crew/**"}]}`).Want(200)
	manager.Do("PUT", "/-/api/v1/flag-segments/beta-crew", "application/json", `{"rule":{"!!":[{"var":"beta"}]}}`).Want(200)
	operator.Post("/-/admin/email/new-template", "name", "welcome", "version", "0", "source", "subject: Welcome aboard\npreheader: p\nclass: product\n---\n# Welcome\n", "variables", "", "sample", "").Want(200)
	alert, trace, query := anAlert(a), aTrace(a), aQuery(a)
	aMonitor(a)
	a.Observe.Flush()

	return []*walker{
		{nobody, append([]string{"/", "/-/docs/search?q=stripe+key", "/-/login", "/-/login/email", "/-/login/email/code", "/-/nowhere", on(a.Browser().Post("/-/login/standin"))}, mailed...)},
		{halfway, []string{"/-/login/mfa"}},
		{demoSignIn(a, "mary@northwind.example"), []string{"/-/billing?org=northwind"}}, // who is told whom to ask
		{customer, []string{"/", "/-/account", "/-/confirm", "/-/account/security/factors/" + begun.ID, "/-/org/northwind/members", "/-/org/northwind/billing", preview, "/-/admin",
			portal, checkout, "/-/dev/stripe/invoices/" + a.Query(`SELECT id FROM billing_invoice ORDER BY id LIMIT 1`)}},
		{operator, []string{"/", "/-/admin", "/-/dev/inbox", "/-/dev/stripe", "/-/dev/ui", "/-/admin/alerts/" + alert, "/-/admin/performance/traces/" + trace, "/-/admin/performance/queries/" + query,
			"/-/admin/access/rules/1", "/-/admin/flags/-/segments/beta-crew", "/-/admin/flags/-/segments/beta-crew/history", "/-/admin/email/templates/welcome", "/-/admin/email/templates/welcome/history", "/-/admin/email/templates/auth/verify/history",
			fmt.Sprintf("/-/admin/users/%s", a.UserID("ada@northwind.example"))}},
	}
}
