package email_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

func TestSendScheduledAndCancelled(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	at := a.Clock.Now().Add(time.Hour)
	ids := handIn(a, key, object{"to": []string{"ada@example.com", "bob@example.com"}, "subject": "Hi", "text": "x", "send_at": at})
	a.Forget()
	key.Post("/-/api/v1/email/messages/"+ids[0]+"/cancel").Want(200, `"status":"cancelled"`)
	a.Expect(apptest.Happened{Audit: []string{"email.cancelled"}, Rows: map[string]int{"email_event": 1}})
	key.Post("/-/api/v1/email/messages/"+ids[0]+"/cancel").WantProblem(409, "not_waiting")
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	if got := box.all(); len(got) != 1 || got[0].To != "bob@example.com" {
		t.Errorf("%+v", got)
	}
	key.Post("/-/api/v1/email/messages/"+ids[1]+"/cancel").WantProblem(409, "not_waiting")
	key.Post("/-/api/v1/email/messages/msg_none/cancel").Want(404)
	// What was taken back can be sent after all.
	key.Post("/-/api/v1/email/messages/"+ids[0]+"/resend").Want(200, `"status":"queued"`)
	a.RunJobs()
	if got := box.all(); len(got) != 2 || got[1].To != "ada@example.com" || got[1].Text != "x\n" && got[1].Text != "x" {
		t.Errorf("%+v", got)
	}
}

func TestSendAgain(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	ids := handIn(a, key, object{"to": "ada@example.com", "subject": "Hi", "text": "x", "tags": []string{"t"}, "attachments": []object{{"name": "a.pdf", "content": "AAAA"}}})
	key.Post("/-/api/v1/email/messages/"+ids[0]+"/resend").WantProblem(409, "waiting")
	a.RunJobs()
	a.Forget()
	var again struct{ ID, Status string }
	key.Post("/-/api/v1/email/messages/" + ids[0] + "/resend").Want(200).JSON(&again)
	if again.ID == ids[0] || again.Status != "queued" {
		t.Errorf("%+v", again)
	}
	a.RunJobs()
	if got := box.all(); len(got) != 2 || len(got[1].Attachments) != 1 || got[0].ID == got[1].ID {
		t.Errorf("%d", len(got))
	}
	if n := strings.Count(key.Get("/-/api/v1/email/messages?tag=t").Want(200).Body, `"id":"msg_`); n != 2 {
		t.Errorf("%d messages have the tag", n)
	}
	// A week later its words are gone, and so are its files.
	a.Clock.Advance(7*24*time.Hour + time.Minute)
	a.Must(a.Email.Housekeep(t.Context()))
	if left := a.Query(`SELECT count(*) FROM email_file`) + a.Query(`SELECT count(*) FROM email_request WHERE content IS NOT NULL`); left != "00" {
		t.Error(left)
	}
	key.Post("/-/api/v1/email/messages/"+ids[0]+"/resend").WantProblem(409, "not_kept")
	// And after ninety days so is the message.
	a.Clock.Advance(90 * 24 * time.Hour)
	a.Must(a.Email.Housekeep(t.Context()))
	if left := a.Query(`SELECT count(*) FROM email_message`) + a.Query(`SELECT count(*) FROM email_event`) + a.Query(`SELECT count(*) FROM email_request`); left != "000" {
		t.Error(left)
	}
}

// What the app mails of class security is wiped when it is sent.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	a, key := posted(t, postbox())
	handIn(a, key, object{"to": "ada@example.com", "subject": "Your code", "text": "1234", "class": "security"})
	a.Must(a.Email.Housekeep(t.Context()))
	if a.Query(`SELECT count(*) FROM email_request WHERE content IS NOT NULL`) != "1" {
		t.Fatal("it was wiped before it was sent")
	}
	a.RunJobs()
	a.Must(a.Email.Housekeep(t.Context()))
	if a.Query(`SELECT count(*) FROM email_request WHERE content IS NOT NULL`) != "0" {
		t.Error("it is kept")
	}
}

