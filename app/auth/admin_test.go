package auth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

const phoned = "asked for it on the phone"

func TestSuspendAndReactivate(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	tokens := a.SignInProgram("ada@example.com")
	a.Grant("ada@example.com", "flags:manage")
	_, secret, err := a.Auth.MakeKey(web.WithOrigin(t.Context(), &web.Origin{RequestID: "req_x", Identity: web.Identity{User: id}}),
		auth.NewKey{Name: "flags", Permissions: []string{"flags:manage"}})
	a.Must(err)
	link, err := a.Auth.ResetLink(t.Context(), "ada@example.com")
	a.Must(err)
	a.Bearer(secret).Get("/-/api/v1/me").Want(200)
	a.Forget()

	op.Post("/-/admin/users/"+id+"/suspend", "act", "suspend", "reason", "short").Want(422, "At least 10 characters", `value="short"`)
	a.ExpectNothing()
	op.Post("/-/admin/users/"+id+"/suspend", "reason", "sends spam to others").Want(200, "The account is suspended", "suspended", "Reactivate")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.revoked", "key.revoked", "user.suspended"}, Jobs: []string{"email.deliver"}})
	e := a.Events(1)[0]
	if e.Actor != audit.User(a.UserID("grace@example.com")) || e.Details["reason"] != "sends spam to others" ||
		e.Changes["status"] != (audit.Change{From: "active", To: "disabled"}) {
		t.Errorf("the event: %+v", e)
	}
	user.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	a.Bearer(tokens.Access).Get("/-/api/v1/me").WantProblem(401, "bad_token")
	a.Refresh(tokens.Refresh).Want(400)
	a.Bearer(secret).Get("/-/api/v1/me").WantProblem(401, "bad_token")
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401)
	a.Browser().Get("/-/reset?token=" + apptest.Token(link)).Want(410)
	a.RunJobs()
	a.Forget()

	suspend := func(b *apptest.Browser, act string) apptest.Page {
		return b.PostJSON("/-/api/v1/users/"+id+"/"+act, map[string]string{"reason": phoned})
	}
	key := a.Key("users:manage", "flags:*")
	a.Forget()
	suspend(key, "suspend").WantProblem(409, "inactive")
	suspend(key, "reset-password").WantProblem(409, "inactive")
	suspend(key, "verify").WantProblem(409, "inactive")
	suspend(key, "reactivate").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"user.reactivated"}, Jobs: []string{"email.deliver"}})
	suspend(key, "reactivate").WantProblem(409, "not_suspended")
	a.RunJobs()
	if got := a.Mails("ada@example.com")[0].Subject; got != "Your account at Acme works again" {
		t.Errorf("told: %s", got)
	}
	user.Get("/-/api/v1/me").WantProblem(401, "signed_out") // what ended stays ended
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
}

// An address that nobody verified may be somebody else's: no mail goes there.
func TestSuspendingTellsOnlyWhoIsKnown(t *testing.T) {
	t.Parallel()
	a, op, _, _ := support(t)
	a.SignUp("mallory@example.com")
	a.Forget()
	op.Post("/-/admin/users/"+a.UserID("mallory@example.com")+"/suspend", "reason", "sends spam to others").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.suspended"}})
}

func TestVerifyByHand(t *testing.T) {
	t.Parallel()
	a, op, _, _ := support(t)
	first := a.SignUp("bob@example.com")
	a.RunJobs()
	bob := a.Query(`SELECT min(user_id) FROM auth_email WHERE email_norm = 'bob@example.com'`)
	a.SignUp("bob@example.com")
	second := a.Query(`SELECT max(user_id) FROM auth_email WHERE email_norm = 'bob@example.com'`)
	a.RunJobs()
	a.Forget()
	op.Get("/-/admin/users/"+bob).Want(200, "Verify bob@example.com by hand")
	op.Post("/-/admin/users/"+bob+"/verify").Want(200, "The address is verified").Without("by hand")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.superseded", "email.verified"}})
	first.Get("/-/api/v1/me").Want(200, `"email_verified":true`)
	op.Post("/-/admin/users/"+second+"/verify").Want(409, "not active")
	a.ExpectNothing()
}

func TestVerifyByHandTakesNoAddressFromItsOwner(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	a.SignUp("eve@example.com")
	eve := a.UserID("eve@example.com")
	// Eve claims what Ada has verified since.
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		return tx.ExecOne(`UPDATE auth_email SET email = 'ada@example.com', email_norm = 'ada@example.com' WHERE user_id = ?`, eve)
	}))
	a.Forget()
	op.Post("/-/admin/users/"+eve+"/verify").Want(409, "Somebody else has verified this address")
	a.ExpectNothing()
	op.Get("/-/admin/users/" + id).Want(200).Without("by hand")
}

