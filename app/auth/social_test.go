package auth_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
	"seaworthy/app/config"
)

var onward = regexp.MustCompile(`href="([^"]*)" rel="noreferrer"`)

// leave begins a sign-in with a provider, and returns where it leads.
func leave(t *testing.T, b *apptest.Browser, path string, pairs ...string) *url.URL {
	t.Helper()
	p := b.Post(path, pairs...).Want(200, "On to ")
	found := onward.FindStringSubmatch(p.Body)
	if found == nil {
		t.Fatalf("no way on: %s", p.Text())
	}
	to, err := url.Parse(html.UnescapeString(found[1]))
	if err != nil || p.Header.Get("Refresh") != "0; url="+to.String() {
		t.Fatalf("%v: leads to %s and %s", err, to, p.Header.Get("Refresh"))
	}
	return to
}

// back is where a provider sends somebody back to, as a path here.
func back(t *testing.T, a *apptest.App, p *standin.Provider, to *url.URL, who standin.Person) string {
	t.Helper()
	there, err := p.Grant(standin.AskOf(to.Query()), who)
	a.Must(err)
	return strings.TrimPrefix(there, a.URL)
}

// with signs somebody in with the stand-in, in a browser, and returns the page
// that this leads to.
func with(t *testing.T, a *apptest.App, b *apptest.Browser, who standin.Person) apptest.Page {
	t.Helper()
	return b.Get(back(t, a, a.StandIn, leave(t, b, "/-/login/standin"), who))
}

var (
	ada   = standin.Person{Sub: "1", Name: "Ada Lovelace", Email: "ada@gmail.com", Verified: true}
	grace = standin.Person{Sub: "2", Name: "Grace Hopper", Email: "grace@navy.example", Verified: true, Hosted: "navy.example"}
	alan  = standin.Person{Sub: "3", Name: "Alan Turing", Email: "alan@example.org", Verified: true}
)

// provenPerson are the rows of somebody whose provider vouches for the address.
var provenPerson = map[string]int{"auth_user": 1, "auth_email": 1, "auth_org": 1, "auth_membership": 1, "auth_role_binding": 1,
	"auth_session": 1, "auth_device": 1, "auth_identity": 1}

func TestSignUpWithAProviderThatKnowsTheAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Get("/-/login").Want(200, "Continue with the stand-in provider", "or")
	b.Get("/-/signup").Want(200, "Continue with the stand-in provider")
	a.ExpectNothing()
	to := leave(t, b, "/-/login/standin", "next", "/-/account/security")
	a.Expect(apptest.Happened{Rows: map[string]int{"auth_one_time": 1}})
	q := to.Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 43 {
			t.Errorf("%s: %q", name, q.Get(name))
		}
	}
	if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != a.URL+"/-/login/standin/callback" || q.Get("scope") != "openid email profile" {
		t.Errorf("asked %v", q)
	}
	p := b.Get(back(t, a, a.StandIn, to, ada)).Want(200, "Sign-in methods", "ada@gmail.com", "the only way into your account")
	if p.Path != "/-/account/security" {
		t.Errorf("led to %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"user.signed_up", "email.verified", "identity.linked", "session.created"}, Rows: provenPerson})
	if e := a.Events(1)[0]; e.Details["method"] != "standin" || a.Query(`SELECT amr FROM auth_session`) != "fed" {
		t.Errorf("signed in by %v", e.Details)
	}

	// Again, elsewhere, with another name and address: it is the same person.
	other := a.Browser()
	with(t, a, other, standin.Person{Sub: "1", Name: "Ada King", Email: "countess@gmail.com", Verified: true}).Want(200)
	other.Get("/-/account").Want(200, "Ada Lovelace", "ada@gmail.com", "Verified")
	other.Get("/-/account/security").Want(200, "countess@gmail.com")
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1, "auth_one_time": 1}})
}

func TestSignUpWithAProviderThatDoesNotKnowTheAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	with(t, a, b, alan).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"user.signed_up", "identity.linked", "session.created"}, Jobs: []string{"email.deliver"},
		Rows: merge(provenPerson, map[string]int{"auth_one_time": 2})})
	a.RunJobs()
	b.Get("/-/account").Want(200, "Not verified")
	b.Post("/-/verify", "token", apptest.Token(a.Link(alan.Email, "/-/verify")), "act", "confirm").Want(200, "Your address is verified")
}

func merge(a, b map[string]int) map[string]int {
	out := map[string]int{}
	for k, v := range a {
		out[k] += v
	}
	for k, v := range b {
		out[k] += v
	}
	return out
}

