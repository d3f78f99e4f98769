package auth_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

func TestInvitationToSignUpAndJoin(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	p := m.owner.Post("/-/org/"+m.slug+"/invitations", "email", " Bea@Example.com ", "role", "rol_admin").Want(200, "on its way", "Bea@Example.com", "waiting")
	m.a.RunJobs()
	m.a.Expect(apptest.Happened{Audit: []string{"invitation.created", "email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"email.deliver completed"},
		Mails: []string{"Bea@Example.com: Ada Lovelace invited you to Analytical Engines"}, Rows: map[string]int{"auth_invitation": 1}})
	link := m.a.Link("bea@example.com", "/-/invite/")
	if strings.Contains(p.Body, strings.TrimPrefix(link, "/-/invite/")) || strings.Contains(m.a.Logs(), link) {
		t.Error("the token is shown to whoever invites")
	}

	// Somebody claimed the address before, without proof; looking changes nothing.
	claim := m.a.SignUp("bea@example.com")
	m.a.RunJobs()
	m.a.Forget()
	b := m.a.Browser()
	for range 2 {
		b.Get(link).Want(200, "Join Analytical Engines", "Ada Lovelace", "admin", "Sign up and join")
	}
	b.Post(link, "name", "Bea", "password", "short").Want(422, "Password")
	m.a.ExpectNothing()
	if p := b.Post(link, "name", "Bea", "password", apptest.Password).Want(200, "You are a member now", "Analytical Engines"); p.Path != "/-/org/"+m.slug+"/members?done=joined" {
		t.Errorf("led to %s", p.Path)
	}
	m.a.Expect(apptest.Happened{Audit: []string{"user.signed_up", "session.revoked", "user.superseded", "email.verified", "member.added"},
		Rows: map[string]int{"auth_user": 1, "auth_email": 1, "auth_org": 1, "auth_membership": 2, "auth_role_binding": 2, "auth_session": 1, "auth_device": 1}})
	b.Get("/-/api/v1/me").Want(200, `"email_verified":true`, m.id)
	b.Get(m.api+"/invitations").Want(200, `"invitations":[]`)
	claim.Get("/-/api/v1/me").Want(401)

	// It is used up, for everybody.
	m.a.Browser().Get(link).Want(410, "has been used")
	m.a.Browser().Post(link, "name", "Eve", "password", apptest.Password).Want(410)
	m.a.ExpectNothing()
}

// Attack case 30: an invitation lets in nobody but the mailbox it was sent to.
func TestAttack30InvitationFromAnotherMailbox(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	link := m.invite("bea@example.com", "rol_member")
	eve := m.a.Verified("eve@example.com")
	unproven := m.a.SignUp("bea@example.com")
	m.a.RunJobs()
	token := strings.TrimPrefix(link, "/-/invite/")
	m.a.Forget()
	eve.Get(link).Want(200, "eve@example.com", "Sign out").Without("Join Analytical Engines</button>")
	eve.Post(link).Want(403, "another address than yours")
	eve.PostJSON("/-/api/v1/invitations/accept", map[string]string{"token": token}).WantProblem(403, "other_mailbox")
	unproven.Get(link).Want(200, "not verified")
	unproven.Post(link).Want(403, "Verify it")
	m.a.OrgKey(m.id, "org:*").PostJSON("/-/api/v1/invitations/accept", map[string]string{"token": token}).WantProblem(403, "person_only")
	m.a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	for _, bad := range []string{"", "x", token + "x", strings.Repeat("a", len(token))} {
		eve.PostJSON("/-/api/v1/invitations/accept", map[string]string{"token": bad}).WantProblem(410, "invitation_dead")
	}
	m.a.ExpectNothing()
}

func TestInvitationOfSomebodyWithAnAccount(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.a.Verified("bea@example.com")
	m.a.RunJobs()
	m.a.Forget()
	// Known or unknown, the answer is alike.
	shape := func(email string) string {
		var got map[string]any
		m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": email, "role": "rol_member"}).Want(201).JSON(&got)
		return strings.Join([]string{got["role"].(string), got["role_name"].(string), got["expires_at"].(string)}, " ")
	}
	if known, unknown := shape("bea@example.com"), shape("new@example.com"); known != unknown {
		t.Errorf("told apart: %s, %s", known, unknown)
	}
	m.a.RunJobs()
	link := m.a.Link("bea@example.com", "/-/invite/")
	m.a.Forget()
	b := m.a.Browser()
	b.Get(link).Want(200, "Sign in with it").Without("Sign up and join")
	b.Post(link, "name", "Bea", "password", apptest.Password).Want(409, "There is an account with this address")
	m.a.ExpectNothing()

	// Of many at once one is taken in.
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 10 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := bea.PostJSON("/-/api/v1/invitations/accept", map[string]string{"token": strings.TrimPrefix(link, "/-/invite/")})
			mu.Lock()
			statuses[p.Status]++
			mu.Unlock()
		}()
	}
	wg.Wait()
	if statuses[200] != 1 || statuses[410] != 9 {
		t.Errorf("statuses %v", statuses)
	}
	m.a.Expect(apptest.Happened{Audit: []string{"member.added"}, Rows: map[string]int{"auth_membership": 1, "auth_role_binding": 1}})
	m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": "BEA@example.com", "role": "rol_member"}).WantProblem(422, "invalid", "email")
}

