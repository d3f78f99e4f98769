package auth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/auth"
)

// team is an org of several people, and who they are.
type team struct {
	a             *apptest.App
	owner         *apptest.Browser
	id, slug, api string
}

const ownerMail = "ada@example.com"

// newTeam makes an org that ada owns.
func newTeam(t *testing.T, opts ...apptest.Option) *team {
	t.Helper()
	a := apptest.New(t, append(opts, apptest.WithoutLimits)...)
	m := &team{a: a, owner: a.Verified(ownerMail)}
	var made struct{ ID, Slug string }
	m.owner.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Analytical Engines"}).Want(201).JSON(&made)
	m.id, m.slug, m.api = made.ID, made.Slug, "/-/api/v1/orgs/"+made.ID
	a.RunJobs()
	a.Forget()
	return m
}

// member signs somebody up who belongs to the org with a role.
func (m *team) member(email, role string) *apptest.Browser {
	m.a.T.Helper()
	b := m.a.Verified(email)
	join(m.a, m.id, email, role)
	m.a.RunJobs()
	m.a.Forget()
	return b
}

func (m *team) user(email string) string {
	m.a.T.Helper()
	return m.a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, email)
}

// invite invites somebody and returns the link of the mail.
func (m *team) invite(email, role string) string {
	m.a.T.Helper()
	m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": email, "role": role}).Want(201)
	m.a.RunJobs()
	return m.a.Link(email, "/-/invite/")
}

func patch(b *apptest.Browser, path, body string) apptest.Page {
	b.T.Helper()
	return b.Do("PATCH", path, "application/json", body)
}

