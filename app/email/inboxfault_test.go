package email_test

import (
	"errors"
	"fmt"
	"net/smtp"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/store"
)

// putFaults sets faults as a program does.
func putFaults(a *apptest.App, body string) apptest.Page {
	a.T.Helper()
	return program(a).Do("PUT", "/-/dev/inbox/faults", "application/json", body)
}

// sendNote sends a mail of Seaworthy's own, and runs no job.
func sendNote(a *apptest.App, to string) (id string) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) (err error) {
		id, err = a.Email.Send(tx, email.Message{To: to, Template: "auth/verify", Vars: map[string]string{"Name": "Ada", "URL": "https://example.com/x"}})
		return err
	}))
	return id
}

func TestFaultsMeetSendsBySeaworthy(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	state := func(id string) string {
		return a.Query(`SELECT status || ' ' || coalesce(error, '') FROM email_message WHERE id = ?`, id)
	}

	putFaults(a, `{"kind":"temporary","next":1}`).Want(200, `"on":true`)
	a.Browser().Get("/-/dev/inbox").Want(200, "Faults are on", "refused for now (451): the next 1 of them")
	id := sendNote(a, "ada@example.com")
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.deliver retryable"}})
	a.Browser().Get("/-/dev/inbox").Want(200).Without("Faults are on")
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.deliver completed"}, Audit: []string{"email.sent"}, Mails: []string{"ada@example.com: Verify your address for Acme"}})
	if got := state(id); got != "sent " {
		t.Errorf("after a temporary fault: %s", got)
	}

	putFaults(a, `{"kind":"permanent","next":2,"origin":"seaworthy"}`).Want(200)
	id = sendNote(a, "ada@example.com")
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.deliver completed"}, Audit: []string{"email.failed"}})
	if got := state(id); !strings.HasPrefix(got, "failed refused: 550") {
		t.Errorf("after a permanent fault: %s", got)
	}

	// The provider has it, nobody knows. No word of it comes, and it is a mail that
	// somebody waits for to get in: it is sent once more, and comes twice.
	putFaults(a, `{"kind":"timeout","next":1}`).Want(200)
	sendNote(a, "ada@example.com")
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.deliver completed"}, Jobs: []string{"email.settle"}, Audit: []string{"email.unknown"}, Mails: []string{"ada@example.com: Verify your address for Acme"}})
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.settle completed", "email.deliver completed"}, Jobs: []string{"email.deliver"}, Audit: []string{"email.sent"}, Mails: []string{"ada@example.com: Verify your address for Acme"}})

	putFaults(a, `{"kind":"slow","next":1,"milliseconds":1}`).Want(200)
	sendNote(a, "ada@example.com")
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.deliver completed"}, Audit: []string{"email.sent"}, Mails: []string{"ada@example.com: Verify your address for Acme"}})
}

func TestFaultsMeetSendsOverSMTP(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	send := func() error {
		return smtp.SendMail(addr, nil, "a@b.example", []string{"ada@example.com"}, []byte("Subject: x\r\n\r\nx"))
	}
	code := func(err error) string {
		var said *textproto.Error
		switch {
		case err == nil:
			return "taken"
		case errors.As(err, &said):
			return fmt.Sprint(said.Code)
		}
		return "no answer"
	}
	for _, c := range []struct{ fault, want, kept string }{
		{`{"kind":"temporary","next":1}`, "451 taken", "1"}, {`{"kind":"permanent","next":1}`, "550 taken", "1"},
		{`{"kind":"timeout","next":1}`, "no answer taken", "2"}, {`{"kind":"slow","next":1,"milliseconds":1}`, "taken taken", "2"},
		{`{"kind":"permanent","next":1,"origin":"seaworthy"}`, "taken taken", "2"},
	} {
		program(a).Do("DELETE", "/-/dev/inbox", "", "").Want(204)
		putFaults(a, c.fault).Want(200)
		if got := code(send()) + " " + code(send()); got != c.want {
			t.Errorf("%s: %s, want %s", c.fault, got, c.want)
		}
		if got := a.Query("SELECT count(*) FROM email_inbox"); got != c.kept {
			t.Errorf("%s: %s mails kept, want %s", c.fault, got, c.kept)
		}
	}
	putFaults(a, `{"kind":"permanent","percent":30}`).Want(200)
	refused := 0
	for range 20 {
		if send() != nil {
			refused++
		}
	}
	if refused != 6 {
		t.Errorf("%d of 20 refused, want 6", refused)
	}
	program(a).Get("/-/dev/inbox/faults").Want(200, `"struck":6`, `"percent":30`)
	program(a).Do("DELETE", "/-/dev/inbox/faults", "", "").Want(204)
	a.Must(send())
}

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	for body, fields := range map[string][]string{
		`{"kind":"explode","next":1}`: {"kind"}, `{"kind":"slow"}`: {"next"}, `{"kind":"slow","next":1,"percent":1}`: {"next"}, `{"kind":"slow","next":1001}`: {"next"},
		`{"kind":"slow","percent":101}`: {"percent"}, `{"kind":"slow","next":1,"origin":"mars"}`: {"origin"}, `{"kind":"slow","next":1,"milliseconds":60001}`: {"milliseconds"}, `{"kind":"slow","next":-1}`: {"next", "next"},
	} {
		putFaults(a, body).WantProblem(422, "invalid", fields...)
	}
	putFaults(a, `{"kind":"slow","next":1,"x":1}`).WantProblem(400, "bad_field", "x")
	b := a.Browser()
	b.Post("/-/dev/inbox/faults", "kind", "permanent", "often", "percent-50", "origin", "smtp").Want(200, "Sends over SMTP are refused for good (550): 50 of 100")
	b.Post("/-/dev/inbox/faults", "kind", "").Want(200).Without("Faults are on")
	b.Post("/-/dev/inbox/faults", "kind", "permanent", "often", "now and then").Want(422)
	a.ExpectNothing()
}