// A message in doubt of which a webhook tells has left: what was in it is wiped, as if
// its acceptance had come.
func TestSecretsAreNotKeptAfterDoubt(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: []error{failing(post.Unknown, 0)}}
	a := by(t, p)
	id := verify(a, "ada@example.com")
	a.RunJobs()
	if a.Query(`SELECT status || (vars IS NOT NULL) FROM email_message`) != "unknown1" {
		t.Fatal("it is to be sent again and has no variables")
	}
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := email.Advance(tx, id, email.Delivered); return err }))
	if got := a.Query(`SELECT status || (vars IS NULL) FROM email_message`); got != "delivered1" {
		t.Errorf("after word of it: %s", got)
	}
}

// Whoever repeats a request gets the first answer, and nothing is sent twice.
func TestSendOnce(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	key.Header.Set("Idempotency-Key", "order-17")
	in := object{"to": "ada@example.com", "subject": "Hi", "text": "x"}
	first := key.PostJSON(sendPath, in).Want(202)
	second := key.PostJSON(sendPath, in).Want(202)
	if first.Body != second.Body {
		t.Errorf("%s, then %s", first.Body, second.Body)
	}
	in["text"] = "y"
	key.PostJSON(sendPath, in).Want(422)
	a.RunJobs()
	if len(box.all()) != 1 {
		t.Errorf("%d were sent", len(box.all()))
	}
}

func TestMessagesList(t *testing.T) {
	t.Parallel()
	a, key := posted(t, postbox())
	for i := range 5 {
		handIn(a, key, object{"to": fmt.Sprintf("u%d@example.com", i%2), "subject": "Hi", "text": "x", "tags": []string{"n" + fmt.Sprint(i%2)}, "user": "usr_a"})
	}
	type page struct {
		Messages []struct{ To string }
		Next     string `json:"next_cursor"`
	}
	seen, cursor := 0, ""
	for {
		var p page
		key.Get("/-/api/v1/email/messages?limit=2&cursor=" + cursor).Want(200).JSON(&p)
		seen += len(p.Messages)
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if seen != 5 {
		t.Errorf("%d seen", seen)
	}
	for query, want := range map[string]int{"recipient=U0@example.com": 3, "tag=n1": 2, "status=queued": 5, "status=sent": 0, "user=usr_a": 5, "tag=n1&recipient=u0@example.com": 0, "stream=broadcast": 0} {
		var p page
		key.Get("/-/api/v1/email/messages?" + query).Want(200).JSON(&p)
		if len(p.Messages) != want {
			t.Errorf("%s: %d, want %d", query, len(p.Messages), want)
		}
	}
	wantField(t, key.Get("/-/api/v1/email/messages?status=x"), 422, "status", "choice")
	a.Key("email:manage").Get("/-/api/v1/email/messages").Want(403)
	a.Key("email:read").Get("/-/api/v1/email/messages").Want(200)
}

// An erased user's messages are gone, whoever handed them in, and with the last one
// what they said.
func TestErasureTakesHandedInMail(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	key := a.Key("email:send")
	a.Verified("ada@example.com")
	user := a.UserID("ada@example.com")
	handIn(a, key, object{"to": "ada@example.com", "subject": "Hi", "text": "secret"})
	handIn(a, key, object{"to": []string{"ada@example.com", "bob@example.com"}, "subject": "Hi", "text": "both"})
	a.RunJobs()
	for n := 1; n > 0; {
		var err error
		n, err = store.Write(t.Context(), a.DB, func(tx *store.Tx) (int, error) { return a.Email.Forget(tx, user, 100) })
		a.Must(err)
	}
	if left := a.Query(`SELECT count(*) FROM email_message WHERE recipient_norm = 'ada@example.com'`) + a.Query(`SELECT count(*) FROM email_request`); left != "01" {
		t.Error(left)
	}
	// What happened to them is nobody's, and goes too.
	mine := `SELECT count(*) FROM email_event WHERE message_id NOT IN (SELECT id FROM email_message)`
	a.Clock.Advance(8 * 24 * time.Hour)
	a.Must(a.Email.Housekeep(t.Context()))
	if left := a.Query(mine) + a.Query(`SELECT count(*) FROM email_event WHERE message_id IS NULL`); left != "00" {
		t.Errorf("%s events are left of what was erased", left)
	}
}
