package email_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

// carrier is a provider that answers what the test wants, and then accepts.
type carrier struct {
	name    string
	mu      sync.Mutex
	answers []error
	got     []string // subjects of what it accepted
	asked   int
}

func (c *carrier) Name() string { return c.name }
func (c *carrier) Limit() int64 { return 10 << 20 }

func (c *carrier) Send(_ context.Context, m post.Message) (post.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if len(c.answers) > 0 {
		err := c.answers[0]
		c.answers = c.answers[1:]
		if err != nil {
			return post.Receipt{}, err
		}
	}
	c.got = append(c.got, m.To)
	return post.Receipt{ProviderID: fmt.Sprintf("%s-%d", c.name, len(c.got)), MessageID: m.MessageID}, nil
}

func (c *carrier) wants(t *testing.T, to ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.got, to) {
		t.Errorf("%s accepted %v, want %v", c.name, c.got, to)
	}
}

func failing(class post.Class, after time.Duration) error {
	return &post.Error{Class: class, Status: 500, Reason: "the test says so", RetryAfter: after}
}

// by starts an app whose mail goes by carriers.
func by(t *testing.T, all ...*carrier) *apptest.App {
	t.Helper()
	return apptest.New(t, func(_ *config.Config, o *app.Options) {
		for _, c := range all {
			o.Carriers = append(o.Carriers, c)
		}
	})
}

// verify sends a mail of class security, notice one of class account.
func verify(a *apptest.App, to string) string {
	return sendBy(a, to, "auth/verify", map[string]string{"Name": "Ada", "URL": "https://example.com/"})
}

func notice(a *apptest.App, to string) string {
	return sendBy(a, to, "auth/export_ready", map[string]string{"Name": "Ada", "URL": "https://example.com/", "Date": "22 Nov 2026"})
}

func sendBy(a *apptest.App, to, template string, vars map[string]string) (id string) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) (err error) {
		id, err = a.Email.Send(tx, email.Message{To: to, Template: template, Vars: vars})
		return err
	}))
	return id
}

// life is a message's status and the kinds of its events.
func life(a *apptest.App, id string) string {
	return a.Query(`SELECT status FROM email_message WHERE id = ?`, id) + ": " +
		a.Query(`SELECT coalesce(group_concat(kind, ' '), '') FROM (SELECT kind FROM email_event WHERE message_id = ? ORDER BY id)`, id)
}

func wantLife(t *testing.T, a *apptest.App, id, want string) {
	t.Helper()
	if got := life(a, id); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Fault 1: a provider that asks for a rest gets it, as a whole; the order is kept and no
// attempt is used up.
func TestFault1RetryAfterPausesTheProvider(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: []error{failing(post.Limited, 90*time.Second)}}
	a := by(t, p)
	first, second := verify(a, "a@example.com"), verify(a, "b@example.com")
	a.RunJobs()
	a.Clock.Advance(80 * time.Second)
	a.RunJobs()
	if p.asked != 1 {
		t.Errorf("asked %d times before the rest was over", p.asked)
	}
	a.Clock.Advance(20 * time.Second)
	a.RunJobs()
	p.wants(t, "a@example.com", "b@example.com")
	wantLife(t, a, first, "sent: queued rendered attempted accepted")
	wantLife(t, a, second, "sent: queued rendered accepted")
	if attempts := a.Query(`SELECT max(attempt) FROM queue_job WHERE kind = 'email.deliver'`); attempts != "1" {
		t.Errorf("attempt %s", attempts)
	}
}

// Fault 2: one that does not say for how long is asked again later, and slower.
func TestFault2LimitedWithoutATime(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: []error{failing(post.Limited, 0), failing(post.Limited, 0)}}
	a := by(t, p)
	verify(a, "a@example.com")
	for range 20 {
		a.RunJobs()
		a.Clock.Advance(2 * time.Second)
	}
	p.wants(t, "a@example.com")
	if p.asked != 3 || a.Query(`SELECT slow FROM email_provider`) == "0" {
		t.Errorf("asked %d times, slowed down %s", p.asked, a.Query(`SELECT slow FROM email_provider`))
	}
}

// Fault 3: an allowance that is used up sends the mail to the next provider at once.
func TestFault3Quota(t *testing.T) {
	t.Parallel()
	p, q := &carrier{name: "postmark", answers: []error{failing(post.Quota, 0)}}, &carrier{name: "ses"}
	a := by(t, p, q)
	id := verify(a, "a@example.com")
	verify(a, "b@example.com")
	a.Forget()
	a.RunJobs()
	q.wants(t, "a@example.com", "b@example.com")
	wantLife(t, a, id, "sent: queued rendered attempted accepted")
	a.Expect(apptest.Happened{Audit: []string{"email_provider.quota", "email.sent", "email.sent"}, Ran: []string{"email.deliver completed", "email.deliver completed"}})
	a.Clock.Advance(24 * time.Hour)
	verify(a, "c@example.com")
	a.RunJobs()
	p.wants(t, "c@example.com") // the next day it is asked again
}

