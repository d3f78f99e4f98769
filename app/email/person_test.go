package email_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/store"
)

// anywhere are the columns of mail's tables in which a text stands.
func anywhere(a *apptest.App, text string) (found []string) {
	a.T.Helper()
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) error {
		columns, err := store.All(tx, func(r store.Scanner) (c [2]string, err error) { return c, r.Scan(&c[0], &c[1]) },
			`SELECT m.name, p.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name LIKE 'email_%' AND m.name NOT IN ('email_inbox', 'email_inbox_body')`)
		for _, c := range columns {
			var n int
			if err == nil {
				err = tx.QueryRow(fmt.Sprintf(`SELECT count(*) FROM %s WHERE instr(CAST(%s AS TEXT), ?) > 0`, c[0], c[1]), text).Scan(&n)
			}
			if n > 0 {
				found = append(found, c[0]+"."+c[1])
			}
		}
		return err
	}))
	return found
}

// An account that is erased takes its person out of everything mail keeps; what has
// to hold on holds on by a hash.
func TestErasureKeepsOnlyTheHash(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	const to = "ada.of.the.engine@example.com"
	ada := a.Verified(to)
	manager := newsletter(a, "news", true)
	newsletter(a, "tips", false)
	ada.Post("/-/account/notifications", "act", "save", "on", "news").Want(200)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := a.Email.Send(tx, email.Message{To: to, Template: "email/consent", Category: "news", User: a.UserID(to), Vars: map[string]string{"Title": "t", "Description": "d", "URL": "https://example.com/"}})
		return err
	}))
	a.RunJobs()
	id := a.Query(`SELECT max(id) FROM email_message`)
	link := strings.TrimPrefix(strings.Trim(header(a.Mails(to)[0], "List-Unsubscribe"), "<>"), a.URL)
	if mail := a.Mails(to)[0]; link == "" || !strings.Contains(mail.Text, link) || !strings.Contains(mail.HTML, link) {
		t.Errorf("the foot does not link to %q:\n%s", link, mail.Text)
	}
	manager.PostJSON("/-/api/v1/email/suppressions", object{"address": to, "scope": "nonsecurity"}).Want(201)
	bounce := postmarkBounce(1, "SoftBounce", "pm", to)
	bounce["Metadata"], bounce["Details"] = object{"seaworthy_id": id}, "smtp;450 <"+to+"> mailbox full"
	m.Postmark(a, bounce).Want(200)
	m.Postmark(a, postmarkBounce(2, "HardBounce", "another", to)).Want(200)
	m.Postmark(a, postmarkBounce(3, "HardBounce", "third", "ada.else@example.com")).Want(200)

	export := exported(a, ada)
	for _, want := range []string{"mailbox full", `"act":"given"`, `"text_version":"news@`, `"categories":{"news":`, `"reason":"bounce"`} {
		if !strings.Contains(export, want) {
			t.Errorf("the export has no %s", want)
		}
	}
	if found := anywhere(a, to); len(found) < 5 {
		t.Fatalf("the address stands in %v only: this test cannot fail", found)
	}

	ada.Post("/-/confirm", "password", apptest.Password).Want(200)
	ada.Post("/-/account/delete", "confirm", to).Want(200)
	a.RunJobs()
	a.Clock.Advance(60 * 24 * time.Hour)
	a.RunJobs()
	if found := anywhere(a, to); len(found) > 0 {
		t.Errorf("the address still stands in %v", found)
	}
	if found := anywhere(a, "ada.else@example.com"); len(found) == 0 {
		t.Error("what belongs to others went too")
	}
	if got := a.Query(`SELECT count(*) FROM email_consent WHERE ip IS NOT NULL OR user_agent IS NOT NULL OR address IS NOT NULL`); got != "0" {
		t.Errorf("%s entries of the consent log name somebody", got)
	}
	p, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) (email.Suppression, error) { return a.Email.Suppressed(tx, to, "account", "") })
	if err != nil || p.Reason != "bounce" {
		t.Errorf("%+v %v", p, err)
	}
	manager.Get("/-/api/v1/email/suppressions?q="+to).Want(200, `"address":""`, `"reason":"bounce"`)
	manager.Get("/-/api/v1/email/consents?address="+to).Want(200, `"act":"given"`)
	mailProgram(a).Do("POST", link, urlencoded, oneClick).Want(200) // the link in the mailbox still works
	if found := anywhere(a, to); len(found) > 0 {
		t.Errorf("the address came back in %v", found)
	}
}

// An address that somebody only claims opens nothing that is known of its owner.
func TestExportNeedsTheAddressItself(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	newsletter(a, "news", true)
	const victim = "victim@example.com"
	a.Key("email:manage").PostJSON("/-/api/v1/email/consents", object{"address": victim, "category": "news", "given": true, "ip": "192.0.2.77"}).Want(201)
	m.Postmark(a, postmarkBounce(1, "SoftBounce", "x", victim)).Want(200)
	if export := exported(a, a.SignUp(victim)); strings.Contains(export, "192.0.2.77") || strings.Contains(export, "user unknown") {
		t.Error("whoever claims an address reads what is known of its owner")
	}
}

func header(m apptest.Mail, name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// exported is what is in the export of whoever is signed in, all files in one.
func exported(a *apptest.App, b *apptest.Browser) string {
	a.T.Helper()
	b.Post("/-/account/export").Want(200)
	a.RunJobs()
	page := b.Get("/-/account/data").Want(200)
	_, rest, ok := strings.Cut(page.Body, `href="/-/account/export/`)
	if !ok {
		a.T.Fatal("no export on the page")
	}
	id, _, _ := strings.Cut(rest, `"`)
	file := b.Get("/-/account/export/" + id).Want(200).Body
	r, err := zip.NewReader(bytes.NewReader([]byte(file)), int64(len(file)))
	a.Must(err)
	var all strings.Builder
	for _, f := range r.File {
		in, err := f.Open()
		a.Must(err)
		text, err := io.ReadAll(in)
		a.Must(err)
		in.Close()
		all.Write(text)
	}
	return all.String()
}
