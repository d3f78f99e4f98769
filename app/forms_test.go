package app_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"seaworthy/app/apptest"
)

// Every form is sent as a browser sends it, with what stands in it, and is
// understood: a field that its handler does not know makes it useless, and no
// test that writes its own fields would notice.
func TestFormsAreUnderstood(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.WithoutLimits, apptest.Selling(stripe))
	const ada, grace = "ada@example.com", "grace@example.com"
	first, operator := a.Verified(ada), a.Operator(grace)
	first.Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	first.Post("/-/org/rockets/roles", "name", "Pilot", "permissions", "org:members").Want(200)
	first.Post("/-/org/rockets/keys", "name", "deploy", "permissions", "org:read", "expires", "90").Want(200)
	first.Post("/-/org/rockets/invitations", "email", "bob@example.com", "role", "rol_member").Want(200)
	first.Post("/-/org/rockets/invitations", "email", "cyd@example.com", "role", "rol_member").Want(200)
	first.Post("/-/account/email", "email", "ada@new.example").Want(200)
	a.RunJobs()
	invited, joins := a.Link("cyd@example.com", "/-/invite/"), a.Link("bob@example.com", "/-/invite/")
	a.Verified("bob@example.com").Post(joins).Want(200)
	operator.Post("/-/admin/email/new-template", "name", "welcome", "version", "0", "source", "subject: s\npreheader: p\nclass: product\n---\n# Welcome\n", "variables", "", "sample", "").Want(200)
	sellingTo(a, stripe, a.Query(`SELECT id FROM auth_org WHERE slug = 'rockets'`))
	otherMode(a)
	preview := first.Post("/-/org/rockets/billing/preview", "price", "price_pro").Want(200).Path
	stranger := a.Browser()
	stranger.Post("/-/forgot", "email", ada).Want(200)
	a.RunJobs()
	reset, change := a.Link(ada, "/-/reset"), a.Link("ada@new.example", "/email/confirm")
	stranger.Post("/-/login/email", "email", ada).Want(200)
	aProject(a)
	makeFlag(a, "form", "")
	a.Key("flags:*").Do("PATCH", "/-/api/v1/flags/form", "application/json", `{"rollout":{"shares":[{"variant":"on","weight":5},{"variant":"off","weight":95}]}}`).Want(200)
	a.Key("flags:*").Do("PUT", "/-/api/v1/flag-segments/form", "application/json", `{"rule":{"!!":[{"var":"beta"}]}}`).Want(200)
	a.Key("access:*").Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":0,"rules":[{"path":"/form"},{"path":"/forms"}]}`).Want(200)
	a.Key("flags:*").Do("PUT", "/-/api/v1/flag-segments/form", "application/json", `{"rule":{"!!":[{"var":"gamma"}]},"version":1}`).Want(200)
	late := a.SignUp("dee@example.com")
	a.RunJobs()
	unsubscribe := mailOf(a, "bob@example.com", "news")
	a.Key("email:manage").PostJSON("/-/api/v1/email/suppressions", map[string]string{"address": "gone@example.com"}).Want(201)
	suppression := "/-/admin/email/suppressions/" + a.Query(`SELECT id FROM email_suppression`)

	for _, p := range []struct {
		who   *apptest.Browser
		email string // to sign in again with, after what ends the session
		paths []string
	}{
		{stranger, "", []string{"/-/login", "/-/signup", "/-/forgot", "/-/login/email", "/-/login/email/code", invited,
			reset, a.Link(ada, "/-/login/email"), change, a.Link("dee@example.com", "/-/verify"), unsubscribe}},
		{late, "dee@example.com", []string{"/-/account"}},
		{first, ada, []string{"/-/account", "/-/account/security", "/-/account/security/phone", "/-/account/sessions", "/-/account/tokens", "/-/account/orgs/new", "/-/account/notifications",
			"/-/confirm", "/-/org/rockets/roles", "/-/org/rockets/keys", "/-/org/rockets/audit", "/-/org/rockets/members", "/-/org/rockets/settings", "/-/org/rockets/billing", preview, "/-/account/data"}},
		{operator, grace, []string{"/-/admin", "/-/admin/users", "/-/admin/users/" + a.UserID("bob@example.com"), "/-/admin/orgs/" + a.PersonalOrg("bob@example.com"),
			"/-/admin/jobs", "/-/admin/jobs/schedules", "/-/admin/jobs/new-schedule", "/-/admin/flags", "/-/admin/flags/-/new", "/-/admin/flags/form", "/-/admin/flags/form/edit", "/-/admin/flags/form/rules",
			"/-/admin/flags/form/json", "/-/admin/flags/form/history", "/-/admin/flags/-/new-segment", "/-/admin/flags/-/segments/form/history", "/-/admin/flags/-/segments/form", "/-/admin/flags/-/kill", "/-/admin/flags/-/import",
			"/-/admin/audit", "/-/dev/inbox", "/-/account/data", "/-/admin/logs", "/-/admin/errors", "/-/admin/errors/" + anError(a), "/-/admin/errors/projects", "/-/admin/alerts", "/-/admin/alerts/settings", "/-/admin/alerts/" + anAlert(a), "/-/admin/observe", "/-/admin/performance/queries/" + aQuery(a),
			"/-/admin/email/templates", "/-/admin/email/templates/auth/verify", "/-/admin/email/templates/welcome", "/-/admin/email/templates/welcome/history", "/-/admin/email/new-template",
			"/-/admin/email", "/-/admin/email/brand", "/-/admin/email/providers", "/-/admin/access", "/-/admin/access/new-rule", "/-/admin/access/rules/1", "/-/admin/backups", "/-/admin/launch", "/-/admin/welcome", "/-/admin/welcome/operator", "/-/admin/welcome/brand", "/-/admin/welcome/app", "/-/admin/welcome/providers", "/-/admin/welcome/plans", "/-/admin/welcome/backups", "/-/admin/billing", "/-/admin/billing/settings", "/-/admin/billing/customers/cus_" + a.Query(`SELECT id FROM auth_org WHERE slug = 'rockets'`), "/-/admin/billing/plans/edit", "/-/admin/billing/plans/edit?plan=team",
			"/-/admin/email/suppressions", suppression, "/-/admin/email/categories", "/-/admin/email/categories?edit=news"}},
	} {
		for _, path := range p.paths {
			sent := 0
			for _, f := range forms(t, p.who.Get(path).Want(200).Body) {
				if p.email != "" && strings.HasPrefix(p.who.Get("/-/account").Path, "/-/login") {
					p.who.Post("/-/login", "email", p.email, "password", apptest.Password)
				}
				got := p.who.Do("POST", f.action, "application/x-www-form-urlencoded", f.fields.Encode())
				if got.Status == 400 || got.Status >= 500 || got.Status == 404 || got.Status == 405 {
					t.Errorf("%s: the form of %s with %v answers %d: %s", path, f.action, f.fields, got.Status, got.Text())
				}
				sent++
			}
			if sent == 0 && !strings.HasPrefix(path, "/-/admin") {
				t.Errorf("%s has no form", path)
			}
		}
	}
}