// Fault 4: what may pass is tried again, and goes by the next one after two failures. One
// that fails often is left alone.
func TestFault4FailoverAndBreaker(t *testing.T) {
	t.Parallel()
	p, q := &carrier{name: "postmark"}, &carrier{name: "ses"}
	for range 20 {
		p.answers = append(p.answers, failing(post.Temporary, 0))
	}
	a := by(t, p, q)
	id := verify(a, "a@example.com")
	a.RunJobs()
	q.wants(t)
	a.Clock.Advance(time.Minute)
	a.RunJobs()
	q.wants(t, "a@example.com")
	wantLife(t, a, id, "sent: queued rendered attempted attempted accepted")
	for range 3 {
		verify(a, "x@example.com")
		a.RunJobs()
		a.Clock.Advance(time.Minute)
		a.RunJobs()
	}
	if state := a.Query(`SELECT state FROM email_provider WHERE name = 'postmark'`); state != "open" {
		t.Errorf("after %d failures: %s", p.asked, state)
	}
	asked := p.asked
	verify(a, "y@example.com")
	a.RunJobs()
	if p.asked != asked {
		t.Error("it is asked though it is left alone")
	}
}

// Fault 5: when nobody knows whether it was taken, no other provider gets it. Word is
// waited for; then what somebody waits for to get in goes once more, and the rest is held.
func TestFault5Unknown(t *testing.T) {
	t.Parallel()
	doubt := func() error { return failing(post.Unknown, 0) }
	p, q := &carrier{name: "postmark", answers: []error{doubt(), doubt()}}, &carrier{name: "ses"}
	a := by(t, p, q)
	urgent, other := verify(a, "a@example.com"), notice(a, "b@example.com")
	a.RunJobs()
	q.wants(t)
	wantLife(t, a, urgent, "unknown: queued rendered unknown")
	wantLife(t, a, other, "unknown: queued rendered unknown")
	a.Clock.Advance(16 * time.Minute)
	a.RunJobs()
	p.wants(t, "a@example.com")
	wantLife(t, a, urgent, "sent: queued rendered unknown queued accepted")
	wantLife(t, a, other, "unknown: queued rendered unknown unknown")
}

// Fault 6: a refused key stops the provider, and somebody is told; the mail waits. The next
// start tries it again, because it was most likely mended.
func TestFault6RefusedKey(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: []error{failing(post.Unauthorised, 0)}}
	a := by(t, p)
	id := verify(a, "a@example.com")
	a.Forget()
	a.RunJobs()
	wantLife(t, a, id, "queued: queued rendered attempted")
	a.Expect(apptest.Happened{Audit: []string{"email_provider.stopped"}, Ran: []string{"email.deliver scheduled"}})
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	if p.asked != 1 {
		t.Errorf("asked %d times", p.asked)
	}
	a.Forget()
	a.Must(a.Email.Open(t.Context()))
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	p.wants(t, "a@example.com")
	a.Expect(apptest.Happened{Audit: []string{"email_provider.recovered", "email.sent"}, Ran: []string{"email.deliver completed"}})
}

// Fault 7: a refused message ends; an address that its provider suppresses is put on
// our list too, and gets nothing more.
func TestFault7RefusedAndSuppressed(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: []error{failing(post.Refused, 0), failing(post.Suppressed, 0)}}
	a := by(t, p)
	bad, dead := verify(a, "bad@example.com"), verify(a, "dead@example.com")
	a.RunJobs()
	wantLife(t, a, bad, "failed: queued rendered attempted failed")
	wantLife(t, a, dead, "suppressed: queued rendered attempted suppressed")
	again := verify(a, "dead@example.com")
	a.RunJobs()
	wantLife(t, a, again, "suppressed: queued suppressed")
	if p.asked != 2 {
		t.Errorf("asked %d times", p.asked)
	}
}

// Fault 8: a process that dies between the provider's answer and its own note sends the
// message once more, says so in its life, and does not go on like that for ever.
func TestFault8TheProcessDiedInAnAttempt(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark"}
	a := by(t, p)
	id := verify(a, "a@example.com")
	lost := func() {
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO email_attempt (id, message_id, provider, started_at, class) VALUES (?, ?, 'postmark', ?, '')`, tx.NewID("mat"), id, tx.Now().UnixMilli())
			return err
		}))
	}
	lost()
	a.RunJobs()
	p.wants(t, "a@example.com")
	wantLife(t, a, id, "sent: queued unknown accepted")
	if why := a.Query(`SELECT details FROM email_event WHERE message_id = ? AND kind = 'unknown'`, id); !strings.Contains(why, "may arrive twice") {
		t.Error(why)
	}
	id = verify(a, "b@example.com")
	for range 2 {
		lost()
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE email_attempt SET ended_at = 1, class = 'lost' WHERE message_id = ? AND id < (SELECT max(id) FROM email_attempt)`, id)
			return err
		}))
	}
	a.Forget()
	a.RunJobs()
	p.wants(t, "a@example.com")
	wantLife(t, a, id, "unknown: queued unknown")
	a.Expect(apptest.Happened{Audit: []string{"email.unknown"}, Ran: []string{"email.deliver completed"}})
}