func TestResetLinkGoesToTheUserAlone(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	p := op.Post("/-/admin/users/"+id+"/reset-password").Want(200, "is on its way to the user")
	a.Expect(apptest.Happened{Audit: []string{"password.reset_requested"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
	if strings.Contains(p.Body, "/-/reset?token=") {
		t.Error("the operator sees the link")
	}
	a.RunJobs()
	a.Browser().Post("/-/reset", "token", apptest.Token(a.Link("ada@example.com", "/-/reset")), "password", "a brand new password").Want(200)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "a brand new password").Want(200)
}

func TestOperatorEndsSessions(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	phone := a.Browser()
	phone.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	newest := a.Query(`SELECT max(id) FROM auth_session WHERE user_id = ?`, id)
	a.Forget()
	op.Post("/-/admin/users/"+id+"/sessions", "session", newest).Want(200, "Signed out")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
	phone.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	user.Get("/-/api/v1/me").Want(200)
	op.Post("/-/admin/users/"+id+"/sessions", "session", newest).Want(200) // as was wanted
	a.ExpectNothing()
	// A session of somebody else is none of this user's.
	own := a.Query(`SELECT max(id) FROM auth_session WHERE user_id = ?`, a.UserID("grace@example.com"))
	op.Do("DELETE", "/-/api/v1/users/"+id+"/sessions/"+own, "", "").WantProblem(404, "not_found")
	op.Get("/-/api/v1/me").Want(200)
	op.Do("DELETE", "/-/api/v1/users/"+id+"/sessions", "", "").Want(200, `"revoked":1`)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
	user.Get("/-/api/v1/me").WantProblem(401, "signed_out")
}

func TestResetOfTheSecondFactor(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE auth_device SET trusted_until = ? WHERE user_id = ?`, tx.Now().Add(time.Hour).UnixMilli(), id)
		return err
	}))
	op.Get("/-/admin/users/"+id).Want(200, "Trusted device")
	a.Forget()
	op.Post("/-/admin/users/"+id+"/reset-mfa", "reason", phoned).Want(200, "The user was told by mail").Without("Trusted device")
	a.Expect(apptest.Happened{Audit: []string{"factor.reset"}, Jobs: []string{"email.deliver"}})
	if e := a.Events(1)[0]; e.Details["reason"] != phoned {
		t.Errorf("the event: %+v", e)
	}
}

func TestOperatorsAreMadeAndUnmade(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	grace := a.UserID("grace@example.com")
	make := func(b *apptest.Browser, who, to, typed string) apptest.Page {
		return b.Post("/-/admin/users/"+who+"/operator", "act", "operator", "to", to, "email", typed)
	}
	make(op, id, "operator", "grace@example.com").Want(422, "Type the address of this user")
	make(op, grace, "user", "grace@example.com").Want(409, "last operator")
	op.Post("/-/admin/users/"+grace+"/suspend", "reason", phoned).Want(409, "cannot do this to yourself")
	a.SignUp("bob@example.com")
	a.Forget()
	make(op, a.UserID("bob@example.com"), "operator", "bob@example.com").Want(409, "verified the address")
	a.ExpectNothing()
	make(op, id, "operator", "ADA@example.com").Want(200, "operator")
	a.Expect(apptest.Happened{Audit: []string{"operator.created"}, Rows: map[string]int{"auth_role_binding": 1}})
	user.Get("/-/admin").Want(200)
	make(user, grace, "user", "grace@example.com").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"operator.removed"}, Rows: map[string]int{"auth_role_binding": -1}})
	op.Get("/-/admin").Want(403)
	make(op, id, "user", "ada@example.com").Want(403)
}

// Two operators unmake each other at once, or each suspends the other: one stays.
func TestOneOperatorStays(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(a *apptest.App, email string) error{
		"unmade": func(a *apptest.App, email string) error {
			return a.Auth.UnmakeOperator(t.Context(), a.UserID(email), email)
		},
		"suspended": func(a *apptest.App, email string) error { return a.Auth.Suspend(t.Context(), a.UserID(email), phoned) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.New(t)
			emails := make([]string, 8)
			for i := range emails {
				emails[i] = fmt.Sprintf("op%d@example.com", i)
				_, err := a.Auth.AddOperator(t.Context(), "Op", emails[i], apptest.Password)
				a.Must(err)
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			refused := 0
			for _, email := range emails {
				wg.Go(func() {
					if err := act(a, email); err != nil {
						mu.Lock()
						defer mu.Unlock()
						if refused++; web.AsError(err).Code != "last_operator" {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if refused != 1 {
				t.Errorf("%d were refused, and one has to be", refused)
			}
		})
	}
}

// Somebody who may manage users reaches nobody who may do more, and gets no more
// power by it; and each route asks for its own permission.
func TestPowerOverUsersReachesNobodyAbove(t *testing.T) {
	t.Parallel()
	a, _, _, id := support(t)
	ivy := a.Verified("ivy@example.com")
	a.Grant("ivy@example.com", "console:read", "users:read", "users:manage")
	grace := a.UserID("grace@example.com")
	a.Forget()
	for _, act := range []string{"verify", "reset-password", "suspend", "reset-mfa"} {
		ivy.PostJSON("/-/api/v1/users/"+grace+"/"+act, map[string]string{"reason": phoned}).WantProblem(403, "above_you")
	}
	ivy.Do("DELETE", "/-/api/v1/users/"+grace+"/sessions", "", "").WantProblem(403, "above_you")
	ivy.PostJSON("/-/api/v1/users/"+id+"/operator", map[string]string{"email": "ada@example.com"}).WantProblem(403, "forbidden")
	ivy.PostJSON("/-/api/v1/users/"+a.UserID("ivy@example.com")+"/operator", map[string]string{"email": "ivy@example.com"}).WantProblem(403, "forbidden")
	ivy.PostJSON("/-/api/v1/users/"+id+"/impersonate", map[string]string{"reason": why}).WantProblem(403, "forbidden")
	ivy.Get("/-/admin/orgs").Want(403, "orgs:read")
	ivy.Get("/-/admin/users/"+id).Want(200, "Suspend").Without("Act as this user", "Make this user an operator", "Latest events")
	a.ExpectNothing()

	reader := a.Verified("rita@example.com")
	a.Grant("rita@example.com", "users:read")
	reader.Get("/-/admin/users").Want(403, "console:read") // the console is not hers
	reader.Get("/-/api/v1/users").Want(200, "ada@example.com")
	a.Grant("rita@example.com", "console:read")
	reader.Get("/-/admin/users/"+id).Want(200).Without("Suspend", "Sign out everywhere")
	a.Forget()
	for _, act := range []string{"verify", "reset-password", "sessions", "suspend", "reactivate", "reset-mfa", "operator"} {
		reader.Post("/-/admin/users/"+id+"/"+act, "reason", phoned).Want(403, "users:manage")
		if act != "sessions" {
			reader.PostJSON("/-/api/v1/users/"+id+"/"+act, map[string]string{"reason": phoned}).WantProblem(403, "forbidden")
		}
	}
	reader.Post("/-/admin/users/"+id+"/impersonate", "reason", why).Want(403, "users:impersonate")
	a.ExpectNothing()
	nobody := a.Browser()
	nobody.Get("/-/api/v1/users/"+id).WantProblem(401, "signed_out")
	a.OrgKey("acme", "org:read").Get("/-/api/v1/users").WantProblem(403, "forbidden")
}

func TestFindingPeople(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Operator("grace@example.com")
	add := func(name, email string) string {
		a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": name, "email": email, "password": apptest.Password}).Want(201)
		return a.UserID(email)
	}
	add("Anna Able", "zoe@example.com")
	add("Bob", "anna@example.com")
	add("anna banana", "anna.b@example.com") // by both: once
	add("Zed 100%_", "zed@example.com")
	gone := add("Gone", "gone@example.com")
	a.Must(a.Auth.Suspend(t.Context(), gone, phoned))

	find := func(query string) (emails []string) {
		t.Helper()
		for next := "first"; next != ""; {
			var page struct {
				Users []struct{ Email string }
				Next  string `json:"next_cursor"`
			}
			path := "/-/api/v1/users?limit=1&" + query
			if next != "first" {
				path += "&cursor=" + strings.ReplaceAll(next, " ", "%20")
			}
			op.Get(path).Want(200).JSON(&page)
			for _, u := range page.Users {
				emails = append(emails, u.Email)
			}
			if next = page.Next; len(emails) > 20 {
				t.Fatal("the pages do not end")
			}
		}
		return emails
	}
	for query, want := range map[string]string{
		"":                          "gone@example.com zed@example.com anna.b@example.com anna@example.com zoe@example.com grace@example.com",
		"q=ANNA":                    "zoe@example.com anna.b@example.com anna@example.com",
		"q=anna%40":                 "anna@example.com",
		"q=zed+100%25":              "zed@example.com",
		"q=%25":                     "",
		"q=nobody":                  "",
		"q=" + gone:                 "gone@example.com",
		"q=usr_&only=operators":     "grace@example.com",
		"only=operators":            "grace@example.com",
		"only=disabled":             "gone@example.com",
		"only=active&q=g":           "grace@example.com",
		"only=disabled&q=anna":      "",
		"only=unverified&q=bob":     "anna@example.com",
		"only=unverified":           "zed@example.com anna.b@example.com anna@example.com zoe@example.com grace@example.com",
		"only=superseded":           "",
		"only=active&q=" + gone[:8]: "zed@example.com anna.b@example.com anna@example.com zoe@example.com grace@example.com",
	} {
		got := find(query)
		if want == "" && len(got) == 0 {
			continue
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q:\n  got  %v\n  want %s", query, got, want)
		}
	}
	op.Get("/-/api/v1/users?only=everybody").WantProblem(422, "invalid", "only")
	op.Get("/-/api/v1/users?limit=0").WantProblem(422, "invalid", "limit")
	op.Get("/-/admin/users?q=anna&only=active").Want(200, "zoe@example.com", "anna.b@example.com").Without("zed@example.com")
	op.Get("/-/admin/users?q=nobody").Want(200, "Nobody found")
	op.Get("/-/admin/users?after=garbage&only=whatever").Want(200)
	var detail struct {
		User struct {
			ID, Status string
		}
		Emails []struct{ Email string }
		Orgs   []struct{ Role string }
	}
	op.Get("/-/api/v1/users/" + gone).Want(200).JSON(&detail)
	if detail.User.Status != "disabled" || len(detail.Emails) != 1 || detail.Orgs[0].Role != "owner" {
		t.Errorf("%+v", detail)
	}
	op.Get("/-/api/v1/users/usr_none").WantProblem(404, "not_found")
	op.Get("/-/admin/users/usr_none").Want(404)
}

func TestOperatorInOrgs(t *testing.T) {
	t.Parallel()
	a, op, ada, id := support(t)
	bob := a.Verified("bob@example.com")
	org := a.SharedOrg("bobs", "Bob's boats", map[string]string{"bob@example.com": "rol_owner", "ada@example.com": "rol_member"})
	personal := a.PersonalOrg("ada@example.com")
	bobID := a.UserID("bob@example.com")
	key := a.OrgKey("bobs", "org:read")
	a.RunJobs()
	a.Forget()
	op.Get("/-/admin/orgs?q=bob%27s").Want(200, "Bob's boats")
	op.Get("/-/admin/orgs?only=shared").Want(200, "Bob's boats").Without(personal)
	page := "/-/admin/orgs/" + org
	op.Get(page).Want(200, "bob@example.com", "ada@example.com", "owner", "a test") // the key's name
	ada.Get("/-/org/bobs/audit").Want(403)

	op.Post(page+"/role", "user", id, "role", "rol_admin").Want(200, "another role")
	a.Expect(apptest.Happened{Audit: []string{"member.role_set_by_operator"}})
	if e := a.Events(1)[0]; e.Org != org || e.Changes["role"] != (audit.Change{From: "member", To: "admin"}) {
		t.Errorf("the event: %+v", e)
	}
	ada.Get("/-/org/bobs/audit").Want(200, "set by an operator")
	for body, want := range map[string]string{`{"role":"rol_operator"}`: "invalid", `{"role":"rol_none"}`: "invalid"} {
		var p apptest.Problem
		op.Do("PUT", "/-/api/v1/admin/orgs/"+org+"/members/"+id, "application/json", body).Want(422).JSON(&p)
		if p.Code != want {
			t.Errorf("%s: %+v", body, p)
		}
	}
	op.Post(page+"/role", "user", bobID, "role", "rol_member").Want(409, "only owner")
	op.Post(page+"/remove", "user", bobID).Want(409, "only owner")
	op.Post(page+"/remove", "user", a.UserID("grace@example.com")).Want(404)
	op.Post("/-/admin/orgs/"+personal+"/remove", "user", id).Want(409, "personal org")
	op.Post("/-/admin/orgs/"+personal+"/close", "confirm", a.Query(`SELECT slug FROM auth_org WHERE id = ?`, personal), "reason", phoned).Want(409, "personal org")
	op.Post(page+"/close", "confirm", "bob", "reason", phoned).Want(422, "Type the slug")
	a.ExpectNothing()

	op.Post(page+"/remove", "user", id).Want(200, "taken out")
	a.Expect(apptest.Happened{Audit: []string{"member.removed_by_operator"}, Rows: map[string]int{"auth_membership": -1, "auth_role_binding": -1}})
	ada.Get("/-/org/bobs/audit").Want(404)

	op.Post(page+"/close", "confirm", "bobs", "reason", phoned).Want(200, "closed")
	a.Expect(apptest.Happened{Audit: []string{"org.closed_by_operator"}})
	bob.Get("/-/org/bobs/audit").Want(404)
	key.Get("/-/api/v1/me").WantProblem(401, "bad_token")
	op.Get("/-/admin/orgs?only=deleted").Want(200, "Bob's boats")
	op.Post(page+"/reopen").Want(200, "open again")
	a.Expect(apptest.Happened{Audit: []string{"org.reopened_by_operator"}})
	bob.Get("/-/org/bobs/audit").Want(200)

	var list struct {
		Orgs []struct {
			ID      string `json:"id"`
			Members int    `json:"members"`
		} `json:"orgs"`
	}
	op.Get("/-/api/v1/admin/orgs?q=bobs").Want(200).JSON(&list)
	if len(list.Orgs) != 1 || list.Orgs[0].ID != org || list.Orgs[0].Members != 1 {
		t.Errorf("%+v", list)
	}
	reader := a.Key("orgs:read")
	reader.Get("/-/api/v1/admin/orgs/"+org).Want(200, bobID)
	reader.PostJSON("/-/api/v1/admin/orgs/"+org+"/close", map[string]string{"confirm": "bobs", "reason": phoned}).WantProblem(403, "forbidden")
	raw, err := json.Marshal(map[string]string{"role": "rol_admin"})
	a.Must(err)
	reader.Do("PUT", "/-/api/v1/admin/orgs/"+org+"/members/"+bobID, "application/json", string(raw)).WantProblem(403, "forbidden")
}

// What operators do in an org is what its owners do, with all that follows.
func TestOperatorsActsHaveTheirConsequences(t *testing.T) {
	t.Parallel()
	a, op, ada, id := support(t)
	bob := a.Verified("bob@example.com")
	a.Verified("eve@example.com")
	org := a.SharedOrg("bobs", "Bob's boats", map[string]string{"bob@example.com": "rol_owner", "eve@example.com": "rol_owner", "ada@example.com": "rol_admin"})
	for _, b := range []*apptest.Browser{ada, bob} {
		b.Do("POST", "/-/api/v1/orgs/"+org+"/switch", "", "").Want(200)
	}
	ada.PostJSON("/-/api/v1/orgs/"+org+"/invitations", map[string]string{"email": "zoe@example.com", "role": "rol_member"}).Want(201)
	a.RunJobs()
	a.Forget()
	page := "/-/admin/orgs/" + org

	// An owner who cannot sign in is none.
	write(a, `UPDATE auth_user SET status = 'disabled' WHERE id = ?`, a.UserID("eve@example.com"))
	op.Post(page+"/remove", "user", a.UserID("bob@example.com")).Want(409, "only owner")
	op.Post(page+"/role", "user", a.UserID("bob@example.com"), "role", "rol_member").Want(409, "only owner")
	a.ExpectNothing()

	// What a member had invited to ends with his role, and his browser goes home.
	op.Post(page+"/role", "user", id, "role", "rol_member").Want(200, "another role")
	a.Expect(apptest.Happened{Audit: []string{"member.role_set_by_operator", "invitation.revoked"}})
	ada.Get("/-/api/v1/me").Want(200, org)
	op.Post(page+"/remove", "user", id).Want(200, "taken out")
	ada.Get("/-/api/v1/me").Want(200, a.PersonalOrg("ada@example.com")).Without(org)

	op.Post(page+"/close", "confirm", "bobs", "reason", phoned).Want(200, "closed")
	bob.Get("/-/api/v1/me").Want(200, a.PersonalOrg("bob@example.com")).Without(org)
	op.Post(page+"/reopen").Want(200, "open again")
	bob.Do("POST", "/-/api/v1/orgs/"+org+"/switch", "", "").Want(200)
}
