package app_test

import (
	"strconv"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/store"
)

// mailOf sends a mail of a category that is made for it, and returns its unsubscribe
// link's path.
func mailOf(a *apptest.App, to, category string) string {
	a.T.Helper()
	a.Key("email:manage").Do("PUT", "/-/api/v1/email/categories/"+category, "application/json", `{"title":"Product news","description":"What is new, once a month.","kind":"product"}`)
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		_, err := a.Email.Send(tx, email.Message{To: to, Template: "email/consent", Category: category,
			Vars: map[string]string{"Title": "t", "Description": "d", "URL": "https://example.com/"}})
		return err
	}))
	a.RunJobs()
	for _, h := range a.Mails(to)[0].Headers {
		if h.Name == "List-Unsubscribe" {
			return strings.TrimPrefix(strings.Trim(h.Value, "<>"), a.URL)
		}
	}
	a.T.Fatal("no List-Unsubscribe")
	return ""
}

// driveMailFeedback are the mutating routes of feedback, suppressions, categories and consent.
func driveMailFeedback(a *apptest.App, m *apptest.MailProviders) map[string]func() {
	n := 0
	next := func() string { n++; return "mail" + strconv.Itoa(n) + "@example.com" }
	var manager *apptest.Browser
	api := func() *apptest.Browser {
		if manager == nil {
			manager = a.Key("email:read", "email:manage")
		}
		return manager
	}
	const suppressions, pages = "/-/api/v1/email/suppressions", "/-/admin/email/suppressions"
	held := func() string {
		var p struct{ ID string }
		api().PostJSON(suppressions, map[string]string{"address": next()}).Want(201).JSON(&p)
		return p.ID
	}
	type object = map[string]any
	return map[string]func(){
		"POST /-/webhooks/postmark": func() {
			m.Postmark(a, object{"RecordType": "SpamComplaint", "ID": 1, "Type": "SpamComplaint", "MessageID": "x", "Email": next()}).Want(200)
		},
		"POST /-/webhooks/sendgrid": func() {
			m.SendGrid(a, []object{{"event": "spamreport", "email": next(), "sg_event_id": "x"}}).Want(200)
		},
		"POST /-/webhooks/ses": func() {
			m.SES(a, m.Sign(m.Envelope("sns", object{"eventType": "Complaint", "complaint": object{"complainedRecipients": []object{{"emailAddress": next()}}}}))).Want(200)
		},
		"POST /-/unsubscribe/{token}": func() { a.Browser().Post(mailOf(a, next(), "news"), "act", "off").Want(200) },
		"POST /-/consent/{token}": func() {
			to := next()
			mailOf(a, "other@example.com", "asked")
			api().PostJSON("/-/api/v1/email/consents", object{"address": to, "category": "asked", "given": true, "double_opt_in": true}).Want(201)
			a.RunJobs()
			a.Browser().Post(a.Link(to, "/-/consent/")).Want(200)
		},
		"POST /-/account/notifications": func() {
			mailOf(a, next(), "notified")
			a.Verified("notified@example.com").Post("/-/account/notifications", "act", "all").Want(200)
		},
		"POST " + suppressions:             func() { held() },
		"POST " + suppressions + "/import": func() { api().Do("POST", suppressions+"/import", "text/plain", next()).Want(200) },
		"GET " + suppressions + "/export":  func() { api().Get(suppressions + "/export").Want(200) },
		"POST " + suppressions + "/{id}/lift": func() {
			api().PostJSON(suppressions+"/"+held()+"/lift", object{"reason": "the mailbox works again"}).Want(200)
		},
		"POST " + pages: func() {
			operator(a).Post(pages, "act", "add", "address", next(), "scope", "all", "category", "").Want(200)
		},
		"POST " + pages + "/import": func() { operator(a).Post(pages+"/import", "act", "import", "addresses", next()).Want(200) },
		"POST " + pages + "/{id}/lift": func() {
			operator(a).Post(pages+"/"+held()+"/lift", "act", "lift", "reason", "the mailbox works again").Want(200)
		},
		"PUT /-/api/v1/email/categories/{key}": func() {
			api().Do("PUT", "/-/api/v1/email/categories/tips", "application/json", `{"title":"Tips","description":"How to.","kind":"product"}`).Want(201)
		},
		"POST /-/admin/email/categories": func() {
			operator(a).Post("/-/admin/email/categories", "key", "events", "title", "Events", "description", "Where we meet.", "kind", "marketing", "needs_consent", "on").Want(200)
		},
		"POST /-/api/v1/email/link-keys/rotate": func() { api().PostJSON("/-/api/v1/email/link-keys/rotate", nil).Want(200) },
		"POST /-/api/v1/email/consents": func() {
			mailOf(a, "other@example.com", "said")
			api().PostJSON("/-/api/v1/email/consents", object{"address": next(), "category": "said", "given": false}).Want(201)
		},
	}
}

