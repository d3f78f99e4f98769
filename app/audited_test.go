package app_test

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
	"seaworthy/app/config"
)

// Every mutating route is driven once to success, so that what it declares to
// audit is held against what it wrote (apptest checks each request).
func TestEveryMutatingRouteAudits(t *testing.T) {
	t.Parallel()
	mailers := apptest.NewMailProviders(t)
	stripe := apptest.NewStripe()
	copies := t.TempDir()
	a := apptest.New(t, apptest.WithoutLimits, mailers.Configure, apptest.Selling(stripe),
		func(c *config.Config, _ *app.Options) { c.Copies, c.CopiesDays = copies, 30 })
	token := func(to, part string) string { return apptest.Token(a.Link(to, part)) }
	drive := map[string]func(){
		"POST /-/signup": func() { a.SignUp("form@example.com") },
		"POST /-/api/v1/apply": func() {
			a.Key("payments:manage").Do("POST", "/-/api/v1/apply", "application/yaml", "plans:\n  items:\n    applied: {kind: plan, name: Applied}\n").Want(200)
		},
		"POST /-/api/v1/signup": func() {
			a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": "A", "email": "api@example.com", "password": apptest.Password}).Want(201)
		},
		"POST /-/verify":        func() { a.Verified("verify@example.com") },
		"POST /-/verify/resend": func() { a.SignUp("resend@example.com").Post("/-/verify/resend").Want(200) },
		"POST /-/login": func() {
			a.SignUp("login@example.com")
			a.Browser().Post("/-/login", "email", "login@example.com", "password", apptest.Password).Want(200)
		},
		"POST /-/logout": func() { a.SignUp("logout@example.com").Post("/-/logout").Want(200) },
		"POST /-/forgot": func() { a.Browser().Post("/-/forgot", "email", "form@example.com").Want(200) },
		"POST /-/reset": func() {
			a.SignUp("reset@example.com")
			a.Browser().Post("/-/forgot", "email", "reset@example.com").Want(200)
			a.RunJobs()
			a.Browser().Post("/-/reset", "token", token("reset@example.com", "/-/reset"), "password", "a brand new password").Want(200)
		},
		"POST /-/setup": func() { a.Operator("op@example.com") },
		"POST /-/api/v1/login": func() {
			a.SignUp("program@example.com")
			a.SignInProgram("program@example.com")
		},
		"POST /-/oauth2/revoke": func() {
			a.SignUp("revoke@example.com")
			a.Browser().Post("/-/oauth2/revoke", "token", a.SignInProgram("revoke@example.com").Refresh).Want(200)
		},
		"POST /-/account/sessions/revoke": func() {
			a.SignUp("devices@example.com").Post("/-/account/sessions/revoke", "which", "all").Want(200)
		},
		"POST /-/login/email": func() { a.Browser().Post("/-/login/email", "email", "form@example.com").Want(200) },
		"POST /-/login/email/link": func() {
			byMail(a, func(b *apptest.Browser, mail apptest.Mail) {
				b.Post("/-/login/email/link", "token", apptest.Token(a.Link("bymail@example.com", "/-/login/email")), "act", "confirm").Want(200)
			})
		},
		"POST /-/login/email/code": func() {
			byMail(a, func(b *apptest.Browser, mail apptest.Mail) {
				b.Post("/-/login/email/code", "code", apptest.Code(mail)).Want(200)
			})
		},
		"POST /-/api/v1/login/email": func() {
			a.Browser().PostJSON("/-/api/v1/login/email", map[string]string{"email": "form@example.com"}).Want(202)
		},
		"POST /-/api/v1/login/email/code": func() {
			a.SignUp("codeapi@example.com")
			var asked struct {
				Token string `json:"login_token"`
			}
			a.Browser().PostJSON("/-/api/v1/login/email", map[string]string{"email": "codeapi@example.com"}).Want(202).JSON(&asked)
			a.RunJobs()
			a.Browser().PostJSON("/-/api/v1/login/email/code", map[string]string{"login_token": asked.Token, "code": apptest.Code(a.Mails("codeapi@example.com")[0])}).Want(200)
		},
		"POST /-/account/password": func() {
			a.SignUp("change@example.com").Post("/-/account/password", "current_password", apptest.Password, "password", "a brand new password").Want(200)
		},
		"PUT /-/api/v1/password": func() {
			a.SignUp("changeapi@example.com").Do("PUT", "/-/api/v1/password", "application/json", `{"current_password":"`+apptest.Password+`","password":"a brand new password"}`).Want(204)
		},
		"POST /-/confirm": func() { a.SignUp("confirm@example.com").Post("/-/confirm", "password", apptest.Password).Want(200) },
		"POST /-/api/v1/confirm": func() {
			a.SignUp("confirmapi@example.com").PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
		},
		"POST /-/login/mfa": func() {
			seed, _ := a.SetUpTOTP(a.Verified("mfa@example.com"))
			second(a, "mfa@example.com").Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200)
		},
		"POST /-/login/mfa/text": func() {
			withPhone(a, "mfatext@example.com")
			second(a, "mfatext@example.com").Post("/-/login/mfa/text").Want(200)
		},
		"POST /-/api/v1/login/mfa": func() {
			seed, _ := a.SetUpTOTP(a.Verified("mfaapi@example.com"))
			a.Browser().PostJSON("/-/api/v1/login/mfa", map[string]string{"mfa_token": secondToken(a, "mfaapi@example.com"), "method": "totp", "code": a.TOTP(seed)}).Want(200)
		},
		"POST /-/api/v1/login/mfa/text": func() {
			withPhone(a, "mfatextapi@example.com")
			a.Browser().PostJSON("/-/api/v1/login/mfa/text", map[string]string{"mfa_token": secondToken(a, "mfatextapi@example.com")}).Want(204)
		},
		"POST /-/account/security/factors": func() {
			a.SignUp("begin@example.com").Post("/-/account/security/factors", "kind", "totp").Want(200)
		},
		"POST /-/account/security/factors/{id}/confirm": func() { withPhone(a, "enrol@example.com") },
		"POST /-/account/security/factors/{id}/text": func() {
			b := a.SignUp("textagain@example.com")
			b.Post(b.Post("/-/account/security/factors", "kind", "sms", "phone", "+491701230001").Want(200).Path + "/text").Want(200)
		},
		"POST /-/account/security/factors/{id}/remove": func() {
			b, id := withPhone(a, "remove@example.com")
			b.Post("/-/account/security/factors/" + id + "/remove").Want(200)
		},
		"POST /-/account/security/recovery": func() {
			b, _ := withPhone(a, "codes@example.com")
			b.Post("/-/account/security/recovery").Want(200)
		},
		"POST /-/account/devices/forget": func() { a.SignUp("forget@example.com").Post("/-/account/devices/forget").Want(200) },
		"POST /-/api/v1/factors":         func() { a.SetUpTOTP(a.SignUp("beginapi@example.com")) },
		"POST /-/api/v1/factors/{id}/confirm": func() {
			a.SetUpTOTP(a.SignUp("enrolapi@example.com"))
		},
		"POST /-/api/v1/factors/{id}/text": func() {
			b := a.SignUp("textagainapi@example.com")
			var begun struct{ ID string }
			b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "sms", "phone": "+491701230002"}).Want(201).JSON(&begun)
			b.PostJSON("/-/api/v1/factors/"+begun.ID+"/text", nil).Want(204)
		},
		"DELETE /-/api/v1/factors/{id}": func() {
			b, id := withPhone(a, "removeapi@example.com")
			b.Do("DELETE", "/-/api/v1/factors/"+id, "", "").Want(204)
		},
		"POST /-/api/v1/recovery-codes": func() {
			b, _ := withPhone(a, "codesapi@example.com")
			b.PostJSON("/-/api/v1/recovery-codes", nil).Want(200)
		},
		"DELETE /-/api/v1/trusted-devices/{id}": func() {
			seed, _ := a.SetUpTOTP(a.Verified("trust@example.com"))
			b := second(a, "trust@example.com")
			b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed), "trust", "on").Want(200)
			b.Do("DELETE", "/-/api/v1/trusted-devices/"+a.Query(`SELECT id FROM auth_device WHERE trusted_until IS NOT NULL`), "", "").Want(204)
		},
		"POST /-/confirm/code": func() {
			b, _ := withPhone(a, "code@example.com")
			b.Post("/-/confirm/code", "method", "sms").Want(200)
		},
		"POST /-/api/v1/confirm/code": func() {
			b, _ := withPhone(a, "codeapi@example.com")
			b.PostJSON("/-/api/v1/confirm/code", map[string]string{"method": "sms"}).Want(204)
		},
		"DELETE /-/api/v1/sessions": func() {
			a.SignUp("sessions@example.com").Do("DELETE", "/-/api/v1/sessions?which=all", "", "").Want(200)
		},
		"DELETE /-/api/v1/sessions/{id}": func() {
			b := a.SignUp("session@example.com")
			b.Do("DELETE", "/-/api/v1/sessions/"+a.Query(`SELECT max(id) FROM auth_session`), "", "").Want(204)
		},

		"GET /-/login/{provider}/callback": func() { byProvider(a, a.Browser(), "/-/login/standin", "callback@gmail.com") },
		"POST /-/account/security/identities/unlink": func() {
			b := a.SignUp("unlink@example.com")
			byProvider(a, b, "/-/account/security/identities/standin/link", "unlink@gmail.com")
			b.Post("/-/account/security/identities/unlink", "id", a.Query(`SELECT max(id) FROM auth_identity`)).Want(200)
		},
		"DELETE /-/api/v1/identities/{id}": func() {
			b := a.SignUp("unlinkapi@example.com")
			byProvider(a, b, "/-/account/security/identities/standin/link", "unlinkapi@gmail.com")
			b.Do("DELETE", "/-/api/v1/identities/"+a.Query(`SELECT max(id) FROM auth_identity`), "", "").Want(204)
		},

		"POST /-/account/profile": func() { a.SignUp("profile@example.com").Post("/-/account/profile", "name", "B").Want(200) },
		"PATCH /-/api/v1/me": func() {
			a.SignUp("patch@example.com").Do("PATCH", "/-/api/v1/me", "application/json", `{"name":"B"}`).Want(200)
		},
		"POST /-/account/email": func() { askEmail(a, "email@example.com", "email2@example.com") },
		"POST /-/account/email/resend": func() {
			askEmail(a, "again@example.com", "again2@example.com").Post("/-/account/email/resend").Want(200)
		},
		"POST /-/account/email/cancel": func() {
			askEmail(a, "cancel@example.com", "cancel2@example.com").Post("/-/account/email/cancel").Want(200)
		},
		"POST /-/api/v1/me/email": func() {
			a.SignUp("emailapi@example.com").PostJSON("/-/api/v1/me/email", map[string]string{"email": "emailapi2@example.com"}).Want(202)
		},
		"DELETE /-/api/v1/me/email": func() {
			askEmail(a, "drop@example.com", "drop2@example.com").Do("DELETE", "/-/api/v1/me/email", "", "").Want(204)
		},
		"POST /-/account/email/confirm": func() { moveEmail(a, "old@example.com", "new@example.com") },
		"POST /-/account/email/undo": func() {
			moveEmail(a, "undo@example.com", "undo2@example.com")
			a.Browser().Post("/-/account/email/undo", "token", token("undo@example.com", "/email/undo")).Want(200)
		},
		"POST /-/account/delete": func() {
			a.SignUp("delete@example.com").Post("/-/account/delete", "confirm", "delete@example.com").Want(200)
		},
		"DELETE /-/api/v1/me": func() { a.SignUp("deleteapi@example.com").Do("DELETE", "/-/api/v1/me", "", "").Want(202) },
		"POST /-/account/keep": func() {
			a.SignUp("keep@example.com").Do("DELETE", "/-/api/v1/me", "", "").Want(202)
			a.RunJobs()
			a.Browser().Post("/-/account/keep", "token", token("keep@example.com", "/-/account/keep")).Want(200)
		},
		"POST /-/api/v1/me/keep": func() {
			a.SignUp("keepapi@example.com").Do("DELETE", "/-/api/v1/me", "", "").Want(202)
			a.RunJobs()
			a.Browser().PostJSON("/-/api/v1/me/keep", map[string]string{"keep_token": token("keepapi@example.com", "/-/account/keep")}).Want(204)
		},
		"POST /-/account/export":    func() { a.SignUp("export@example.com").Post("/-/account/export").Want(200) },
		"POST /-/api/v1/me/exports": func() { a.SignUp("exportapi@example.com").PostJSON("/-/api/v1/me/exports", nil).Want(202) },

		"POST /-/api/v1/audit/events": func() {
			a.Key("audit:write").PostJSON("/-/api/v1/audit/events", map[string]any{"action": "invoice.deleted", "actor": map[string]string{"type": "user", "id": "7"}}).Want(201)
		},
		"POST /-/api/v1/audit/erasures": func() {
			erase(a, func(subject string) {
				a.Key("audit:manage").PostJSON("/-/api/v1/audit/erasures", map[string]string{"subject": subject}).Want(200)
			})
		},
		"POST /-/api/v1/audit/exports": func() {
			a.Key("audit:read").PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202)
		},
		"POST /-/org/{slug}/audit/exports":   func() { owner(a).Post(orgOf(a)+"/audit/exports", "format", "csv").Want(200) },
		"POST /-/org/{slug}/audit/retention": func() { owner(a).Post(orgOf(a)+"/audit/retention", "keep_days", "90").Want(200) },
		"POST /-/admin/audit/exports":        func() { operator(a).Post("/-/admin/audit/exports", "format", "csv").Want(200) },
		"POST /-/admin/audit/retention":      func() { operator(a).Post("/-/admin/audit/retention", "keep_days", "365").Want(200) },
		"POST /-/admin/audit/verify":         func() { operator(a).Post("/-/admin/audit/verify").Want(200) },
		"POST /-/admin/audit/erase": func() {
			erase(a, func(subject string) {
				operator(a).Post("/-/admin/audit/erase", "subject", subject, "confirm", subject).Want(200)
			})
		},
	}
	maps.Copy(drive, adminDrives(a))
	maps.Copy(drive, driveOrgs(a))
	maps.Copy(drive, driveJobs(a))
	maps.Copy(drive, driveJobPages(a))
	maps.Copy(drive, driveFlags(a))
	maps.Copy(drive, driveMailTemplates(t, a))
	maps.Copy(drive, driveSending(t, a))
	maps.Copy(drive, driveAccess(t, a))
	maps.Copy(drive, driveBackups(a))
	maps.Copy(drive, driveLaunch(a))
	maps.Copy(drive, driveWelcome(a))
	maps.Copy(drive, driveMail(a))
	maps.Copy(drive, driveErrors(a))
	maps.Copy(drive, drivePerformance(a))
	maps.Copy(drive, driveAlerts(a))
	maps.Copy(drive, driveBilling(a, stripe))
	buyer := func(name string) *apptest.Browser {
		b := a.SignUp(name + "@money.example")
		sellingTo(a, stripe, a.PersonalOrg(name+"@money.example"))
		return b
	}
	maps.Copy(drive, driveChanges(a, stripe, buyer))
	maps.Copy(drive, driveCustomers(a, stripe, buyer))
	maps.Copy(drive, driveMailFeedback(a, mailers))
	for _, route := range a.Web.Routes() {
		name := route.Method + " " + route.Pattern
		if !route.Mutates() || route.Exempt != "" {
			continue
		}
		if len(route.Audit) == 0 || drive[name] == nil {
			t.Errorf("%s declares no audit action, or nothing here drives it", name)
			continue
		}
		before := a.Events(1)
		drive[name]()
		wrote := false
		for _, e := range a.Events(50) {
			for _, declared := range route.Audit {
				wrote = wrote || (string(e.Action) == declared || declared == "*") && (len(before) == 0 || e.Seq > before[0].Seq)
			}
		}
		if !wrote {
			t.Errorf("%s wrote none of %v", name, route.Audit)
		}
	}
}

