package email_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/store"
)

// newsletter makes a category through the API, and returns who manages mail.
func newsletter(a *apptest.App, key string, consent bool) *apptest.Browser {
	a.T.Helper()
	b := a.Key("email:read", "email:manage")
	yes := "false"
	if consent {
		yes = "true"
	}
	b.Do("PUT", "/-/api/v1/email/categories/"+key, "application/json",
		`{"title":"The `+key+`","description":"What is new, once a month.","kind":"marketing","needs_consent":`+yes+`}`).Want(201)
	a.Forget()
	return b
}

// mailed sends a mail of a category and returns its unsubscribe link's path.
func mailed(a *apptest.App, to, category string) string {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		_, err := a.Email.Send(tx, email.Message{To: to, Template: "email/consent", Category: category,
			Vars: map[string]string{"Title": "t", "Description": "d", "URL": "https://example.com/"}})
		return err
	}))
	a.RunJobs()
	a.Forget()
	mail := a.Mails(to)[0]
	link, post := "", ""
	for _, h := range mail.Headers {
		switch h.Name {
		case "List-Unsubscribe":
			link = strings.TrimSuffix(strings.TrimPrefix(h.Value, "<"), ">")
		case "List-Unsubscribe-Post":
			post = h.Value
		}
	}
	if category == "" {
		if link+post != "" {
			a.T.Fatalf("mail without a category has %s %s", link, post)
		}
		return ""
	}
	if !strings.HasPrefix(link, a.URL+"/-/unsubscribe/") || post != "List-Unsubscribe=One-Click" {
		a.T.Fatalf("List-Unsubscribe %q, -Post %q", link, post)
	}
	return strings.TrimPrefix(link, a.URL)
}

const oneClick, urlencoded = "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"

// mailProgram posts as Gmail and the like do: no cookie, and for the worst case the
// headers of another site.
func mailProgram(a *apptest.App) *apptest.Browser {
	b := a.Browser()
	b.UserAgent = "Mozilla/5.0 (compatible; mail)"
	b.Header.Set("Origin", "https://mail.example")
	b.Header.Set("Sec-Fetch-Site", "cross-site")
	return b
}

// Fault 23: who looks at a link, or opens it ahead, changes nothing, and nothing on
// the page acts by itself.
func TestFault23LookingChangesNothing(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	newsletter(a, "news", false)
	link := mailed(a, "ada@example.com", "news")
	for range 2 {
		p := a.Browser().Get(link).Want(200, "Unsubscribe from The news?", "a…@example.com", "What is new")
		p.Without("ada@example.com")
		if strings.Contains(p.Body, "http-equiv") || strings.Contains(p.Body, "submit()") || p.Header.Get("X-Robots-Tag") != "noindex" || p.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s %v", p.Body, p.Header)
		}
		a.Browser().Do("HEAD", link, "", "").Want(200)
		b := a.Browser()
		b.Header.Set("Purpose", "prefetch")
		b.Get(link).Want(200)
		a.Browser().Get(link + "?List-Unsubscribe=One-Click&act=off&done=off").Want(200)
	}
	a.ExpectNothing()
}

// Fault 24: the one-click request of mail programs, both ways, twice.
func TestFault24OneClick(t *testing.T) {
	t.Parallel()
	for _, body := range []struct{ kind, text string }{
		{urlencoded, oneClick},
		{"multipart/form-data; boundary=XyZ", "--XyZ\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--XyZ--\r\n"},
	} {
		a := apptest.New(t, apptest.WithoutLimits)
		newsletter(a, "news", false)
		link := mailed(a, "ada@example.com", "news")
		p := mailProgram(a).Do("POST", link, body.kind, body.text).Want(200, "You are unsubscribed")
		if p.Path != link || p.Header.Get("Set-Cookie") != "" {
			t.Errorf("led to %s with %v", p.Path, p.Header)
		}
		a.Expect(apptest.Happened{Audit: []string{"email.unsubscribed"}, Rows: map[string]int{"email_suppression": 1, "email_consent": 1, "email_event": 1}})
		mailProgram(a).Do("POST", link, body.kind, body.text).Want(200)
		a.ExpectNothing()
		if got := held(a); got != "ada@example.com category news unsubscribe" {
			t.Error(got)
		}
		if got := a.Query(`SELECT act || ' ' || source || ' ' || (ip IS NOT NULL) || ' ' || user_agent FROM email_consent`); got != "withdrawn one_click 1 Mozilla/5.0 (compatible; mail)" {
			t.Error(got)
		}
		mailProgram(a).Do("POST", link, body.kind, "").Want(400)
		mailProgram(a).Do("POST", link, "text/plain", oneClick).Want(415)
		a.ExpectNothing()
	}
}

