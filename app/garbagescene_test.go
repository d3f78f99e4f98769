package app_test

import (
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/apptest"
)

// begin makes something of everything, so that an address with an id leads somewhere, and gathers the
// forms of the pages.
func (g *vandal) begin() {
	g.t.Helper()
	a := g.a
	g.op = a.Operator("grace@example.com")
	a.RunJobs()
	g.op.Post("/-/verify", "token", apptest.Token(a.Link("grace@example.com", "/-/verify")), "act", "confirm").Want(200)
	ada := a.Verified("ada@example.com")
	g.op.Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	org := a.Query(`SELECT id FROM auth_org WHERE slug = 'rockets'`)
	g.op.Post("/-/org/rockets/roles", "name", "Pilot", "permissions", "org:members").Want(200)
	g.op.Post("/-/org/rockets/keys", "name", "deploy", "permissions", "org:read", "expires", "90").Want(200)
	g.op.Post("/-/org/rockets/invitations", "email", "bob@example.com", "role", "rol_member").Want(200)
	var factor struct{ ID string }
	g.op.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201).JSON(&factor)
	g.op.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202)
	ada.Post("/-/account/export").Want(200)
	key := a.Key("*")
	key.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"free","kind":"free","name":"Free"}`).Want(200)
	key.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"team","kind":"plan","name":"Team","rank":10,"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"}]}`).Want(200)
	makeFlag(a, "vandal", "")
	key.Do("PUT", "/-/api/v1/flag-segments/vandal", "application/json", `{"rule":{"!!":[{"var":"beta"}]}}`).Want(200)
	key.Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":0,"rules":[{"path":"/a"},{"path":"/b"}]}`).Want(200)
	key.PostJSON("/-/api/v1/email/suppressions", map[string]string{"address": "gone@example.com"}).Want(201)
	g.op.Post("/-/admin/email/new-template", "name", "welcome", "version", "0", "source", "subject: s\npreheader: p\nclass: product\n---\n# Welcome\n", "variables", "", "sample", "").Want(200)
	job := errands(a, "later")[0]
	planErrand(a, "vandal")
	a.RunJobs()
	unsubscribe := mailOf(a, "ada@example.com", "news")
	project, public := aProject(a)
	aMonitor(a)
	g.known = map[string]string{"users": a.UserID("ada@example.com"), "orgs": org, "admin": "none", "org": "rockets", "jobs": job, "schedules": "vandal", "endpoints": "pages", "queues": "errands", "flags": "vandal", "flag-segments": "vandal", "segments": "vandal",
		"suppressions": a.Query(`SELECT id FROM email_suppression`), "categories": "news", "templates": "welcome", "messages": a.Query(`SELECT max(id) FROM email_message`), "inbox": a.Mails("ada@example.com")[0].ID, "errors": anError(a), "alerts": anAlert(a), "queries": aQuery(a), "traces": aTrace(a),
		"projects": project, "api/{project}": project, "cron": "nightly", "keys": a.Query(`SELECT max(id) FROM auth_api_key`), "factors": factor.ID, "plans": "team", "events": a.Query(`SELECT max(id) FROM audit_event`), "rules": "1", "alert-rules": "disk", "backups": "copy", "providers": "inbox",
		"sessions": a.Query(`SELECT max(id) FROM auth_session`), "unsubscribe": strings.TrimPrefix(unsubscribe, "/-/unsubscribe/"), "login": "standin", "identities": "standin", "roles": a.Query(`SELECT max(id) FROM auth_role`), "members": a.UserID("grace@example.com"),
		"invitations": a.Query(`SELECT max(id) FROM auth_invitation`), "permissions": "org:read", "docs": "jobs", "api": "jobs", "welcome": "brand", "overrides": "u1", "exports": a.Query(`SELECT max(id) FROM audit_export`), "vandal/{key}": public}
	g.crawl("/-/admin", "/-/account", "/-/org/rockets/members", "/-/dev/inbox", "/-/dev/stripe", "/-/login", "/-/signup", "/-/forgot", "/-/pricing", "/-/docs", "/-/admin/access/rules/1", "/-/admin/flags/-/segments/vandal", "/-/admin/jobs/schedules/vandal/edit")
}

// linkTo finds what a page leads to.
var linkTo = regexp.MustCompile(`(?:href|hx-get)="(/-/[^"#]*)`)

// crawl opens one page of each pattern that links lead to, and keeps their forms.
func (g *vandal) crawl(starts ...string) {
	g.t.Helper()
	w, seen, actions := newWalk(g.a), map[string]bool{}, map[string]bool{}
	for queue := starts; len(queue) > 0; queue = queue[1:] {
		kind := strings.TrimSuffix(w.kind(queue[0]), "?")
		if seen[kind] || noPage.MatchString(kind) || strings.HasPrefix(kind, "/-/docs/") {
			continue
		}
		seen[kind] = true
		p := g.op.Get(queue[0])
		if p.Status != http.StatusOK || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, f := range forms(g.t, p.Body) {
			name := f.action + " " + strings.Join(slices.Sorted(maps.Keys(f.fields)), " ")
			if !actions[name] && strings.HasPrefix(f.action, "/-/") {
				actions[name] = true
				g.forms = append(g.forms, f)
			}
		}
		for _, m := range linkTo.FindAllStringSubmatch(p.Body, -1) {
			queue = append(queue, html.UnescapeString(m[1]))
		}
	}
	if len(g.forms) < 100 {
		g.t.Errorf("only %d forms were found on %d pages", len(g.forms), len(seen))
	}
}

// signIn has the operator signed in again if an act has ended that.
func (g *vandal) signIn() {
	g.t.Helper()
	if g.op.Get("/-/api/v1/me").Status == http.StatusOK {
		return
	}
	g.op = g.a.Browser()
	g.op.Post("/-/login", "email", "grace@example.com", "password", apptest.Password).Want(200)
}