func TestNamesOfAProviderAreCleaned(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	for name, want := range map[string]string{
		"":                                 "p0",
		"Win at https://evil.example":      "p1",
		"Ada\u202e\x07 L":                  "Ada L",
		strings.Repeat("long ", 50):        strings.TrimSpace(strings.Repeat("long ", 20)),
		"\u00a0\t <b>Bold</b> {{.Name}}  ": "<b>Bold</b> {{.Name}}",
	} {
		email := "p" + map[string]string{"": "0", "Win at https://evil.example": "1"}[name] + "@gmail.com"
		if want != "p0" && want != "p1" {
			email = "q" + strings.Repeat("q", a.Count("auth_user")) + "@gmail.com"
		}
		with(t, a, a.Browser(), standin.Person{Name: name, Email: email, Verified: true}).Want(200)
		if got := a.Query(`SELECT u.name FROM auth_user u JOIN auth_email e ON e.user_id = u.id WHERE e.email = ?`, email); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func TestNoAccountWithoutAnAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	for _, email := range []string{"", "nobody", "a@b.example, c@d.example"} {
		with(t, a, a.Browser(), standin.Person{Sub: "x", Name: "X", Email: email, Verified: true}).Want(403, "We got no email address from the stand-in provider")
		a.Expect(apptest.Happened{Audit: []string{"session.refused"}, Rows: map[string]int{"auth_one_time": 1}})
	}
}

// The account with the address has verified it and the provider knows its owner:
// it is linked, and its user is told.
func TestProvenOwnerGetsTheAccountWithTheAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("Ada@gmail.com")
	a.Forget()
	b := a.Browser()
	with(t, a, b, ada).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"identity.linked", "session.created"}, Jobs: []string{"email.deliver", "email.deliver"},
		Rows: map[string]int{"auth_identity": 1, "auth_session": 1, "auth_device": 1, "auth_one_time": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent", "email.sent"}, Ran: []string{"email.deliver completed", "email.deliver completed"},
		Mails: []string{"Ada@gmail.com: the stand-in provider now opens your account at Acme", "Ada@gmail.com: New sign-in to Acme"}})
	b.Get("/-/account").Want(200, "Ada@gmail.com")
	a.Browser().Post("/-/login", "email", ada.Email, "password", apptest.Password).Want(200) // the password stays
}

// The address is known here, and the provider cannot tell whose it is.
func TestAddressThatIsNotProvenOpensNothing(t *testing.T) {
	t.Parallel()
	for name, person := range map[string]standin.Person{
		"verified once, hosted elsewhere": alan,
		"never verified":                  {Sub: "4", Email: alan.Email},
		"never verified, of a host":       {Sub: "5", Email: alan.Email, Hosted: "example.org"},
		"in other letters":                {Sub: "6", Email: "ALAN@Example.org", Verified: true},
	} {
		for _, verified := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := apptest.New(t)
				if verified {
					a.Verified(alan.Email)
				} else {
					a.SignUp(alan.Email)
				}
				a.Forget()
				b := a.Browser()
				with(t, a, b, person).Want(403, "Sign in the way you did before")
				a.Expect(apptest.Happened{Audit: []string{"session.refused"}, Rows: map[string]int{"auth_one_time": 1}})
				b.Get("/-/api/v1/me").Want(401)
			})
		}
	}
}

func TestLinkAndUnlinkInTheAccount(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified(alan.Email)
	a.RunJobs()
	a.Forget()
	b.Get("/-/account/security").Want(200, "The stand-in provider", "Not linked")
	to := leave(t, b, "/-/account/security/identities/standin/link")
	b.Get(back(t, a, a.StandIn, to, grace)).Want(200, "It is linked", "grace@navy.example", "Unlink") // another address than the account's
	a.Expect(apptest.Happened{Audit: []string{"identity.linked"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_identity": 1, "auth_one_time": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"}, Mails: []string{"alan@example.org: the stand-in provider now opens your account at Acme"}})

	other := a.Browser()
	with(t, a, other, grace).Want(200)
	other.Get("/-/account").Want(200, alan.Email)
	a.Forget()

	// Somebody else cannot have it, nor unlink it.
	mallory := a.SignUp("mallory@example.net")
	to = leave(t, mallory, "/-/account/security/identities/standin/link")
	a.Forget()
	mallory.Get(back(t, a, a.StandIn, to, grace)).Want(409, "opens another account here already")
	id := a.Query(`SELECT id FROM auth_identity`)
	mallory.Post("/-/account/security/identities/unlink", "id", id).Want(404)
	mallory.Do("DELETE", "/-/api/v1/identities/"+id, "", "").WantProblem(404, "not_found")
	a.ExpectNothing()

	var list struct {
		Identities []struct{ ID, Provider, Subject, Email string }
	}
	b.Get("/-/api/v1/identities").Want(200).JSON(&list)
	if len(list.Identities) != 1 || list.Identities[0].ID != id || list.Identities[0].Subject != "2" || list.Identities[0].Provider != "standin" {
		t.Errorf("%+v", list)
	}
	a.RunJobs()
	a.Forget()
	b.Post("/-/account/security/identities/unlink", "id", id).Want(200, "It is unlinked", "Not linked")
	a.Expect(apptest.Happened{Audit: []string{"identity.unlinked"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_identity": -1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"},
		Mails: []string{"alan@example.org: the stand-in provider no longer opens your account at Acme"}})
	b.Post("/-/account/security/identities/unlink", "id", id).Want(404)
}