func TestOrgIsMadeChangedAndDeleted(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.Verified(ownerMail)
	a.Forget()
	p := ada.Post("/-/account/orgs/new", "name", " Café  Zoë & Co. ", "slug", "").Want(200, "Invite the people you work with", "Café Zoë")
	if p.Path != "/-/org/cafe-zoe-co/members?done=made" {
		t.Errorf("led to %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"org.created"}, Rows: map[string]int{"auth_org": 1, "auth_membership": 1, "auth_role_binding": 1}})
	id := a.Query(`SELECT id FROM auth_org WHERE slug = 'cafe-zoe-co'`)
	ada.Get("/-/api/v1/me").Want(200, id) // it is where the session works now
	ada.Get("/-/account").Want(200, "You work here", "Café")

	// The name and the slug change; the earlier slug goes on leading here.
	ada.Post("/-/org/cafe-zoe-co/settings", "name", "Zoë", "slug", "zoe").Want(200, "The slug is changed")
	a.Expect(apptest.Happened{Audit: []string{"org.updated"}, Rows: map[string]int{"auth_old_slug": 1}})
	ada.Get("/-/org/cafe-zoe-co/members").Want(200, "Zoë")
	ada.Get("/-/org/zoe").Want(200, "Members")
	ada.Post("/-/org/zoe/settings", "name", "Zoë", "slug", "zoe").Want(200) // nothing new
	a.ExpectNothing()
	bea := a.Verified("bea@example.com")
	a.RunJobs()
	a.Forget()
	for _, slug := range []string{"zoe", "cafe-zoe-co"} {
		bea.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Mine", "slug": slug}).WantProblem(422, "invalid", "slug")
	}
	a.ExpectNothing()
	bea.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Zoë"}).Want(201, `"slug":"zoe-`) // made one's own by the id
	a.Forget()

	// Deleting asks for the name, a fresh proof and a person.
	key := a.OrgKey(id, "org:*")
	a.Forget()
	key.Do("DELETE", "/-/api/v1/orgs/"+id, "application/json", `{"confirm":"Zoë"}`).WantProblem(403, "person_only")
	ada.Post("/-/org/zoe/delete", "confirm", "zoe").Want(422, "not the name")
	a.Clock.Advance(16 * time.Minute)
	ada.Post("/-/org/zoe/delete", "confirm", "Zoë").Want(200, "Confirm who you are")
	ada.Post("/-/confirm", "password", apptest.Password).Want(200)
	a.Forget()
	ada.Post("/-/org/zoe/delete", "confirm", "Zoë").Want(200, "The organization is deleted")
	a.Expect(apptest.Happened{Audit: []string{"org.deleted"}})
	ada.Get("/-/org/zoe/members").Want(404)
	key.Get("/-/api/v1/me").WantProblem(401, "bad_token")
	ada.Get("/-/api/v1/me").Want(200, a.PersonalOrg(ownerMail)).Without(id)
	bea.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Mine", "slug": "zoe"}).WantProblem(422, "invalid", "slug")
}

func TestSlugsThatAreTricksAreRefused(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	for name, slug := range map[string]string{
		"an id": m.id, "reserved": "admin", "reserved too": "seaworthy", "personal": "p-abcdef123456", "upper case": "Acme", "Cyrillic": "аcme", "full width": "ａｃｍｅ",
		"punycode": "xn--cme-7la", "hyphen first": "-acme", "hyphen last": "acme-", "two hyphens": "ac--me", "a path": "a/b", "dots": "..", "a space": "ac me",
		"invisible": "ac\u200bme", "short": "a", "long": strings.Repeat("a", 41), "underscore": "org_acme", "a percent": "%2e",
	} {
		if p := m.owner.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Acme", "slug": slug}); p.Status != 422 {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
		if p := patch(m.owner, m.api, `{"slug":"`+slug+`"}`); p.Status != 422 {
			t.Errorf("%s as a change: %d %s", name, p.Status, p.Body)
		}
	}
	m.a.ExpectNothing()
	for name, want := range map[string]string{"日本語": "org-", "Admin": "org-admin", "P-51": "org-51", "Ünïcödé!!": "unicode", "--": "org-", "www.evil.example": ""} {
		p := m.owner.PostJSON("/-/api/v1/orgs", map[string]string{"name": name})
		if want == "" && p.Status != 422 || want != "" && (p.Status != 201 || !strings.Contains(p.Body, `"slug":"`+strings.TrimSuffix(want, "-"))) {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
}

// FuzzSlug: what is accepted is plain, and can be no id; what a name makes is accepted.
func FuzzSlug(f *testing.F) {
	for _, s := range []string{"acme", "Ünï-cödé", "org_06h0vrqmrnr01089g1gv9b76d8", "-", "", "ａｃｍｅ", "admin", strings.Repeat("é", 99)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if slug, ok := auth.Slug(text); ok && (strings.ContainsAny(slug, "_/.%\\ ") || slug != strings.ToLower(slug) || len(slug) > 40) {
			t.Errorf("%q is taken as %q", text, slug)
		}
		if made := auth.SlugFrom(text); made != "org" {
			if _, ok := auth.Slug(made); !ok {
				t.Errorf("%q makes %q, which is refused", text, made)
			}
		}
	})
}

func TestPersonalOrgsStayPersonal(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.Verified(ownerMail)
	a.RunJobs()
	a.Forget()
	api := "/-/api/v1/orgs/" + a.PersonalOrg(ownerMail)
	me := a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, ownerMail)
	ada.PostJSON(api+"/invitations", map[string]string{"email": "bea@example.com", "role": "rol_member"}).WantProblem(409, "personal_org")
	ada.Do("POST", api+"/leave", "", "").WantProblem(409, "personal_org")
	ada.Do("DELETE", api+"/members/"+me, "", "").WantProblem(409, "personal_org")
	ada.Do("DELETE", api, "application/json", `{"confirm":"Ada Lovelace"}`).WantProblem(409, "personal_org")
	ada.Get("/-/org/"+a.Query(`SELECT slug FROM auth_org WHERE id = ?`, a.PersonalOrg(ownerMail))+"/members").Want(200, "Make an organization")
	a.ExpectNothing()
}