// The page of a user says when mail to the address is held back, to those who may
// see mail.
func TestUserPageTellsOfSuppressions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace, ada := a.Operator("grace@example.com"), a.Verified("ada@example.com")
	a.Verified("bob@example.com")
	page := "/-/admin/users/" + a.UserID("bob@example.com")
	grace.Get(page).Want(200).Without("Not every mail goes to")
	a.Key("email:manage").PostJSON("/-/api/v1/email/suppressions", map[string]string{"address": "Bob@example.com"}).Want(201)
	grace.Get(page).Want(200, "Not every mail goes to bob@example.com: all mail (manual)")
	a.Grant("ada@example.com", "console:read", "users:read")
	ada.Get(page).Want(200).Without("Not every mail goes to")
}

// What people do with suppressions in the console: each needs its permission, and a
// form that is refused says what is wrong and keeps what was typed.
func TestConsoleOfSuppressions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace, ada := a.Operator("grace@example.com"), a.Verified("ada@example.com")
	const base = "/-/admin/email/suppressions"
	ada.Get(base).Want(403)
	a.Grant("ada@example.com", "email:read")
	ada.Get(base).Want(403, "console:read")
	a.Grant("ada@example.com", "console:read")
	ada.Get(base).Want(200, "Every address gets its mail").Without("Suppress the address")
	a.Forget()
	ada.Post(base, "act", "add", "address", "x@example.com", "scope", "all").Want(403)
	grace.Post(base, "act", "add", "address", "nobody", "scope", "category", "category", "No Key").Want(422, "Write one email address", "Name a category", `value="nobody"`)
	grace.Post(base+"/import", "act", "import", "addresses", "nothing here").Want(422, "There is no address in this list", "nothing here</textarea>")
	a.ExpectNothing()
	grace.Post(base, "act", "add", "address", "x@example.com", "scope", "all", "category", "left over").Want(200, "The address is suppressed", "x@example.com")
	grace.Post(base, "act", "add", "address", "x@example.com", "scope", "all").Want(200, "was suppressed already")
	a.Expect(apptest.Happened{Audit: []string{"email.suppressed"}, Rows: map[string]int{"email_suppression": 1}})
	grace.Post(base+"/import", "act", "import", "addresses", "y@example.com\nx@example.com\nwrong").Want(200, "1 added, 1 suppressed already, 1 were no addresses")
	one := base + "/" + a.Query(`SELECT id FROM email_suppression WHERE address = 'x@example.com'`)
	a.Forget()
	grace.Post(one+"/lift", "act", "lift", "reason", "short").Want(422, "At least 10 characters", `value="short"`)
	ada.Post(one+"/lift", "act", "lift", "reason", "the mailbox works again").Want(403)
	a.ExpectNothing()
	grace.Post(one+"/lift", "act", "lift", "reason", "the mailbox works again").Want(200, "The suppression is lifted").Without("x@example.com")
	a.Expect(apptest.Happened{Audit: []string{"email.suppression_lifted"}})
	grace.Get(base+"?lifted=1").Want(200, "x@example.com")
	grace.Get(one).Want(200, "the mailbox works again").Without("Lift this suppression")
	grace.Get(base+"?q=Y@").Want(200, "y@example.com")
	grace.Get(base + "/sup_nothing").Want(404)
}
