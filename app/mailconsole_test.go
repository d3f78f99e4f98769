package app_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// mailOut sends a mail of ours and returns its id.
func mailOut(a *apptest.App, to, user string) (id string) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) (err error) {
		id, err = a.Email.Send(tx, email.Message{To: to, Template: "auth/verify", Vars: map[string]string{"Name": "Ada", "URL": "https://example.com/x"}, User: user})
		return err
	}))
	return id
}

// mailEvent stores what happened to a message.
func mailEvent(a *apptest.App, message, kind, provider, details, raw string) {
	a.T.Helper()
	a.Clock.Advance(time.Second)
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		id := tx.NewID("eve")
		_, err := tx.Exec(`INSERT INTO email_event (id, message_id, kind, provider, provider_id, dedupe, recipient_norm, details, raw, at, received_at) VALUES (?, ?, ?, ?, 'p-1', ?, 'ada@example.com', ?, ?, ?, ?)`,
			id, message, kind, provider, id, details, []byte(raw), tx.Now().UnixMilli(), tx.Now().UnixMilli())
		tx.Notify("email.message")
		return err
	}))
}

// livedMail is a message with a whole life.
func livedMail(a *apptest.App, to, user string) (id string) {
	id = mailOut(a, to, user)
	mailEvent(a, id, "queued", "", `{}`, "")
	mailEvent(a, id, "rendered", "", `{"bytes":5120}`, "")
	mailEvent(a, id, "attempted", "postmark", `{"attempt":1,"reason":"503 the service is away","duration_ms":412}`, "")
	mailEvent(a, id, "accepted", "postmark", `{"attempt":2,"duration_ms":87}`, "")
	mailEvent(a, id, "delivered", "postmark", `{}`, `{"RecordType":"Delivery","MessageID":"p-1","Details":"250 OK"}`)
	mailEvent(a, id, "bounced", "postmark", `{"type":"hard","reason":"550 5.1.1 <b>no such user</b>"}`, `{"RecordType":"Bounce","Type":"HardBounce","token":"hunter2"}`)
	return id
}

func TestConsoleOfMail(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	a.RunJobs()
	user := a.UserID("grace@example.com")
	grace.Get("/-/admin/email?to=ada@example.com").Want(200, "No such messages")
	lived := livedMail(a, "Ada <ada@example.com>", user)
	var other []string
	for i := range 55 {
		other = append(other, mailOut(a, fmt.Sprintf("u%d@example.com", i), ""))
	}
	a.Forget()

	list := func(query string) apptest.Page { return grace.Get("/-/admin/email" + query).Want(200) }
	first := list("").Want(200, other[54], "Older").Without(other[3], "Newer")
	_, older, _ := strings.Cut(first.Body, `href="/-/admin/email?before=`)
	older, _, _ = strings.Cut(older, `"`)
	list("?before="+older).Want(200, other[3], lived, "Newer").Without(other[54])
	list("?to=ADA@example.com").Want(200, lived).Without(other[0])
	list("?to=ada@example").Without(lived)
	list("?status=queued&to=ada@example.com").Want(200, lived)
	list("?status=bounced").Want(200, "No bounced messages")
	list("?status=nonsense&stream=nonsense&to=ada@example.com").Want(200, lived)
	list("?template=auth/verify&to=ada@example.com").Want(200, lived)
	list("?template=auth/nothing").Want(200, "No such messages")
	list("?stream=broadcast").Want(200, "No such messages")
	list("?user="+user).Want(200, lived).Without(other[0])

	page := grace.Get("/-/admin/email/messages/"+lived).Want(200, "Attempt 1 by postmark", "503 the service is away", "Accepted by postmark", "Delivered to the recipient", "Bounced (hard)", "HardBounce",
		"<b>no such user</b>", "•••", "/-/admin/users/"+user, "/-/admin/email?to=ada%40example.com").Without("hunter2")
	if at, before := strings.Index(page.Body, "Bounced (hard)"), strings.Index(page.Body, "Accepted by postmark"); at > before || strings.Contains(page.Body, "<b>no such") {
		t.Error("the newest event is not first, or what a server says is markup")
	}
	grace.Get("/-/admin/email/messages/msg_nothing").Want(404)
	grace.Get("/-/admin/users/"+user).Want(200, "/-/admin/email/messages/"+lived, "/-/admin/email?user="+user)
	a.ExpectNothing()

	a.RunJobs()
	sent := other[0]
	mail := a.Mails("u0@example.com")[0].ID
	grace.Get("/-/admin/email/messages/"+sent).Want(200, "Accepted by inbox", "Open in the inbox", "/-/dev/inbox/"+mail, "Mail sent")
	a.Browser().Get("/-/dev/inbox/"+mail).Want(200, "/-/admin/email/messages/"+sent)
	grace.Get("/-/admin").Want(200, "Failed or bounced")
}

func TestConsoleOfMailNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	id := livedMail(a, "ada@example.com", "")
	for i, permissions := range [][]string{{"console:read"}, {"email:read"}, {"console:read", "email:read"}} {
		who, want := fmt.Sprintf("p%d@example.com", i), 403
		b := a.Verified(who)
		a.Grant(who, permissions...)
		if len(permissions) == 2 {
			want = 200
		}
		b.Get("/-/admin/email").Want(want)
		b.Get("/-/admin/email/messages/" + id).Want(want).Without("/-/admin/audit?target=message")
		if want == 403 {
			b.Get("/-/admin/email/events").Want(want)
		}
	}
	a.Browser().Get("/-/admin/email").Want(200, "Sign in")
}

// The forms on a mail's page are sent as browsers send them, each from a fresh mail:
// one of them removes it.
func TestFormsOfAMailAreUnderstood(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	sent := map[string]int{}
	for i := 0; ; i++ {
		mailOut(a, "ada@example.com", "")
		a.RunJobs()
		all := forms(t, a.Browser().Get("/-/dev/inbox/"+a.Mails("")[0].ID).Want(200).Body)
		if i >= len(all) {
			break
		}
		f := all[i]
		a.Browser().Do("POST", f.action, "application/x-www-form-urlencoded", f.fields.Encode()).Want(200)
		sent[f.action[strings.LastIndexByte(f.action, '/'):]]++
	}
	if got := fmt.Sprint(sent); got != "map[/clear:1 /delete:1 /faults:1 /feedback:4 /unread:1]" {
		t.Errorf("forms: %s", got)
	}
}

// driveMail are the mutating routes of mail.
func driveMail(a *apptest.App) map[string]func() {
	return map[string]func(){
		"POST /-/dev/inbox/{id}/feedback": func() {
			mailOut(a, "feedback@example.com", "")
			a.RunJobs()
			a.Browser().Post("/-/dev/inbox/"+a.Mails("feedback@example.com")[0].ID+"/feedback", "event", "delivered").Want(200)
		},
	}
}

// Both pages of mail hear of a change within a moment.
func TestMailEventsAreStreamed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	hears := func(path string, change func()) {
		r, _ := http.NewRequestWithContext(ctx, "GET", a.URL+path, nil)
		r.Header.Set("Accept", "text/event-stream")
		name := web.CookieName(false)
		r.AddCookie(&http.Cookie{Name: name, Value: grace.Cookie(name)})
		res, err := http.DefaultClient.Do(r)
		a.Must(err)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry:") {
			t.Fatalf("%s: %d %q %v", path, res.StatusCode, lines.Text(), lines.Err())
		}
		for change(); lines.Scan(); {
			if lines.Text() == "event: change" {
				return
			}
		}
		t.Fatalf("%s: no change was told: %v", path, lines.Err())
	}
	hears("/-/admin/email/events", func() { livedMail(a, "ada@example.com", "") })
	hears("/-/dev/inbox/events", func() { a.RunJobs() })
}