// A message that every provider fails for now uses up its attempts, and is given up at
// last: it does not go round between them, asking each again every second.
func TestEveryProviderFails(t *testing.T) {
	t.Parallel()
	p, q := &carrier{name: "postmark"}, &carrier{name: "ses"}
	for range 100 {
		p.answers, q.answers = append(p.answers, failing(post.Temporary, 0)), append(q.answers, failing(post.Temporary, 0))
	}
	a := by(t, p, q)
	id := notice(a, "a@example.com")
	healthy := func() { // by the mail of others
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(`DELETE FROM email_provider`); return err }))
	}
	for range 60 {
		a.RunJobs()
		healthy()
		a.Clock.Advance(time.Second)
	}
	if p.asked+q.asked > 12 {
		t.Errorf("asked %d times in a minute", p.asked+q.asked)
	}
	for range 20 {
		a.Clock.Advance(2 * time.Hour)
		a.RunJobs()
		healthy()
	}
	if got := a.Query(`SELECT status || ' ' || (SELECT max(attempt) FROM queue_job WHERE kind = 'email.deliver') FROM email_message WHERE id = ?`, id); got != "failed 12" {
		t.Errorf("%s after asking %d times", got, p.asked+q.asked)
	}
}

// Fault 5: on_unknown failover leads to each provider once. When none is left that surely
// has not got it, the message is in doubt, and none is asked a second time.
func TestFault5FailoverComesToAnEnd(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"postmark"}, {"postmark", "ses"}} {
		var all []*carrier
		for _, name := range names {
			all = append(all, &carrier{name: name, answers: slices.Repeat([]error{failing(post.Unknown, 0)}, 30)})
		}
		a := by(t, all...)
		id := handIn(a, a.Key("email:send"), object{"to": "ada@example.com", "subject": "Hi", "text": "x", "on_unknown": "failover"})[0]
		for range 20 {
			a.RunJobs()
			a.Clock.Advance(time.Hour)
		}
		for _, c := range all {
			if c.asked != 1 {
				t.Errorf("of %v %s was asked %d times", names, c.name, c.asked)
			}
		}
		if got := life(a, id); !strings.HasPrefix(got, "unknown: queued rendered unknown") {
			t.Error(got)
		}
	}
}

// A refusal is an answer: the provider that gives it is back.
func TestRefusalProvesAProviderWorks(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark", answers: slices.Repeat([]error{failing(post.Temporary, 0)}, 5)}
	p.answers = append(p.answers, failing(post.Refused, 0))
	a := by(t, p)
	for i := range 7 {
		verify(a, fmt.Sprintf("%d@example.com", i))
	}
	a.RunJobs()
	if state := a.Query(`SELECT state FROM email_provider`); state != "open" {
		t.Fatalf("it is %s", state)
	}
	a.Clock.Advance(time.Minute)
	a.Forget()
	a.RunJobs()
	if got := a.Query(`SELECT state || ' ' || failures FROM email_provider`); got != "working 0" {
		t.Error(got)
	}
	if len(p.got) == 0 {
		t.Error("the mail that waited does not go out")
	}
}

// Fault 9: a change that is rolled back sends nothing and leaves nothing.
func TestFault9RolledBack(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark"}
	a := by(t, p)
	undo := errors.New("undo")
	err := a.DB.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := a.Email.Send(tx, email.Message{To: "a@example.com", Template: "auth/verify", Vars: map[string]string{"Name": "Ada", "URL": "https://example.com/"}}); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	a.RunJobs()
	p.wants(t)
	if n := a.Count("email_message") + a.Count("email_event"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A rate is kept, and whoever waits for his turn uses up no attempt.
func TestMailRate(t *testing.T) {
	t.Parallel()
	p := &carrier{name: "postmark"}
	a := apptest.New(t, func(c *config.Config, o *app.Options) {
		c.MailRates = []string{"postmark=2"}
		o.Carriers = []post.Provider{p}
	})
	for i := range 6 {
		verify(a, fmt.Sprintf("%d@example.com", i))
	}
	a.RunJobs()
	at := []int{len(p.got)}
	for range 3 {
		a.Clock.Advance(time.Second)
		a.RunJobs()
		at = append(at, len(p.got))
	}
	if at[0] > 2 || at[1] <= at[0] || at[3] != 6 {
		t.Errorf("sent by second: %v", at)
	}
}