func TestTheOnlyWayInStays(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	with(t, a, b, ada).Want(200)
	a.Forget()
	id := a.Query(`SELECT id FROM auth_identity`)
	b.Get("/-/account/security").Want(200, "the only way into your account", "Your account has no password").Without(">Unlink<")
	b.Post("/-/account/security/identities/unlink", "id", id).Want(409, "This is the only way into your account")
	b.Do("DELETE", "/-/api/v1/identities/"+id, "", "").WantProblem(409, "last_way")
	a.ExpectNothing()

	// Two of them, and one may go.
	to := leave(t, b, "/-/account/security/identities/standin/link")
	b.Get(back(t, a, a.StandIn, to, grace)).Want(200, "It is linked")
	b.Do("DELETE", "/-/api/v1/identities/"+id, "", "").Want(204)
	// Or a password, and it may.
	a.Browser().Post("/-/forgot", "email", ada.Email).Want(200)
	a.RunJobs()
	a.Browser().Post("/-/reset", "token", apptest.Token(a.Link(ada.Email, "/-/reset")), "password", apptest.Password).Want(200)
	b.Post("/-/login", "email", ada.Email, "password", apptest.Password).Want(200)
	b.Do("DELETE", "/-/api/v1/identities/"+a.Query(`SELECT id FROM auth_identity`), "", "").Want(204)
}

func TestLinkingAsksForAFreshProof(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified(ada.Email)
	with(t, a, b, ada).Want(200)
	a.Clock.Advance(16 * time.Minute)
	a.Forget()
	b.Post("/-/account/security/identities/standin/link").Want(200, "Confirm who you are")
	b.Post("/-/account/security/identities/unlink", "id", a.Query(`SELECT id FROM auth_identity`)).Want(200, "Confirm who you are")
	b.Do("DELETE", "/-/api/v1/identities/"+a.Query(`SELECT id FROM auth_identity`), "", "").WantProblem(401, "confirm_first")
	a.ExpectNothing()
}

func TestDisabledUsersAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	with(t, a, a.Browser(), ada).Want(200)
	a.Verified(grace.Email)
	disable(a, ada.Email)
	disable(a, grace.Email)
	a.Forget()
	for _, who := range []standin.Person{ada, grace} { // one is linked, the other would be
		b := a.Browser()
		with(t, a, b, who).Want(403, "We could not sign you in", "does not lead to an account that you can use here")
		b.Get("/-/api/v1/me").Want(401)
		a.Expect(apptest.Happened{Audit: []string{"session.refused"}, Rows: map[string]int{"auth_one_time": 1}})
	}
}

// Two first sign-ins of one person at once make one account.
func TestParallelFirstSignInsMakeOneAccount(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	const n = 8
	var browsers [n]*apptest.Browser
	var paths [n]string
	for i := range n {
		browsers[i] = a.Browser()
		paths[i] = back(t, a, a.StandIn, leave(t, browsers[i], "/-/login/standin"), ada)
	}
	a.Forget()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if p := browsers[i].Get(paths[i]); p.Status != 200 {
				t.Errorf("%d: %s", p.Status, p.Text())
			}
		})
	}
	all.Wait()
	if users, ids, sessions := a.Count("auth_user"), a.Count("auth_identity"), a.Count("auth_session"); users != 1 || ids != 1 || sessions != n {
		t.Errorf("%d users, %d identities, %d sessions", users, ids, sessions)
	}
}

func disable(a *apptest.App, email string) {
	write(a, `UPDATE auth_user SET status = 'disabled' WHERE id = (SELECT user_id FROM auth_email WHERE email_norm = ?)`, email)
}