// form is what a browser sends when one button of a form is pressed.
type form struct {
	action string
	fields url.Values
}

// forms are those of a page that are posted, once for each of their buttons.
func forms(t *testing.T, page string) (all []form) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for f := range nodes(root, "form") {
		if attr(f, "method") != "post" {
			continue
		}
		fields := url.Values{}
		var buttons []*html.Node
		for n := range nodes(root, "input", "select", "button", "textarea") {
			if owner := attr(n, "form"); owner != "" && owner != attr(f, "id") || owner == "" && !within(n, f) || has(n, "disabled") {
				continue
			}
			name, kind := attr(n, "name"), attr(n, "type")
			switch {
			case n.Data == "button":
				if kind == "submit" {
					buttons = append(buttons, n)
				}
			case name == "":
			case n.Data == "select":
				fields.Add(name, chosen(n))
			case kind == "checkbox" || kind == "radio":
				if has(n, "checked") {
					value := attr(n, "value")
					if value == "" {
						value = "on"
					}
					fields.Add(name, value)
				}
			default:
				fields.Add(name, attr(n, "value"))
			}
		}
		for _, b := range buttons {
			one := form{action: attr(f, "action"), fields: url.Values{}}
			for name, values := range fields {
				one.fields[name] = append([]string(nil), values...)
			}
			if to := attr(b, "formaction"); to != "" {
				one.action = to
			}
			if name := attr(b, "name"); name != "" {
				one.fields.Add(name, attr(b, "value"))
			}
			all = append(all, one)
		}
	}
	return all
}

// nodes are the elements below one that have one of these names.
func nodes(root *html.Node, names ...string) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range root.Descendants() {
			for _, name := range names {
				if n.Type == html.ElementNode && n.Data == name && !yield(n) {
					return
				}
			}
		}
	}
}

func within(n, above *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == above {
			return true
		}
	}
	return false
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// chosen is the value of a select: of the option that is selected, else of the first.
func chosen(sel *html.Node) (value string) {
	first := true
	for o := range nodes(sel, "option") {
		if first || has(o, "selected") {
			value = attr(o, "value")
		}
		first = false
	}
	return value
}
