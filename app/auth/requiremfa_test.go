package auth_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

const beaMail = "bea@example.com"

// strictTeam is an org that asks for two factors, whose owner has an app that shows
// codes, and a member of it without one.
func strictTeam(t *testing.T, opts ...apptest.Option) (m *team, bea *apptest.Browser, ownerSeed string) {
	t.Helper()
	m = newTeam(t, opts...)
	bea = m.member(beaMail, "rol_admin")
	bea.Post("/-/org/" + m.slug + "/switch").Want(200)
	m.owner.Post("/-/org/"+m.slug+"/settings", "name", "Analytical Engines", "slug", m.slug, "require_mfa", "on").Want(422, "Sign in with your own second step first")
	ownerSeed, _ = m.a.SetUpTOTP(m.owner)
	m.a.RunJobs()
	m.a.Forget()
	m.owner.Post("/-/org/"+m.slug+"/settings", "name", "Analytical Engines", "slug", m.slug, "require_mfa", "on").Want(200, "The settings are saved", `name="require_mfa" checked`)
	m.a.Expect(apptest.Happened{Audit: []string{"org.updated"}})
	return m, bea, ownerSeed
}

// enrol sets up an app that shows codes on the pages, and returns its seed.
func enrol(a *apptest.App, b *apptest.Browser) (seed string) {
	a.T.Helper()
	p := b.Post("/-/account/security/factors", "kind", "totp").Want(200, "Scan this")
	seed = strings.ReplaceAll(regexp.MustCompile(`id="key">([A-Z2-7 ]{39})<`).FindStringSubmatch(p.Body)[1], " ", "")
	b.Post(p.Path+"/confirm", "code", a.TOTP(seed)).Want(200, "Two-step sign-in is on")
	a.Clock.Advance(30 * time.Second)
	return seed
}

// kept is what somebody who is kept out of the org of a team meets, without a
// second factor.
func kept(t *testing.T, m *team, all ...*apptest.Browser) {
	t.Helper()
	for _, b := range all {
		b.Get("/-/api/v1/me").Want(200, m.a.PersonalOrg(beaMail)).Without(m.id)
		b.Get(m.api).WantProblem(403, "mfa_required")
		b.Get(m.api+"/members").WantProblem(403, "mfa_required")
		b.Do("POST", m.api+"/switch", "", "").WantProblem(403, "mfa_required")
		b.Get("/-/api/v1/can?permission=org:read&org="+m.id).WantProblem(403, "mfa_required")
		b.Get("/-/api/v1/can?permission=org:members").Want(200, m.a.PersonalOrg(beaMail))
	}
}

func TestMemberIsLedToTheSecondStep(t *testing.T) {
	t.Parallel()
	m, bea, _ := strictTeam(t)
	before := signIn(m.a, beaMail, phone)
	kept(t, m, bea, before)
	bea.Get("/-/org/"+m.slug+"/members").Want(403, "This organization asks for two-step sign-in", `href="/-/account/security"`)
	bea.Post("/-/org/" + m.slug + "/switch").Want(403)
	bea.PostJSON(m.api+"/invitations", map[string]string{"email": "x@example.com", "role": "rol_member"}).WantProblem(403, "mfa_required")

	seed := enrol(m.a, bea)
	bea.Get("/-/org/"+m.slug+"/members").Want(200, ownerMail)
	bea.Do("POST", m.api+"/switch", "", "").Want(200)
	bea.Get("/-/api/v1/me").Want(200, m.id)

	// The other session was there before: it is asked for the second step, and led on.
	before.Get(m.api+"/members").WantProblem(401, "confirm_first")
	if p := before.Get("/-/org/"+m.slug+"/members").Want(200, "Confirm who you are"); p.Path != "/-/confirm?next=%2F-%2Forg%2F"+m.slug+"%2Fmembers" {
		t.Errorf("led to %s", p.Path)
	}
	before.Post("/-/confirm", "method", "totp", "code", m.a.TOTP(seed), "next", "/-/org/"+m.slug+"/members").Want(200, ownerMail)

	// From now on the code is a part of signing in.
	m.a.Clock.Advance(30 * time.Second)
	bea.Post("/-/logout").Want(200)
	next := "/-/org/" + m.slug + "/members"
	bea.Post("/-/login", "email", beaMail, "password", apptest.Password, "next", next).Want(200, "Second step")
	signedOut(t, bea)
	if p := bea.Post("/-/login/mfa", "method", "totp", "code", m.a.TOTP(seed), "next", next).Want(200, ownerMail); p.Path != next {
		t.Errorf("led to %s", p.Path)
	}
}