// Fault 25: an altered link is nothing; one that an old key signed still works.
func TestFault25AlteredAndRotated(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	manager := newsletter(a, "news", false)
	link := mailed(a, "ada@example.com", "news")
	token := strings.TrimPrefix(link, "/-/unsubscribe/")
	for i := range token {
		other := "A"
		if token[i] == 'A' {
			other = "B"
		}
		a.Browser().Do("POST", "/-/unsubscribe/"+token[:i]+other+token[i+1:], urlencoded, oneClick).Want(400)
	}
	for _, bad := range []string{"x", token + "A", token[:len(token)-1], strings.Repeat("A", 399), strings.Repeat("A", 5000)} {
		a.Browser().Get("/-/unsubscribe/"+bad).Want(400, "This link is not complete")
	}
	a.Browser().Get("/-/consent/" + token).Want(400) // signed for another use
	a.ExpectNothing()
	manager.PostJSON("/-/api/v1/email/link-keys/rotate", nil).Want(200, `"key":2`)
	a.Expect(apptest.Happened{Audit: []string{"email.link_key_rotated"}, Rows: map[string]int{"email_link_key": 1}})
	next := mailed(a, "ada@example.com", "news")
	if next == link || len(next) != len(link) {
		t.Error("the new key does not sign")
	}
	a.Clock.Advance(5 * 365 * 24 * time.Hour)
	a.Browser().Get(next).Want(200, "Unsubscribe from The news?")
	mailProgram(a).Do("POST", link, urlencoded, oneClick).Want(200)
	a.Browser().Get(next).Want(200, "You do not get The news")
}

// A mail without a category has no way out of it.
func TestOnlyCategoriesCanBeUnsubscribed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	mailed(a, "ada@example.com", "")
}

// A person chooses on the page that a mail links to, without signing in.
func TestPreferencesByLink(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	newsletter(a, "news", false)
	newsletter(a, "tips", false)
	newsletter(a, "offers", true)
	link := mailed(a, "ada@example.com", "news")
	b := a.Browser()
	b.Get(link).Want(200, "The tips", "The offers", `value="news" checked`, `value="tips" checked`).Without(`value="offers" checked`)
	b.Post(link, "act", "save", "on", "news", "on", "offers").Want(200, "Your choice is saved")
	a.Expect(apptest.Happened{Audit: []string{"email.consent_given", "email.unsubscribed"}, Rows: map[string]int{"email_consent": 2, "email_suppression": 1, "email_event": 1}})
	if got := held(a); got != "ada@example.com category tips unsubscribe" {
		t.Error(got)
	}
	b.Post(link, "act", "save", "on", "news", "on", "offers").Want(200)
	b.Post(link, "act", "save", "on", "nothing").Want(400)
	b.Post(link, "act", "explode").Want(400)
	a.ExpectNothing()
	b.Post(link, "act", "all").Want(200, "unsubscribed from everything").Without(" checked")
	a.Expect(apptest.Happened{Audit: []string{"email.unsubscribed"}, Rows: map[string]int{"email_consent": 1, "email_suppression": 1, "email_event": 1}})
	newsletter(a, "later", false)
	b.Get(link).Want(200).Without(`value="later" checked`)
	b.Post(link, "act", "on").Want(200, "You are subscribed again", `value="news" checked`).Without(`value="tips" checked`, `value="offers" checked`, `value="later" checked`)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { // a message that is gone takes its address with it; the link works on
		_, err := tx.Exec(`DELETE FROM email_message`)
		return err
	}))
	b.Get(link).Want(200).Without("@example.com")
	b.Post(link, "act", "off").Want(200, "You are unsubscribed")
	b.Get(link).Want(200, "You do not get The news")
}