// byProvider goes to the stand-in provider and back.
func byProvider(a *apptest.App, b *apptest.Browser, path, email string) {
	a.T.Helper()
	_, to, _ := strings.Cut(b.Post(path).Want(200).Header.Get("Refresh"), "url=")
	u, err := url.Parse(to)
	a.Must(err)
	there, err := a.StandIn.Grant(standin.AskOf(u.Query()), standin.Person{Name: "Ada", Email: email, Verified: true})
	a.Must(err)
	b.Get(strings.TrimPrefix(there, a.URL)).Want(200)
}

// byMail signs somebody in by mail, up to the mail.
func byMail(a *apptest.App, then func(b *apptest.Browser, mail apptest.Mail)) {
	a.T.Helper()
	if a.Query(`SELECT count(*) FROM auth_email WHERE email_norm = ?`, "bymail@example.com") == "0" {
		a.SignUp("bymail@example.com")
	}
	b := a.Browser()
	b.Post("/-/login/email", "email", "bymail@example.com").Want(200)
	a.RunJobs()
	then(b, a.Mails("bymail@example.com")[0])
}

// owner is somebody who owns an org, operator somebody who may do everything;
// both sign in anew.
func owner(a *apptest.App) *apptest.Browser    { return signedIn(a, "form@example.com") }
func operator(a *apptest.App) *apptest.Browser { return signedIn(a, "op@example.com") }

