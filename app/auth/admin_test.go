package auth_test

import (
	"strings"
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