func TestSwitchingOrgsChangesWhatTheSessionMayDo(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_member")
	stranger := m.a.Verified("eve@example.com")
	operator := m.a.Operator("grace@example.com")
	m.a.RunJobs()
	m.a.Forget()
	bea.Get("/-/api/v1/can?permission=org.settings").Want(200, `"allowed":true`)
	bea.Post("/-/org/"+m.slug+"/switch").Want(200, "You work here")
	m.a.Expect(apptest.Happened{Audit: []string{"session.org_switched"}})
	bea.Get("/-/api/v1/can?permission=org.settings").Want(200, `"allowed":false`, m.id)
	bea.Post("/-/org/" + m.slug + "/switch").Want(200)
	m.a.ExpectNothing()
	stranger.Do("POST", m.api+"/switch", "", "").WantProblem(404, "not_found")
	operator.Do("POST", m.api+"/switch", "", "").WantProblem(404, "not_found") // may enter it, but does not belong to it

	// A program gets a token that says so, and its refresh goes on with it.
	tokens := m.a.SignInProgram("bea@example.com")
	var got struct {
		Org    string `json:"org_id"`
		Access string `json:"access_token"`
	}
	m.a.Bearer(tokens.Access).Do("POST", m.api+"/switch", "", "").Want(200).JSON(&got)
	claims, err := offline(m.a, got.Access, publicKeys(m.a))
	m.a.Must(err)
	if claims["org"] != m.id || strings.Contains(strings.Join(words(claims["permissions"]), " "), "org:settings") {
		t.Errorf("claims %v", claims)
	}
	var next apptest.Tokens
	m.a.Refresh(tokens.Refresh).Want(200).JSON(&next)
	if claims, err = offline(m.a, next.Access, publicKeys(m.a)); err != nil || claims["org"] != m.id {
		t.Errorf("after a refresh: %v, %v", claims, err)
	}
	m.a.Forget()
	m.a.OrgKey(m.id, "org:read").Do("POST", m.api+"/switch", "", "").WantProblem(403, "person_only")
}

func words(v any) (all []string) {
	list, _ := v.([]any)
	for _, x := range list {
		all = append(all, x.(string))
	}
	return all
}

// Attack case 12: who was removed is out on the next request, and his program's
// next refresh is refused.
func TestAttack12RemovalIsFeltAtOnce(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_admin")
	tokens := m.a.SignInProgram("bea@example.com")
	program := m.a.Bearer(tokens.Access)
	bea.Post("/-/org/" + m.slug + "/switch").Want(200)
	program.Do("POST", m.api+"/switch", "", "").Want(200)
	bea.Get(m.api + "/invitations").Want(200)
	link := ""
	bea.PostJSON(m.api+"/invitations", map[string]string{"email": "second@example.com", "role": "rol_admin"}).Want(201)
	m.a.RunJobs()
	link = m.a.Link("second@example.com", "/-/invite/")

	// Demoted: her permissions are fewer, and so are her invitations.
	m.a.Forget()
	patch(m.owner, m.api+"/members/"+m.user("bea@example.com"), `{"role":"rol_member"}`).Want(200, `"role_name":"member"`)
	m.a.Expect(apptest.Happened{Audit: []string{"member.role_changed", "invitation.revoked"}})
	bea.Get(m.api+"/invitations").WantProblem(403, "forbidden")
	program.Get("/-/api/v1/can?permission=org:members").Want(200, `"allowed":false`)
	m.a.Browser().Get(link).Want(410, "revoked")

	m.owner.Do("DELETE", m.api+"/members/"+m.user("bea@example.com"), "", "").Want(204)
	m.a.Expect(apptest.Happened{Audit: []string{"member.removed"}, Rows: map[string]int{"auth_membership": -1, "auth_role_binding": -1}})
	bea.Get(m.api+"/members").WantProblem(404, "not_found")
	bea.Get("/-/api/v1/me").Want(200, m.a.PersonalOrg("bea@example.com")).Without(m.id)
	program.Get(m.api+"/members").WantProblem(404, "not_found")
	program.Get("/-/api/v1/can?permission=org:read").Want(200, `"allowed":false`)
	m.a.Refresh(tokens.Refresh).Want(400, "invalid_grant")
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	ada := m.user(ownerMail)
	m.member("bea@example.com", "rol_admin")
	patch(m.owner, m.api+"/members/"+ada, `{"role":"rol_admin"}`).WantProblem(409, "last_owner")
	m.owner.Do("DELETE", m.api+"/members/"+ada, "", "").WantProblem(409, "last_owner")
	m.owner.Post("/-/org/"+m.slug+"/leave").Want(409, "only owner")
	m.a.ExpectNothing()

	// A second owner who is disabled does not count.
	m.member("dan@example.com", "rol_owner")
	write(m.a, `UPDATE auth_user SET status = 'disabled' WHERE id = ?`, m.user("dan@example.com"))
	m.owner.Post("/-/org/"+m.slug+"/leave").Want(409, "only owner")
}

