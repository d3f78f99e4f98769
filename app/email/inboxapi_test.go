package email_test

import (
	"net/smtp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

func TestMailsAreFound(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	send := func(to, subject, text string) {
		a.Clock.Advance(time.Minute)
		a.Must(smtp.SendMail(addr, nil, "shop@shop.example", []string{to}, []byte("From: Über <shop@shop.example>\r\nTo: "+to+"\r\nSubject: "+subject+"\r\n\r\n"+text)))
	}
	send("ada@example.com", "Your receipt", "paid 100 %")
	send("lada@example.com", "Your receipt", "not paid")
	send("Ada@Example.com", "WELCOME", "hello")
	for query, want := range map[string]int{"": 3, "?to=ada@example.com": 2, "?to=ADA@example.com&subject=receipt": 1, "?to=example.com": 0, "?subject=welcome": 1, "?q=paid": 2, "?q=100+%25": 1, "?q=100+_": 0,
		"?from=%C3%BCber": 3, "?from=nobody": 0, "?since=2026-11-22T14:07:00Z": 2, "?limit=2": 2, "?unread=true": 3, "?kind=mail": 3, "?kind=text": 0} {
		if got := len(inboxOf(a, query)); got != want {
			t.Errorf("%s: %d mails, want %d", query, got, want)
		}
	}
	newest := inboxOf(a, "?limit=1")[0]
	if older := inboxOf(a, "?before="+newest.ID); len(older) != 2 || newest.Subject != "WELCOME" {
		t.Errorf("%s, then %d", newest.Subject, len(older))
	}
	for query, field := range map[string]string{"?too=x": "too", "?limit=0": "limit", "?limit=x": "limit", "?since=yesterday": "since", "?wait=61s": "wait", "?wait=-1s": "wait", "?wait=soon": "wait", "?kind=fax": "kind", "?unread=maybe": "unread",
		"?q=" + strings.Repeat("x", 501): "q"} {
		program(a).Get("/-/dev/inbox"+query).WantProblem(422, "invalid", field)
	}
	b := a.Browser()
	b.Get("/-/dev/inbox/" + newest.ID).Want(200)
	if got := len(inboxOf(a, "?unread=true")); got != 2 {
		t.Errorf("%d unread after one was opened", got)
	}
	b.Get("/-/dev/inbox?unread=1").Want(200, "Your receipt").Without("WELCOME")
	b.Post("/-/dev/inbox/" + newest.ID + "/unread").Want(200)
	if got := len(inboxOf(a, "?unread=true")); got != 3 {
		t.Errorf("%d unread after it was marked so", got)
	}
	program(a).Do("DELETE", "/-/dev/inbox/"+newest.ID, "", "").Want(204)
	program(a).Do("DELETE", "/-/dev/inbox/"+newest.ID, "", "").Want(404)
	program(a).Get("/-/dev/inbox/" + newest.ID).Want(404)
	b.Post("/-/dev/inbox/" + inboxOf(a, "")[0].ID + "/delete").Want(200)
	program(a).Do("DELETE", "/-/dev/inbox", "", "").Want(204)
	if got := len(inboxOf(a, "")); got != 0 {
		t.Errorf("%d mails after all were removed", got)
	}
}

// A test of the customer's waits for the mail rather than asking again and again.
func TestLongPollAnswersAsSoonAsAMailIsThere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	if got := inboxOf(a, "?to=ada@example.com&wait=0s"); len(got) != 0 {
		t.Errorf("%d mails", len(got))
	}
	if got := inboxOf(a, "?to=ada@example.com&wait=1ms"); len(got) != 0 {
		t.Errorf("%d mails after a wait in vain", len(got))
	}
	came := make(chan []inboxMail)
	var waiting sync.WaitGroup
	waiting.Go(func() { came <- inboxOf(a, "?to=ada@example.com&wait=30s") })
	began := time.Now()
	for a.Email.Waiting() == 0 && time.Since(began) < 20*time.Second {
		runtime.Gosched()
	}
	a.Must(smtp.SendMail(addr, nil, "a@b.example", []string{"bob@example.com"}, []byte("Subject: for Bob\r\n\r\nx")))
	a.Must(smtp.SendMail(addr, nil, "a@b.example", []string{"ada@example.com"}, []byte("Subject: for Ada\r\n\r\nx")))
	if got := <-came; len(got) != 1 || got[0].Subject != "for Ada" {
		t.Errorf("%+v", got)
	}
	waiting.Wait()
	if took := time.Since(began); took > 20*time.Second { // it was not told, and looked again at the end
		t.Errorf("it took %s", took)
	}
}
