package auth_test

import (
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

// Attack 7: there is no way to a new password but by an unused link.
func TestAttack7ResetNeedsItsToken(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	asker, _ := ask(a, "ada@example.com")
	link := linkIn(a, "ada@example.com")
	a.Forget()
	for _, token := range []string{"", link, asker.Cookie("seaworthy_sign_in"), strings.Repeat("A", 43)} {
		b := a.Browser()
		for _, path := range []string{"/-/reset?token=" + token, "/-/reset?step=password&token=" + token, "/-/reset?token=" + token + "&email=ada@example.com"} {
			if p := b.Get(path); p.Status != 410 || strings.Contains(p.Body, "new-password") {
				t.Errorf("%s shows a form: %d", path, p.Status)
			}
		}
		b.Post("/-/reset", "token", token, "password", newPassword).Want(410)
		b.Post("/-/reset", "token", token, "password", newPassword, "email", "ada@example.com").Want(400)
	}
	a.ExpectNothing()
}

// Attack 24: nobody makes his own address verified.
func TestAttack24VerifiedIsNotSelfSet(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Forget()
	for _, field := range []string{"email_verified", "verified", "verified_at", "status", "role", "permissions", "epoch"} {
		b.Do("POST", "/-/api/v1/signup", "application/json", `{"name":"M","email":"m@example.com","password":"`+apptest.Password+`","`+field+`":"1"}`).WantProblem(400, "bad_field", field)
		b.Post("/-/signup", "name", "M", "email", "m@example.com", "password", apptest.Password, field, "1").Want(400)
		b.Do("PUT", "/-/api/v1/password", "application/json", `{"current_password":"`+apptest.Password+`","password":"`+newPassword+`","`+field+`":"1"}`).WantProblem(400, "bad_field", field)
		b.Post("/-/login/email", "email", "ada@example.com", field, "1").Want(400)
	}
	a.ExpectNothing()
}

// A session that an attacker plants before a sign-in is not the one after it.
func TestPlantedSessionsAreNotAdopted(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	mallory := a.Verified("mallory@example.com")
	planted := mallory.Cookie("seaworthy_session")
	for name, in := range map[string]func(b *apptest.Browser){
		"password": func(b *apptest.Browser) {
			b.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
		},
		"code": func(b *apptest.Browser) {
			b.Post("/-/login/email", "email", "ada@example.com").Want(200)
			a.RunJobs()
			b.Post("/-/login/email/code", "code", apptest.Code(a.Mails("ada@example.com")[0])).Want(200)
		},
		"link": func(b *apptest.Browser) {
			b.Post("/-/login/email", "email", "ada@example.com").Want(200)
			a.RunJobs()
			b.Post("/-/login/email/link", "token", linkIn(a, "ada@example.com"), "act", "confirm").Want(200)
		},
	} {
		for _, cookie := range []string{planted, strings.Repeat("A", 43)} {
			victim := a.Browser()
			victim.SetCookie("seaworthy_session", cookie)
			in(victim)
			if victim.Cookie("seaworthy_session") == cookie {
				t.Errorf("%s: the planted cookie became the session", name)
			}
			victim.Get("/-/api/v1/me").Want(200, "ada@example.com")
			thief := a.Browser()
			thief.SetCookie("seaworthy_session", cookie)
			if p := thief.Get("/-/api/v1/me"); p.Status != 401 {
				t.Errorf("%s: whoever planted the cookie is signed in: %d %s", name, p.Status, p.Body)
			}
		}
		mallory.Post("/-/login", "email", "mallory@example.com", "password", apptest.Password).Want(200)
		planted = mallory.Cookie("seaworthy_session")
	}
}