func TestTwoOwnersCannotBothStepDown(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_owner")
	var wg sync.WaitGroup
	status := make([]int, 2)
	for i, c := range []struct {
		who *apptest.Browser
		of  string
	}{{m.owner, "bea@example.com"}, {bea, ownerMail}} {
		user := m.user(c.of)
		wg.Add(1)
		go func() {
			defer wg.Done()
			status[i] = patch(c.who, m.api+"/members/"+user, `{"role":"rol_admin"}`).Status
		}()
	}
	wg.Wait()
	// Whoever was second is no owner any more, and may not touch one.
	if !(status[0] == 200 && status[1] >= 403 || status[1] == 200 && status[0] >= 403) {
		t.Errorf("statuses %v", status)
	}
	if n := m.a.Query(`SELECT CAST(count(*) AS TEXT) FROM auth_role_binding WHERE role_id = 'rol_owner' AND org_id = ?`, m.id); n != "1" {
		t.Errorf("%s owners are left", n)
	}
}

func TestNobodyGivesOrTakesMoreThanHeHas(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	admin := m.member("bea@example.com", "rol_admin")
	member := m.member("cyd@example.com", "rol_member")
	ada, bea, cyd := m.user(ownerMail), m.user("bea@example.com"), m.user("cyd@example.com")
	patch(admin, m.api+"/members/"+ada, `{"role":"rol_member"}`).WantProblem(403, "above_you")
	admin.Do("DELETE", m.api+"/members/"+ada, "", "").WantProblem(403, "above_you")
	patch(admin, m.api+"/members/"+bea, `{"role":"rol_owner"}`).WantProblem(403, "role_above_you")
	patch(admin, m.api+"/members/"+cyd, `{"role":"rol_operator"}`).WantProblem(422, "invalid", "role")
	admin.PostJSON(m.api+"/invitations", map[string]string{"email": "x@example.com", "role": "rol_owner"}).WantProblem(403, "role_above_you")
	patch(member, m.api+"/members/"+cyd, `{"role":"rol_admin"}`).WantProblem(403, "forbidden")
	member.PostJSON(m.api+"/transfer", map[string]string{"user": cyd}).WantProblem(422, "invalid", "user")
	admin.PostJSON(m.api+"/transfer", map[string]string{"user": cyd}).WantProblem(403, "forbidden")
	m.a.ExpectNothing()
	member.Get("/-/org/"+m.slug+"/members").Want(200, "bea@example.com").Without("Send the invitation", "Remove")
	member.Do("POST", m.api+"/leave", "", "").Want(204)
	m.a.Expect(apptest.Happened{Audit: []string{"member.left"}, Rows: map[string]int{"auth_membership": -1, "auth_role_binding": -1}})
}

func TestOwnershipIsHandedOn(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_member")
	m.a.Clock.Advance(16 * time.Minute)
	m.owner.PostJSON(m.api+"/transfer", map[string]string{"user": m.user("bea@example.com")}).WantProblem(401, "confirm_first")
	m.owner.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
	m.a.Forget()
	m.owner.Post("/-/org/"+m.slug+"/transfer", "user", m.user("bea@example.com")).Want(200, "handed on")
	m.a.RunJobs()
	m.a.Expect(apptest.Happened{Audit: []string{"org.transferred", "email.sent", "email.sent"}, Jobs: []string{"email.deliver", "email.deliver"},
		Ran: []string{"email.deliver completed", "email.deliver completed"}, Mails: []string{
			ownerMail + ": Analytical Engines has a new owner", "bea@example.com: Analytical Engines has a new owner"}})
	bea.Get("/-/api/v1/can?permission=org:own&org="+m.id).Want(200, `"allowed":true`)
	m.owner.Get("/-/api/v1/can?permission=org:own&permission=org:members&org="+m.id).Want(200, `"org:own":false`, `"org:members":true`)
}