// Mail is looked at, wide and narrow, light and dark.
func TestPagesOfMailInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	addr := takeMail(t, a)
	grace := a.Operator("grace@example.com")
	a.RunJobs()
	lived := livedMail(a, "Ada Lovelace <ada@example.com>", a.UserID("grace@example.com"))
	a.RunJobs()
	for i, status := range []string{"delivered", "bounced", "failed", "deferred", "complained", "suppressed"} {
		id := mailOut(a, fmt.Sprintf("somebody-with-a-long-address-%d@subdomain.example.com", i), "")
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			return tx.ExecOne(`UPDATE email_message SET status = ?, error = CASE WHEN ? = 'failed' THEN 'refused: 550 no such user' END WHERE id = ?`, status, status, id)
		}))
	}
	a.Must(sendMail(addr, "dark@example.com", darkMail))
	a.Must(sendMail(addr, "alone@example.com", "From: j@shop.example\r\nTo: alone@example.com\r\nSubject: Text alone\r\n\r\nHello"))
	mail := "/-/dev/inbox/" + a.Mails("dark@example.com")[0].ID
	ours := "/-/dev/inbox/" + a.Mails("grace@example.com")[0].ID
	textAlone := "/-/dev/inbox/" + a.Mails("alone@example.com")[0].ID
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, grace)
		for _, theme := range []string{"light", "dark"} {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/dev/inbox")))
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`localStorage.setItem("theme", "`+theme+`"); ""`))
			a.Must(err)
			for _, p := range []struct{ name, path, needs string }{
				{"messages", "/-/admin/email", "#list table"}, {"messages-none", "/-/admin/email?to=nobody@example.com", ".empty"}, {"message", "/-/admin/email/messages/" + lived, "#life-title"},
				{"inbox", "/-/dev/inbox", ".letter"}, {"mail-light", mail + "?scheme=light", "iframe"}, {"mail-dark", mail + "?scheme=dark&width=375", "iframe"},
				{"mail-ours-dark", ours + "?scheme=dark", "iframe"}, {"mail-attachments", mail + "?view=attachments", ".rows"}, {"mail-checks", mail + "?view=checks", ".rows"},
				{"mail-text-alone", textAlone, ".mail-pane .empty"}, {"home", "/-/admin", ".glances"},
			} {
				a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+p.path)))
				if !shows(t, ctx, p.needs) {
					t.Errorf("%s has no %s", p.path, p.needs)
				}
				fits(t, ctx, p.path)
				keep(t, ctx, fmt.Sprintf("email-%s-%s-%d", p.name, theme, width))
			}
		}
		putFaultsOn(a)
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/dev/inbox"), chromedp.Click(`summary[aria-label="Faults"]`)))
		keep(t, ctx, fmt.Sprintf("email-faults-dark-%d", width))
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+ours), chromedp.Click(".mail-acts summary")))
		keep(t, ctx, fmt.Sprintf("email-simulate-dark-%d", width))
		for _, s := range said() {
			blocked := strings.Contains(s, "Blocked script execution") && strings.Contains(s, mail)
			if !blocked && !strings.Contains(s, "tracker.example") { // what the mail asks for and does not get
				t.Errorf("the browser complains: %s", s)
			}
		}
	}
}

// A mail in its frame shows its dark rules, its own pictures and no others, runs nothing
// and asks nobody.
func TestAMailInItsFrameInChromium(t *testing.T) {
	a := apptest.New(t)
	addr := takeMail(t, a)
	a.Must(sendMail(addr, "dark@example.com", darkMail))
	path := a.URL + "/-/dev/inbox/" + a.Mails("dark@example.com")[0].ID + "/html?scheme="
	ctx, said := chromium(t, 800, 600)
	for scheme, want := range map[string]string{"light": "rgb(17, 17, 17) rgb(255, 255, 255) 80 0 none", "dark": "rgb(238, 238, 238) rgb(16, 24, 32) 80 0 none"} {
		a.Must(chromedp.Do(ctx, chromedp.Navigate(path+scheme), chromedp.WaitReady("body")))
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
			const own = document.images[0], s = getComputedStyle(document.body)
			return [s.color, s.backgroundColor, own.naturalWidth > 0 ? own.width : "not shown", document.images[1].naturalWidth, document.body.dataset.ran || "none"].join(" ")
		})()`))
		a.Must(err)
		if got != want {
			t.Errorf("%s: %s, want %s", scheme, got, want)
		}
	}
	refused := false
	for _, s := range said() {
		refused = refused || strings.Contains(s, "tracker.example")
	}
	if !refused {
		t.Errorf("the browser did not refuse to ask the tracker: %v", said())
	}
}