func TestConfirmWithAProvider(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, dangerous)
	b := a.Browser()
	with(t, a, b, ada).Want(200)
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/danger").Want(200, "Confirm with the stand-in provider").Without("Sign out and in again")
	a.Forget()
	b.Get(back(t, a, a.StandIn, leave(t, b, "/-/confirm/standin", "next", "/-/danger"), grace)).Want(403, "You were not confirmed")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmation_refused"}, Rows: map[string]int{"auth_one_time": 1}})
	b.Get("/-/api/v1/danger").Want(401)
	b.Get(back(t, a, a.StandIn, leave(t, b, "/-/confirm/standin", "next", "/-/danger"), ada)).Want(200, "done")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmed"}, Rows: map[string]int{"auth_one_time": 1}})
	b.Get("/-/api/v1/danger").Want(200)

	// An answer that was meant for another end is none for this one.
	other := a.Browser()
	with(t, a, other, grace).Want(200)
	other.Get(back(t, a, a.StandIn, leave(t, b, "/-/confirm/standin"), ada)).Want(400, "This sign-in cannot go on")
}

// Whoever has a password confirms by that: a browser that is signed in at a provider,
// too, must not be a way around it.
func TestProviderIsNoWayAroundThePassword(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, dangerous)
	b := a.Verified(alan.Email)
	b.Get(back(t, a, a.StandIn, leave(t, b, "/-/account/security/identities/standin/link"), alan)).Want(200, "It is linked")
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/danger").Want(200, `name="password"`).Without("Confirm with")
	a.Forget()
	b.Post("/-/confirm/standin", "next", "/-/danger").Want(422, "You cannot confirm who you are in this way")
	a.ExpectNothing()

	// Nor when it came while he was there.
	write(a, `UPDATE auth_user SET password_phc = NULL WHERE id = ?`, a.UserID(alan.Email))
	answer := back(t, a, a.StandIn, leave(t, b, "/-/confirm/standin", "next", "/-/danger"), alan)
	write(a, `UPDATE auth_user SET password_phc = 'set' WHERE id = ?`, a.UserID(alan.Email))
	b.Get(answer).Want(403, "You were not confirmed")
	b.Get("/-/api/v1/danger").WantProblem(401, "confirm_first")
}

// Where the ID token says no address, the provider is asked for it, and believed
// if it speaks of the same person.
func TestAddressFromUserInfo(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme")
	sub := victim.Sub
	p[0].Twist.Discovery = func(d map[string]any) { d["userinfo_endpoint"] = p[0].Issuer + "/userinfo" }
	p[0].Twist.Claims = func(c map[string]any) { delete(c, "email"); delete(c, "email_verified") }
	p[0].Twist.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/userinfo" {
			return false
		}
		if r.Header.Get("Authorization") != "Bearer simulated" {
			t.Errorf("asked with %v", r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"sub":"` + sub + `","email":"vic@example.org","email_verified":true}`))
		return true
	}
	sub = "somebody else"
	refused(t, a, p[0], victim, 403, "Acme did not confirm who you are")
	sub = victim.Sub
	b := a.Browser()
	at(t, a, b, "acme", p[0], victim).Want(200)
	b.Get("/-/account").Want(200, victim.Email, "Verified")
}

func TestStandInProviderHasAPageToChooseFrom(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Browser()
	to := leave(t, b, "/-/login/standin")
	ask := to.RawQuery
	b.Get(to.RequestURI()).Want(200, "Choose who to be", "Simulated", "Ada Lovelace", "Never verified")
	b.Get("/-/dev/oidc/authorize?client_id=seaworthy&redirect_uri=https://evil.example").Want(400, "sends nobody anywhere else")
	evil := to.Query()
	evil.Set("redirect_uri", "https://evil.example/")
	b.Post("/-/dev/oidc/authorize", "ask", evil.Encode(), "act", "be", "email", "a@b.example").Want(400)
	b.Post("/-/dev/oidc/authorize", "ask", ask, "act", "make", "email", "", "name", "X").Want(422, "Give an address or a subject")
	a.Forget()
	b.Post("/-/dev/oidc/authorize", "ask", ask, "act", "deny").Want(403, "You did not go on with the stand-in provider")
	a.ExpectNothing()
	b.Post("/-/dev/oidc/authorize", "ask", ask, "act", "make", "name", "Zoe", "email", "zoe@firm.example", "verified", "on", "hosted", "firm.example").Want(200)
	b.Get("/-/account").Want(200, "Zoe", "zoe@firm.example", "Verified")

	// In production there is none.
	live := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.URL, c.SMTPURL = "https://app.example.com", "smtp://127.0.0.1:1"
	})
	live.Browser().Get("/-/dev/oidc/.well-known/openid-configuration").Want(404)
	live.Browser().Get(to.RequestURI()).Want(404)
	live.Browser().Post("/-/login/standin").Want(404)
	live.Browser().Get("/-/login").Want(200).Without("Continue with")
}