func TestInvitationsEnd(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.a.Verified("bea@example.com")
	accept := func(link string) apptest.Page {
		return bea.PostJSON("/-/api/v1/invitations/accept", map[string]string{"token": strings.TrimPrefix(link, "/-/invite/")})
	}
	expired := m.invite("bea@example.com", "rol_member")
	m.a.Clock.Advance(7 * 24 * time.Hour)
	bea.Post("/-/login", "email", "bea@example.com", "password", apptest.Password).Want(200)
	m.owner.Post("/-/login", "email", ownerMail, "password", apptest.Password).Want(200)
	accept(expired).WantProblem(410, "invitation_dead")
	bea.Get(expired).Want(410)
	m.owner.Get("/-/org/"+m.slug+"/members").Want(200, "expired")

	// Sent again it has a new link, the same row, and the earlier link is dead.
	id := m.a.Query(`SELECT id FROM auth_invitation`)
	m.owner.Post("/-/org/"+m.slug+"/invitations/resend", "invitation", id).Want(200)
	m.a.RunJobs()
	again := m.a.Link("bea@example.com", "/-/invite/")
	if again == expired {
		t.Fatal("the link is the same")
	}
	accept(expired).WantProblem(410, "invitation_dead")
	m.owner.Post("/-/org/"+m.slug+"/invitations/revoke", "invitation", id).Want(200, "The invitation is revoked")
	m.a.Forget()
	accept(again).WantProblem(410, "invitation_dead")
	m.owner.Do("DELETE", m.api+"/invitations/"+id, "", "").WantProblem(404, "not_found")
	m.owner.Do("POST", m.api+"/invitations/"+id+"/resend", "", "").WantProblem(404, "not_found")
	m.a.ExpectNothing()

	// A deleted org takes its invitations with it.
	last := m.invite("bea@example.com", "rol_member")
	m.owner.Do("DELETE", m.api, "application/json", `{"confirm":"Analytical Engines"}`).Want(204)
	accept(last).WantProblem(410, "invitation_dead")
}

func TestInvitationsAreBounded(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	ask := func(email string) apptest.Page {
		return m.owner.PostJSON(m.api+"/invitations", map[string]string{"email": email, "role": "rol_member"})
	}
	for range 5 {
		ask("bea@example.com").Want(201)
	}
	m.a.Forget()
	ask("bea@example.com").WantProblem(429, "too_many_requests") // one mailbox
	m.a.ExpectNothing()
	write(m.a, `UPDATE auth_invitation SET sent_at = 1, state = 'revoked' WHERE sent = 5`)
	for i := range 100 {
		ask(strings.Repeat("x", i%60+1) + string(rune('a'+i/60)) + "@example.com").Want(201)
	}
	ask("one-more@example.com").WantProblem(429, "too_many_requests")
	unverified := m.a.SignUp("new@example.com")
	join(m.a, m.id, "new@example.com", "rol_admin")
	unverified.PostJSON(m.api+"/invitations", map[string]string{"email": "z@example.com", "role": "rol_member"}).WantProblem(403, "verify_first")
}

// Whoever has joined and opens the link in the mail again is led into the org;
// nobody else learns anything by it, nor he once he has left.
func TestInvitationOpenedAgain(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada, bob, eve := a.Verified("ada@example.com"), a.Verified("bob@example.com"), a.Verified("eve@example.com")
	ada.Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	ada.Post("/-/org/rockets/invitations", "email", "bob@example.com", "role", "rol_member").Want(200)
	a.RunJobs()
	link := a.Link("bob@example.com", "/-/invite/")
	bob.Post(link).Want(200)

	bob.Get(link).Want(200, "You are a member already", "/-/org/rockets/members")
	for _, other := range []*apptest.Browser{ada, eve, a.Browser()} {
		other.Get(link).Want(410).Without("Rockets")
	}
	bob.Post(link).Want(410)
	bob.Post("/-/org/rockets/leave").Want(200)
	bob.Get(link).Want(410).Without("Rockets")
}

// The only owner is told what to do before leaving, in place of a button that
// would be refused.
func TestOnlyOwnerSeesNoLeave(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada, bob := a.Verified("ada@example.com"), a.Verified("bob@example.com")
	ada.Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	ada.Post("/-/org/rockets/invitations", "email", "bob@example.com", "role", "rol_member").Want(200)
	a.RunJobs()
	bob.Post(a.Link("bob@example.com", "/-/invite/")).Want(200)
	ada.Get("/-/org/rockets/members").Want(200, "You are the only owner").Without("Leave Rockets")
	bob.Get("/-/org/rockets/members").Want(200, "Leave Rockets").Without("You are the only owner")
	ada.Post("/-/org/rockets/transfer", "user", a.UserID("bob@example.com")).Want(200)
	ada.Get("/-/org/rockets/members").Want(200, "Leave Rockets")
}

// What is wrong with a box that is no ordinary field stands beside it, too.
func TestFaultsStandAtTheirFields(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.Verified("ada@example.com")
	ada.Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	for _, c := range []struct {
		path, field string
		form        []string
	}{
		{"/-/account/delete", "confirm", []string{"confirm", "x"}},
		{"/-/org/rockets/delete", "confirm", []string{"confirm", "x"}},
		{"/-/org/rockets/keys", "permissions", []string{"name", "k", "expires", "90"}},
		{"/-/org/rockets/settings", "require_mfa", []string{"name", "Rockets", "slug", "rockets", "require_mfa", "on"}},
	} {
		ada.Post(c.path, c.form...).Want(422, `id="f-`+c.field+`-error"`, `f-`+c.field+`-error"`, `href="#f-`+c.field+`"`, "One field needs another look.")
	}
	ada.Post("/-/account/profile", "name", "Ada K.").Want(200, "Your name was saved.")
	if n := strings.Count(ada.Get("/-/account?done=name").Body, "Your name was saved."); n != 1 {
		t.Errorf("said %d times that the name was saved", n)
	}
}