// What a provider would report has the same effects when it is made up.
func TestFeedbackIsSimulated(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	for _, c := range []struct{ event, status, suppression string }{
		{"delivered", "delivered", ""}, {"bounced_soft", "bounced", ""}, {"bounced_hard", "bounced", "all bounce"}, {"complained", "complained", "nonsecurity complaint"},
	} {
		to := c.event + "@example.com"
		id := sendNote(a, to)
		a.RunJobs()
		a.Forget()
		mail := inboxOf(a, "?to="+to)[0]
		if mail.Message != id || mail.Origin != "seaworthy" {
			t.Fatalf("%+v", mail)
		}
		a.Browser().Post("/-/dev/inbox/"+mail.ID+"/feedback", "event", c.event).Want(200, "what became of it")
		rows := map[string]int{"email_event": 1}
		if c.suppression != "" {
			rows["email_suppression"] = 1
		}
		a.Expect(apptest.Happened{Audit: []string{"email.feedback_simulated"}, Rows: rows})
		if got := a.Query(`SELECT status FROM email_message WHERE id = ?`, id); got != c.status {
			t.Errorf("%s: status %s", c.event, got)
		}
		if got := a.Query(`SELECT coalesce(max(scope || ' ' || reason), '') FROM email_suppression WHERE address = ?`, to); got != c.suppression {
			t.Errorf("%s: suppression %q", c.event, got)
		}
	}
	id := inboxOf(a, "?to=complained@example.com")[0].ID
	var made struct {
		Event      string `json:"event_id"`
		Suppressed bool
	}
	a.Forget()
	program(a).PostJSON("/-/dev/inbox/"+id+"/feedback", map[string]string{"event": "delivered"}).Want(200).JSON(&made)
	if got := a.Query(`SELECT status FROM email_message WHERE recipient = 'complained@example.com'`); got != "complained" || made.Event == "" || made.Suppressed {
		t.Errorf("a late delivery makes it %s, %+v", got, made)
	}
	a.Expect(apptest.Happened{Audit: []string{"email.feedback_simulated"}, Rows: map[string]int{"email_event": 1}})
	program(a).PostJSON("/-/dev/inbox/"+id+"/feedback", map[string]string{"event": "exploded"}).WantProblem(422, "invalid", "event")
	program(a).PostJSON("/-/dev/inbox/inb_nothing/feedback", map[string]string{"event": "delivered"}).Want(404)
	a.Must(smtp.SendMail(addr, nil, "a@b.example", []string{"ada@example.com"}, []byte("Subject: x\r\n\r\nx")))
	a.Forget()
	program(a).PostJSON("/-/dev/inbox/"+inboxOf(a, "?limit=1")[0].ID+"/feedback", map[string]string{"event": "delivered"}).WantProblem(409, "not_sent_here")
	a.ExpectNothing()
}

// The inbox keeps the newest mails and no more than a bound.
func TestInboxForgetsTheOldest(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 2100 {
			if _, err := tx.Exec(`INSERT INTO email_inbox (id, message_id, origin, sender, recipient, cc, reply_to, recipients, subject, sender_norm, subject_norm, size, received_at, parts, search)
				VALUES (?, '', 'smtp', '', '', '', '', '', ?, '', '', 1, 0, '[]', '')`, tx.NewID("inb"), fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	addr := listen(t, a)
	a.Must(smtp.SendMail(addr, nil, "a@b.example", []string{"ada@example.com"}, []byte("Subject: newest\r\n\r\n"+strings.Repeat(strings.Repeat("x", 900)+"\r\n", 1300))))
	if got := a.Query(`SELECT count(*) || ' ' || min(CASE WHEN subject = 'newest' THEN '9999' ELSE subject END) || ' ' || max(subject) FROM email_inbox`); got != "2000 1000 newest" {
		t.Errorf("kept: %s", got)
	}
	if got := a.Query(`SELECT count(*) FROM email_inbox_body`); got != "1" {
		t.Errorf("%s bodies", got)
	}
	// A page further down refreshes as itself, and so does the list beside a mail.
	first := a.Browser().Get("/-/dev/inbox").Want(200, "Older")
	older := regexp.MustCompile(`href="(/-/dev/inbox\?before=[^"]+)" rel="next"`).FindStringSubmatch(first.Body)
	if older == nil {
		t.Fatal("no link to older mails")
	}
	query := strings.TrimPrefix(older[1], "/-/dev/inbox")
	a.Browser().Get(older[1]).Want(200, `hx-get="/-/dev/inbox`+query+`"`, query+`">`).Without("newest")
}
