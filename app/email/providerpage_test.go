package email_test

import (
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

// A provider that refuses our key is shown as stopped; tried again by hand, it gets the
// mail that waits at once, but not what is scheduled.
func TestProviderIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: []error{failing(post.Unauthorised, 0)}}
	a := by(t, p)
	key := a.Key("email:send", "email:read", "email:manage")
	key.Post("/-/api/v1/email/providers/postmark/retry").WantProblem(409, "working")
	id := verify(a, "ada@example.com")
	handIn(a, key, object{"to": "bob@example.com", "subject": "Later", "text": "x", "send_at": a.Clock.Now().Add(time.Hour)})
	a.RunJobs()
	var list struct {
		Providers []struct {
			Name, State, Error string
			Streams            []string
			Hour               struct{ Sent, Failed int } `json:"last_hour"`
		}
	}
	key.Get("/-/api/v1/email/providers").Want(200).JSON(&list)
	if got := list.Providers[0]; len(list.Providers) != 1 || got.State != "stopped" || got.Hour.Failed != 1 || got.Error == "" || len(got.Streams) != 2 || got.Streams[0] != "transactional, first" {
		t.Fatalf("%+v", list)
	}
	a.Forget()
	key.Post("/-/api/v1/email/providers/postmark/retry").Want(200, `"state":"open"`)
	a.Expect(apptest.Happened{Audit: []string{"email_provider.tried_again"}, Jobs: []string{"email.wake"}})
	a.RunJobs()
	p.wants(t, "ada@example.com")
	wantLife(t, a, id, "sent: queued rendered attempted accepted")
	key.Post("/-/api/v1/email/providers/nobody/retry").Want(404)
	a.Key("email:read").Post("/-/api/v1/email/providers/postmark/retry").Want(403)
}

// A test goes by the provider that is tested, though it is not the first.
func TestProviderIsTested(t *testing.T) {
	t.Parallel()
	first, second := &carrier{name: "postmark"}, &carrier{name: "ses"}
	a := by(t, first, second)
	grace := a.Operator("grace@example.com")
	a.RunJobs()
	first.mu.Lock()
	first.got = nil
	first.mu.Unlock()
	grace.Get("/-/admin/email/providers").Want(200, "postmark", "ses", "transactional, second", "grace@example.com")
	grace.Post("/-/admin/email/providers/ses/test", "to", "grace@example.com").Want(200, "The test mail is on its way", "Only by")
	a.RunJobs()
	first.wants(t)
	second.wants(t, "grace@example.com")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { // as she may have typed it
		_, err := tx.Exec(`UPDATE auth_email SET email = 'Grace@Example.com'`)
		return err
	}))
	grace.Post("/-/admin/email/providers/ses/test", "to", "Grace@Example.com").Want(200)
	if got := a.Query(`SELECT count(*) FROM email_message WHERE template = 'email/test' AND user_id IS NOT NULL`); got != "2" {
		t.Errorf("%s test mails are hers", got)
	}
	grace.Post("/-/admin/email/providers/ses/test", "to", "nobody").Want(422, "Write one email address")
	key := a.Key("email:manage")
	key.PostJSON("/-/api/v1/email/providers/ses/test", object{}).Want(422)
	key.PostJSON("/-/api/v1/email/providers/nobody/test", object{"to": "a@example.com"}).Want(404)
}

// What an operator may do to a message is on its page, and says why it cannot be done.
func TestActsOnAMessagesPage(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	grace := a.Operator("grace@example.com")
	a.RunJobs()
	ids := handIn(a, key, object{"to": "ada@example.com", "subject": "Hi", "text": "x", "tags": []string{"weekly"}, "send_at": a.Clock.Now().Add(time.Hour)})
	at := "/-/admin/email/messages/" + ids[0]
	grace.Get(at).Want(200, "Cancel the message", "Scheduled for", "weekly", "None: the app wrote it").Without("Send it again")
	grace.Post(at+"/resend").Want(409, "still waits")
	grace.Post(at+"/cancel").Want(200, "taken back", "Send it again")
	grace.Post(at+"/cancel").Want(409, "does not wait any more")
	grace.Post(at+"/resend").Want(200, "on its way again")
	a.RunJobs()
	grace.Get(at).Want(200, "It left once")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { // a provider has it, and tries
		_, err := tx.Exec(`UPDATE email_message SET status = 'deferred' WHERE id = ?`, ids[0])
		return err
	}))
	grace.Get(at).Want(200, "It left once")
	if got := box.all(); got[len(got)-1].To != "ada@example.com" {
		t.Errorf("%+v", got)
	}
	grace.Get("/-/admin/email?tag=weekly").Want(200, ids[0])
	grace.Get("/-/admin/email?tag=daily").Want(200, "No such messages")
}