// A no is written down and stays: neither the program nor somebody at the database
// changes the log.
func TestConsentLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := newsletter(a, "news", true)
	b.PostJSON("/-/api/v1/email/consents", object{"address": "Ada@Example.com", "category": "news", "given": true, "ip": "192.0.2.7", "user_agent": "Firefox", "text_version": "form-3"}).
		Want(201, `"act":"given"`, `"text_version":"form-3"`, `"address":"ada@example.com"`)
	for _, statement := range []string{`UPDATE email_consent SET act = 'withdrawn'`, `UPDATE email_consent SET at = at + 1`, `UPDATE email_consent SET address = 'eve@example.com'`,
		`UPDATE email_consent SET ip = NULL`, `DELETE FROM email_consent`} {
		if err := a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(statement); return err }); err == nil {
			t.Errorf("%s is let through", statement)
		}
	}
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE email_consent SET address = NULL, ip = NULL, user_agent = NULL`)
		return err
	}))
	b.Get("/-/api/v1/email/consents?address=ada@example.com").Want(200, `"act":"given"`, `"address":""`).Without("192.0.2.7")
}

// The app records what people said, and hears what they said before.
func TestConsentAPI(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := newsletter(a, "news", true)
	const path = "/-/api/v1/email/consents"
	b.PostJSON(path, object{"address": "ada@example.com", "category": "nothing", "given": true}).WantProblem(422, "invalid", "category")
	b.PostJSON(path, object{"address": "ada", "category": "news", "given": false, "double_opt_in": true}).WantProblem(422, "invalid", "address", "double_opt_in")
	a.ExpectNothing()
	b.PostJSON(path, object{"address": "ada@example.com", "category": "news", "given": true}).Want(201)
	a.Expect(apptest.Happened{Audit: []string{"email.consent_given"}, Rows: map[string]int{"email_consent": 1}})
	b.PostJSON(path, object{"address": "ada@example.com", "category": "news", "given": true}).Want(200)
	a.ExpectNothing()
	b.PostJSON(path, object{"address": "ada@example.com", "category": "news", "given": false}).Want(201, "withdrawn")
	b.PostJSON(path, object{"address": "ada@example.com", "category": "news", "given": true}).Want(201, "given")
	if got := held(a); got != "" {
		t.Error(got)
	}
	// A no that came with a list is in the log as well, and is what the answer tells of.
	b.Do("POST", "/-/api/v1/email/suppressions/import?scope=category&category=news", "text/plain", "bob@example.com\n").Want(200)
	b.PostJSON(path, object{"address": "bob@example.com", "category": "news", "given": false}).Want(200, `"act":"withdrawn"`, `"address":"bob@example.com"`)
	var list struct {
		Consents []struct{ ID, Act string }
		Next     string `json:"next_cursor"`
	}
	b.Get(path + "?address=ada@example.com&limit=2").Want(200).JSON(&list)
	if len(list.Consents) != 2 || list.Consents[0].Act != "given" || list.Consents[1].Act != "withdrawn" || list.Next == "" {
		t.Errorf("%+v", list)
	}
	b.Get(path + "?address=ada@example.com&limit=2&cursor=" + list.Next).Want(200).JSON(&list)
	if len(list.Consents) != 1 {
		t.Errorf("%+v", list)
	}
	a.Key("email:read").PostJSON(path, object{"address": "ada@example.com", "category": "news", "given": true}).Want(403)
}

// A yes that has to be confirmed counts once it is, and not because a link was looked at.
func TestDoubleOptIn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := newsletter(a, "news", true)
	ask := func() apptest.Page {
		return b.PostJSON("/-/api/v1/email/consents", object{"address": "ada@example.com", "category": "news", "given": true, "double_opt_in": true})
	}
	ask().Want(201, `"act":"asked"`)
	ask().Want(200, `"act":"asked"`) // who asks again at once sends no second mail
	a.Expect(apptest.Happened{Audit: []string{"email.consent_asked"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"email_consent": 1}})
	a.RunJobs()
	a.Forget()
	link := a.Link("ada@example.com", "/-/consent/")
	a.Browser().Get(link).Want(200, "Get The news?")
	a.ExpectNothing()
	a.Browser().Post(link).Want(200, "You get The news")
	a.Expect(apptest.Happened{Audit: []string{"email.consent_given"}, Rows: map[string]int{"email_consent": 1}})
	a.Browser().Post(link).Want(200, "You get The news")
	a.ExpectNothing()
	ask().Want(200, `"act":"given"`) // it is confirmed: the answer says how it stands
	a.ExpectNothing()
	b.PostJSON("/-/api/v1/email/consents", object{"address": "ada@example.com", "category": "news", "given": false}).Want(201)
	a.Browser().Post(link).Want(400, "no longer works") // the no is newer than the mail
	a.Clock.Advance(time.Hour)
	ask().Want(201, `"act":"asked"`)
	a.RunJobs()
	second := a.Link("ada@example.com", "/-/consent/")
	a.Clock.Advance(8 * 24 * time.Hour)
	a.Browser().Post(second).Want(400, "no longer works")
}

// Whoever is signed in chooses in the account; an address that is not verified is
// not his to choose for.
func TestNotificationsOfTheAccount(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada, late := a.Verified("ada@example.com"), a.SignUp("late@example.com")
	ada.Get("/-/account/notifications").Want(200, "Nothing to choose")
	newsletter(a, "news", true)
	newsletter(a, "tips", false)
	ada.Get("/-/account/notifications").Want(200, `value="tips" checked`).Without(`value="news" checked`)
	late.Get("/-/account/notifications").Want(200, "Verify your address first")
	a.ExpectNothing()
	late.Post("/-/account/notifications", "act", "save", "on", "news").Want(403)
	a.Browser().Do("POST", "/-/account/notifications", urlencoded, "act=all").Want(401)
	ada.Post("/-/account/notifications", "act", "explode").Want(400)
	a.ExpectNothing()
	ada.Post("/-/account/notifications", "act", "save", "on", "news").Want(200, "Your choice is saved")
	a.Expect(apptest.Happened{Audit: []string{"email.consent_given", "email.unsubscribed"}, Rows: map[string]int{"email_consent": 2, "email_suppression": 1}})
	if got := a.Query(`SELECT source || ' ' || actor FROM email_consent WHERE act = 'given'`); got != "account user:"+a.UserID("ada@example.com") {
		t.Error(got)
	}
	ada.Post("/-/account/notifications", "act", "all").Want(200, "everything")
	if got := held(a); !strings.Contains(got, "category * unsubscribe") {
		t.Error(got)
	}
	cross := mailProgram(a)
	cross.Header.Set("Cookie", "seaworthy_session="+ada.Cookie("seaworthy_session"))
	cross.Do("POST", "/-/account/notifications", urlencoded, "act=all").Want(http.StatusForbidden)
}