// An admin of one org is nobody in another, whatever he names there.
func TestAnAdminOfOneOrgIsNobodyInAnother(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	eve := m.a.Verified("eve@example.com")
	var hers struct{ ID, Slug string }
	eve.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Eve"}).Want(201).JSON(&hers)
	var role struct{ ID string }
	eve.PostJSON("/-/api/v1/orgs/"+hers.ID+"/roles", map[string]any{"name": "Everything", "permissions": []string{"org:*"}}).Want(201).JSON(&role)
	var invitation struct{ ID string }
	m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": "bea@example.com", "role": "rol_member"}).Want(201).JSON(&invitation)
	k, _, err := m.a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "ci", Org: m.id, Permissions: []string{"org:read"}})
	m.a.Must(err)
	m.a.RunJobs()
	m.a.Forget()
	for _, c := range []struct{ method, path, body string }{
		{"GET", m.api + "/members", ""}, {"PATCH", m.api, `{"name":"Hers"}`}, {"DELETE", m.api, `{"confirm":"Analytical Engines"}`},
		{"PATCH", m.api + "/members/" + m.user(ownerMail), `{"role":"rol_member"}`}, {"POST", m.api + "/invitations", `{"email":"eve@example.com","role":"rol_owner"}`},
		{"GET", m.api + "/keys", ""}, {"POST", m.api + "/roles", `{"name":"x","permissions":[]}`},
		// what belongs to the other org, under her own
		{"DELETE", "/-/api/v1/orgs/" + hers.ID + "/invitations/" + invitation.ID, ""}, {"POST", "/-/api/v1/orgs/" + hers.ID + "/invitations/" + invitation.ID + "/resend", ""},
		{"DELETE", "/-/api/v1/orgs/" + hers.ID + "/keys/" + k.ID, ""}, {"DELETE", "/-/api/v1/orgs/" + hers.ID + "/members/" + m.user(ownerMail), ""},
	} {
		kind := ""
		if c.body != "" {
			kind = "application/json"
		}
		eve.Do(c.method, c.path, kind, c.body).WantProblem(http.StatusNotFound, "not_found")
	}
	// Her role is nothing in the other org, nor is the other's in hers.
	m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": "x@example.com", "role": role.ID}).WantProblem(422, "invalid", "role")
	m.owner.PostJSON(m.api+"/keys", map[string]string{"name": "x", "role": role.ID}).WantProblem(422, "invalid", "role")
	patch(m.owner, m.api+"/members/"+m.user(ownerMail), `{"role":"`+role.ID+`"}`).WantProblem(422, "invalid", "role")
	patch(m.owner, m.api+"/roles/"+role.ID, `{"name":"Mine"}`).WantProblem(404, "not_found")
	m.owner.Do("DELETE", m.api+"/roles/"+role.ID, "", "").WantProblem(404, "not_found")
	m.a.ExpectNothing()
}

func TestOrgsThatAskForTwoFactors(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_admin")
	bea.Post("/-/org/" + m.slug + "/switch").Want(200)
	m.a.Forget()
	patch(m.owner, m.api, `{"require_mfa":true}`).WantProblem(422, "invalid", "require_mfa")
	m.a.OrgKey(m.id, "org:*")
	m.a.Forget()
	write(m.a, `UPDATE auth_session SET aal = 2 WHERE user_id = ? AND kind = 'browser'`, m.user(ownerMail))
	patch(m.owner, m.api, `{"require_mfa":true}`).Want(200, `"require_mfa":true`)
	m.a.Expect(apptest.Happened{Audit: []string{"org.updated"}})
	bea.Get("/-/api/v1/me").Want(200, m.a.PersonalOrg("bea@example.com")).Without(m.id)
	bea.Get(m.api+"/members").WantProblem(403, "mfa_required")
	bea.Get("/-/org/"+m.slug+"/members").Want(403, "two-step sign-in", "/-/account/security")
	bea.Do("POST", m.api+"/switch", "", "").WantProblem(403, "mfa_required")
	bea.Get("/-/api/v1/can?permission=org:read&org="+m.id).WantProblem(403, "mfa_required")
	m.owner.Get(m.api + "/members").Want(200)
	m.a.OrgKey(m.id, "org:read").Get(m.api + "/members").Want(200) // a key is no person
	m.a.Operator("grace@example.com").Get(m.api+"/members").WantProblem(403, "mfa_required")
	write(m.a, `UPDATE auth_session SET aal = 2 WHERE user_id = ?`, m.user("bea@example.com"))
	bea.Get(m.api + "/members").Want(200)
}