func TestProgramsOfMembersShowTheSecondStep(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member(beaMail, "rol_admin")
	held := m.a.SignInProgram(beaMail)
	program := m.a.Bearer(held.Access)
	program.Do("POST", m.api+"/switch", "", "").Want(200)
	m.a.SetUpTOTP(m.owner)
	patch(m.owner, m.api, `{"require_mfa":true}`).Want(200, `"require_mfa":true`)
	kept(t, m, program)
	var next apptest.Tokens
	m.a.Refresh(held.Refresh).Want(200).JSON(&next)
	var claims struct {
		Org, ACR string
	}
	payload(t, next.Access, &claims)
	if claims.Org != m.a.PersonalOrg(beaMail) || claims.ACR != "aal1" {
		t.Errorf("the next token says %+v", claims)
	}
	kept(t, m, m.a.Bearer(next.Access))

	seed := enrol(m.a, bea)
	program = m.a.Bearer(next.Access)
	p := program.Get(m.api + "/members")
	p.WantProblem(401, "confirm_first")
	if !strings.Contains(p.Header.Get("WWW-Authenticate"), `acr_values="aal2"`) {
		t.Errorf("challenge: %s", p.Header.Get("WWW-Authenticate"))
	}
	program.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).WantProblem(422, "invalid", "method")
	program.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": m.a.TOTP(seed)}).Want(204)
	program.Get(m.api+"/members").Want(200, ownerMail)

	m.a.Clock.Advance(30 * time.Second)
	waits := firstByProgram(m.a, beaMail)
	m.a.Bearer(waits.Token).Get(m.api + "/members").Want(401)
	var fresh apptest.Tokens
	second(m.a, waits.Token, "totp", m.a.TOTP(seed)).Want(200).JSON(&fresh)
	m.a.Bearer(fresh.Access).Get(m.api+"/members").Want(200, ownerMail)
}

// A device that is trusted excuses from the code at sign-in, and so opens the org;
// before what can do harm the code is asked for all the same.
func TestTrustedDeviceOfAMember(t *testing.T) {
	t.Parallel()
	m, bea, _ := strictTeam(t)
	seed := enrol(m.a, bea)
	b := first(m.a, beaMail)
	b.Post("/-/login/mfa", "method", "totp", "code", m.a.TOTP(seed), "trust", "on").Want(200)
	b.Post("/-/logout").Want(200)
	b.Post("/-/login", "email", beaMail, "password", apptest.Password, "next", "/-/org/"+m.slug+"/members").Want(200, ownerMail)
	b.Do("POST", m.api+"/switch", "", "").Want(200)
	b.PostJSON(m.api+"/transfer", map[string]string{"user": m.user(ownerMail)}).WantProblem(401, "confirm_first")
}

// Whoever gives up the second step is out at once, with every session.
func TestMemberWithoutSecondStepLeavesTheOrg(t *testing.T) {
	t.Parallel()
	m, bea, _ := strictTeam(t)
	seed := enrol(m.a, bea)
	other := first(m.a, beaMail)
	other.Post("/-/login/mfa", "method", "totp", "code", m.a.TOTP(seed)).Want(200)
	for _, b := range []*apptest.Browser{bea, other} {
		b.Do("POST", m.api+"/switch", "", "").Want(200)
		b.Get("/-/api/v1/can?permission=org:members").Want(200, m.id, `"allowed":true`)
	}
	id := m.a.Query(`SELECT id FROM auth_factor WHERE user_id = ?`, m.user(beaMail))
	bea.Do("DELETE", "/-/api/v1/factors/"+id, "", "").Want(204)
	kept(t, m, bea, other)
}

// An invitation makes a member of somebody with one factor, and no more.
func TestInvitedToAnOrgThatAsksForTwoFactors(t *testing.T) {
	t.Parallel()
	m, _, _ := strictTeam(t)
	m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": "cyd@example.com", "role": "rol_member"}).Want(201)
	m.a.RunJobs()
	cyd := m.a.Browser()
	cyd.Post(m.a.Link("cyd@example.com", "/-/invite/"), "name", "Cyd", "password", apptest.Password).Want(403, "This organization asks for two-step sign-in")
	cyd.Get("/-/api/v1/me").Want(200, m.a.PersonalOrg("cyd@example.com")).Without(m.id)
	enrol(m.a, cyd)
	cyd.Get("/-/org/"+m.slug+"/members").Want(200, "Cyd")
}

func TestSwitchingOffAsksForAFreshProof(t *testing.T) {
	t.Parallel()
	m, bea, seed := strictTeam(t)
	m.a.Clock.Advance(16 * time.Minute)
	m.a.Forget()
	form := func(pairs ...string) apptest.Page {
		return m.owner.Post("/-/org/"+m.slug+"/settings", append([]string{"name", "Analytical Engines", "slug", m.slug}, pairs...)...)
	}
	form().Want(200, "Confirm who you are")
	patch(m.owner, m.api, `{"require_mfa":false}`).WantProblem(401, "confirm_first")
	m.a.ExpectNothing()
	form("require_mfa", "on").Want(200, "The settings are saved") // as it was
	kept(t, m, bea)
	m.owner.Post("/-/confirm", "method", "totp", "code", m.a.TOTP(seed)).Want(200)
	m.a.Forget()
	form().Want(200, "The settings are saved")
	m.a.Expect(apptest.Happened{Audit: []string{"org.updated"}})
	bea.Get(m.api+"/members").Want(200, ownerMail)
	bea.Do("POST", m.api+"/switch", "", "").Want(200)
	bea.Get("/-/api/v1/me").Want(200, m.id)
}

func TestPersonalOrgAsksForNoTwoFactors(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.a.SetUpTOTP(m.owner)
	api := "/-/api/v1/orgs/" + m.a.PersonalOrg(ownerMail)
	patch(m.owner, api, `{"require_mfa":true}`).WantProblem(422, "invalid", "require_mfa")
	var o struct{ Slug string }
	m.owner.Get(api).Want(200).JSON(&o)
	m.owner.Get("/-/org/" + o.Slug + "/settings").Want(200).Without("require_mfa")
}
