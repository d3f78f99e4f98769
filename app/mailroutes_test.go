package app_test

import (
	"strconv"
	"strings"

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

// driveMail are the mutating routes of feedback, suppressions, categories and consent.
func driveMail(a *apptest.App, m *apptest.MailProviders) map[string]func() {
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