func signedIn(a *apptest.App, email string) *apptest.Browser {
	a.T.Helper()
	b := a.Browser()
	b.Post("/-/login", "email", email, "password", apptest.Password).Want(200)
	return b
}

// second is a browser that has proved the first step of a sign-in, secondToken
// what a program has then.
func second(a *apptest.App, email string) *apptest.Browser {
	a.T.Helper()
	b := a.Browser()
	b.Post("/-/login", "email", email, "password", apptest.Password).Want(200, "Second step")
	return b
}

func secondToken(a *apptest.App, email string) string {
	a.T.Helper()
	var r struct {
		Token string `json:"mfa_token"`
	}
	a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": email, "password": apptest.Password}).Want(200).JSON(&r)
	return r.Token
}

// withPhone is somebody new whose second step is a phone, with its id.
func withPhone(a *apptest.App, email string) (b *apptest.Browser, id string) {
	a.T.Helper()
	b = a.Verified(email)
	number := fmt.Sprintf("+49170%07d", a.Count("sms_message"))
	p := b.Post("/-/account/security/factors", "kind", "sms", "phone", number).Want(200)
	a.RunJobs()
	b.Post(p.Path+"/confirm", "code", a.Texts(number)[0].Body[:6]).Want(200)
	return b, path.Base(p.Path)
}

// askEmail has somebody new ask for another address.
func askEmail(a *apptest.App, from, to string) *apptest.Browser {
	a.T.Helper()
	b := a.Verified(from)
	b.Post("/-/account/email", "email", to).Want(200)
	a.RunJobs()
	return b
}

// moveEmail has somebody new change the address, and the old one told.
func moveEmail(a *apptest.App, from, to string) {
	a.T.Helper()
	b := askEmail(a, from, to)
	b.Post("/-/account/email/confirm", "token", apptest.Token(a.Link(to, "/email/confirm")), "act", "confirm").Want(200)
	a.RunJobs()
}

// orgOf is the path of the owner's org.
func orgOf(a *apptest.App) string {
	return "/-/org/" + a.Query(`SELECT slug FROM auth_org WHERE id = ?`, a.PersonalOrg("form@example.com"))
}

// erase has somebody's personal data erased who has some in the log.
func erase(a *apptest.App, act func(subject string)) {
	a.T.Helper()
	email := "gone" + strconv.Itoa(a.Count("auth_user")) + "@example.com"
	a.SignUp(email)
	act("user:" + a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, email))
}
