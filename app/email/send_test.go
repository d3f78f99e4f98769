package email_test

import (
	"context"
	"encoding/base64"
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

// letterbox is a provider that keeps what it accepts.
type letterbox struct {
	name  string
	limit int64
	utf8  bool
	mu    sync.Mutex
	got   []post.Message
}

func (l *letterbox) Name() string { return l.name }
func (l *letterbox) Limit() int64 { return l.limit }
func (l *letterbox) UTF8() bool   { return l.utf8 }

func (l *letterbox) Send(_ context.Context, m post.Message) (post.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, m)
	return post.Receipt{ProviderID: fmt.Sprintf("%s-%d", l.name, len(l.got)), MessageID: m.MessageID}, nil
}

func (l *letterbox) all() []post.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got)
}

// posted starts an app whose mail goes by letterboxes, and a key that sends.
func posted(t *testing.T, boxes ...*letterbox) (*apptest.App, *apptest.Browser) {
	t.Helper()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.MailFrom, c.MailDomains, c.MailDays = "Acme <hello@acme.example>", []string{"shop.example", "Bücher.example"}, 90
		for _, b := range boxes {
			o.Carriers = append(o.Carriers, b)
		}
	})
	key := a.Key("email:send", "email:manage")
	a.Forget()
	return a, key
}

func postbox() *letterbox { return &letterbox{name: "postmark", limit: 10_000_000} }

const sendPath = "/-/api/v1/email/send"

type handed struct {
	ID       string
	Messages []struct{ ID, To, Status, Reason string }
}

// handIn hands mail in and returns the ids of its messages.
func handIn(a *apptest.App, key *apptest.Browser, in object) (ids []string) {
	a.T.Helper()
	var out handed
	key.PostJSON(sendPath, in).Want(202).JSON(&out)
	for _, m := range out.Messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestSendWritten(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	ids := handIn(a, key, object{"to": "Ada <ada@example.com>", "subject": "Your  report", "html": `<p>See <a href="https://acme.example/r">the report</a>.</p><img src="cid:chart">`,
		"from": "Acme Shop <orders@shop.example>", "reply_to": "help@acme.example", "tags": []string{"report", "weekly"}, "metadata": object{"customer": "c-17"},
		"headers": object{"X-Campaign": "w47"}, "user": "usr_1", "org": "org_1",
		"attachments": []object{{"name": "Report.PDF", "content": base64.StdEncoding.EncodeToString([]byte("%PDF-1"))}, {"name": "chart.png", "content_id": "chart", "content": "iVBORw0="}}})
	a.Expect(apptest.Happened{Audit: []string{"email.handed_in"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"email_request": 1, "email_file": 2, "email_tag": 2}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"}})
	got := box.all()
	if len(got) != 1 || len(ids) != 1 {
		t.Fatalf("%v, %v", got, ids)
	}
	m := got[0]
	if m.From != `"Acme Shop" <orders@shop.example>` || m.To != "Ada <ada@example.com>" || m.ReplyTo != "help@acme.example" || m.Subject != "Your report" || m.Tag != "report" ||
		m.Text != "See the report (https://acme.example/r).\n" || len(m.Attachments) != 2 || m.Attachments[0].Type != "application/pdf" || m.Attachments[1].ContentID != "chart" {
		t.Errorf("%+v", m)
	}
	if raw := string(m.Raw); !strings.Contains(raw, "Content-Id: <chart>") || !strings.Contains(raw, "Reply-To: <help@acme.example>") || !strings.Contains(raw, "X-Campaign: w47") || strings.Contains(raw, "c-17") {
		t.Error(raw)
	}
	var shown struct {
		ID, To, Status, Subject, User string
		Tags                          []string
		Metadata                      map[string]string
		Events                        []struct{ Kind string }
	}
	key.Get("/-/api/v1/email/messages/" + ids[0]).Want(200).JSON(&shown)
	if shown.Status != "sent" || shown.Subject != "Your report" || shown.User != "usr_1" || !slices.Equal(shown.Tags, []string{"report", "weekly"}) || shown.Metadata["customer"] != "c-17" || len(shown.Events) != 3 {
		t.Errorf("%+v", shown)
	}
}

func TestSendTemplateToMany(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	plan(a, key)
	handIn(a, key, object{"template": "welcome", "vars": object{"Plan": "Team"}, "to": []any{"ada@example.com", object{"address": "Bob <bob@example.com>", "vars": object{"Plan": "Free"}}}})
	a.RunJobs()
	got := box.all()
	if len(got) != 2 || !strings.Contains(got[0].Text, "plan: Team") || !strings.Contains(got[1].Text, "plan: Free") || got[1].To != "Bob <bob@example.com>" {
		t.Errorf("%+v", got)
	}
}

// plan makes the customer's template welcome, with the variable Plan.
func plan(a *apptest.App, key *apptest.Browser) {
	a.T.Helper()
	key.PostJSON("/-/api/v1/email/templates", object{"name": "welcome", "source": "subject: Welcome\npreheader: Hello\nclass: product\n---\n# Welcome\n\nYour plan: {{.Plan}}\n",
		"variables": []object{{"name": "Plan", "type": "text", "required": true}}, "sample": object{"Plan": "Team"}}).Want(201)
	a.Forget()
}

// Fault 19: nothing that is handed in begins a header of its own, and a fault names
// its field.
func TestFault19LineBreaks(t *testing.T) {
	t.Parallel()
	a, key := posted(t, postbox())
	for field, in := range map[string]object{
		"subject":       {"subject": "Hi\r\nBcc: eve@evil.example"},
		"from":          {"from": "Acme\n<hello@acme.example>"},
		"reply_to":      {"reply_to": "a@example.com\r\nBcc: eve@evil.example"},
		"to.0":          {"to": []string{"ada@example.com\r\nBcc: eve@evil.example"}},
		"tags.0":        {"tags": []string{"a\nb"}},
		"headers":       {"headers": object{"X-A": "b\r\nBcc: eve@evil.example"}},
		"metadata":      {"metadata": object{"a": "b\nc"}},
		"attachments.0": {"attachments": []object{{"name": "a\r\nb.pdf", "content": "AAAA"}}},
	} {
		whole := object{"to": "ada@example.com", "subject": "Hi", "text": "Hello"}
		for k, v := range in {
			whole[k] = v
		}
		wantField(t, key.PostJSON(sendPath, whole), 400, field, "line_break")
	}
	wantField(t, key.Do("POST", sendPath, "application/json", `{"to":"ada@example.com","subject":"a\u0000b","text":"x"}`), 400, "subject", "encoding")
	a.ExpectNothing()
}

func TestSendRefusals(t *testing.T) {
	t.Parallel()
	a, key := posted(t, postbox())
	plan(a, key)
	for _, c := range []struct {
		field, code string
		in          object
	}{
		{"to", "required", object{"to": []string{}}},
		{"to", "too_many", object{"to": slices.Repeat([]string{"a@example.com"}, 51)}},
		{"to.1", "duplicate", object{"to": []string{"a@example.com", "A@example.com"}}},
		{"to.0", "address", object{"to": "ada"}},
		{"to.0", "address", object{"to": "ada@-x.example"}},
		{"to.0", "address", object{"to": strings.Repeat("A", 400) + " <ada@example.com>"}},
		{"category", "required", object{"text": "Stop: {{unsubscribe_url}}"}},
		{"headers", "too_many", object{"headers": many("X-A", 21)}},
		{"metadata", "too_many", object{"metadata": many("a", 21)}},
		{"template", "both", object{"template": "welcome"}},
		{"template", "unknown", object{"template": "nothing", "subject": "", "text": ""}},
		{"template", "reserved", object{"template": "auth/verify", "subject": "", "text": ""}},
		{"text", "required", object{"text": ""}},
		{"subject", "required", object{"subject": " "}},
		{"from", "domain", object{"from": "x@evil.example"}},
		{"from", "domain", object{"from": "x@sub.acme.example"}},
		{"stream", "choice", object{"stream": "x"}},
		{"class", "choice", object{"class": "x"}},
		{"category", "unknown", object{"category": "x"}},
		{"on_unknown", "choice", object{"on_unknown": "x"}},
		{"tags.0", "form", object{"tags": []string{"a b"}}},
		{"headers.Bcc", "name", object{"headers": object{"Bcc": "eve@evil.example"}}},
		{"headers.List-Unsubscribe", "name", object{"headers": object{"List-Unsubscribe": "<x>"}}},
		{"send_at", "range", object{"send_at": "2031-01-01T00:00:00Z"}},
		{"attachments.0.name", "refused", object{"attachments": []object{{"name": "a.exe", "content": "AAAA"}}}},
		{"attachments.0.name", "refused", object{"attachments": []object{{"name": "a.EXE. ", "content": "AAAA"}}}},
		{"attachments.0.content", "required", object{"attachments": []object{{"name": "a.pdf", "content": ""}}}},
		{"attachments.0.type", "form", object{"attachments": []object{{"name": "a.pdf", "type": "text/html; x", "content": "AAAA"}}}},
		{"vars", "unexpected", object{"vars": object{"A": "b"}}},
	} {
		whole := object{"to": "ada@example.com", "subject": "Hi", "text": "Hello"}
		for k, v := range c.in {
			whole[k] = v
		}
		wantField(t, key.PostJSON(sendPath, whole), 422, c.field, c.code)
	}
	wantField(t, key.Do("POST", sendPath, "application/json", `{"to":[{"address":"ada@example.com","role":"x"}],"subject":"x","text":"x"}`), 400, "to.0.role", "unknown")
	a.Key("email:read").PostJSON(sendPath, object{"to": "ada@example.com", "subject": "x", "text": "x"}).Want(403)
	a.Browser().PostJSON(sendPath, object{"to": "ada@example.com", "subject": "x", "text": "x"}).Want(401)
	a.Forget()
	a.ExpectNothing()
}

func many(name string, n int) object {
	all := object{}
	for i := range n {
		all[fmt.Sprint(name, i)] = "x"
	}
	return all
}

// A list that is far too long is told of as one fault, whatever is in it, and is not kept.
func TestSendHasBounds(t *testing.T) {
	t.Parallel()
	a, key := posted(t, postbox())
	for field, one := range map[string]string{"tags": `"a"`, "attachments": `{}`, "to": `"ada@example.com"`} {
		body := `{"to":["ada@example.com"],"subject":"x","text":"y","` + field + `":[` + strings.Repeat(one+",", 20_000) + one + `]}`
		if field == "to" {
			body = strings.Replace(body, `"to":["ada@example.com"],`, "", 1)
		}
		p := key.Do("POST", sendPath, "application/json", body)
		wantField(t, p, 422, field, "too_many")
		var problem apptest.Problem
		if p.JSON(&problem); len(problem.Errors) != 1 {
			t.Errorf("%s: %d faults", field, len(problem.Errors))
		}
	}
	wantField(t, key.PostJSON(sendPath, object{"to": "ada@example.com", "subject": "x", "text": "y", "tags": "a"}), 400, "tags", "type")
	a.ExpectNothing()
}

// Fault 20: a domain of other letters goes out as the DNS knows it; a local part of
// them only by whoever takes it.
func TestFault20OtherLetters(t *testing.T) {
	t.Parallel()
	plain := postbox()
	a, key := posted(t, plain)
	handIn(a, key, object{"to": "ada@bücher.example", "subject": "Hi", "text": "x"})
	wantField(t, key.PostJSON(sendPath, object{"to": []string{"ada@example.com", "jürgen@example.com"}, "subject": "Hi", "text": "x"}), 422, "to.1", "undeliverable")
	a.RunJobs()
	if got := plain.all(); len(got) != 1 || !strings.Contains(string(got[0].Raw), "To: <ada@xn--bcher-kva.example>") {
		t.Errorf("%+v", got)
	}
	wide := &letterbox{name: "smtp", limit: 10_000_000, utf8: true}
	b, other := posted(t, plain, wide)
	handIn(b, other, object{"to": "jürgen@example.com", "subject": "Hi", "text": "x"})
	b.RunJobs()
	if len(wide.all()) != 1 || len(plain.all()) != 1 {
		t.Error("it did not go by the one that takes it")
	}
}

// Fault 21: what no provider carries is refused at once; what one carries goes by it.
func TestFault21LargeFile(t *testing.T) {
	t.Parallel()
	small, large := postbox(), &letterbox{name: "ses", limit: 40_000_000}
	file := []object{{"name": "film.zip", "content": base64.StdEncoding.EncodeToString(make([]byte, 15_000_000))}}
	a, key := posted(t, small)
	wantField(t, key.PostJSON(sendPath, object{"to": "ada@example.com", "subject": "Hi", "text": "x", "attachments": file}), 422, "attachments", "undeliverable")
	a.ExpectNothing()
	b, other := posted(t, small, large)
	handIn(b, other, object{"to": "ada@example.com", "subject": "Hi", "text": "x", "attachments": file})
	b.RunJobs()
	if len(small.all()) != 0 || len(large.all()) != 1 || len(large.all()[0].Attachments[0].Data) != 15_000_000 {
		t.Error("it did not go by the one that carries it")
	}
}

// Fault 22: of several recipients only the suppressed one is left out, and whoever
// sends is told.
func TestFault22SuppressedRecipient(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		return a.Email.SuppressFor(tx, email.Suppression{Address: "bob@example.com", Scope: email.ScopeAll, Reason: "bounce"})
	}))
	a.Forget()
	var out handed
	key.PostJSON(sendPath, object{"to": []string{"ada@example.com", "Bob@example.com"}, "subject": "Hi", "text": "x"}).Want(202).JSON(&out)
	if len(out.Messages) != 2 || out.Messages[0].Status != "queued" || out.Messages[1].Status != "suppressed" || out.Messages[1].Reason != "bounce" {
		t.Errorf("%+v", out)
	}
	a.Expect(apptest.Happened{Audit: []string{"email.handed_in"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"email_request": 1}})
	a.RunJobs()
	wantLife(t, a, out.Messages[1].ID, "suppressed: suppressed")
	if len(box.all()) != 1 {
		t.Errorf("%d were sent", len(box.all()))
	}
}

// Fault 26: marketing goes only to those who can end it, and says who sends it.
func TestFault26Marketing(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	mail := func(more object) object {
		in := object{"to": "ada@example.com", "subject": "Sale", "html": "<html><body><p>Buy</p></body></html>"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	wantField(t, key.PostJSON(sendPath, mail(object{"class": "marketing"})), 422, "category", "required")
	key.Do("PUT", "/-/api/v1/email/categories/deals", "application/json", `{"title":"Deals","description":"Offers, once a month.","kind":"marketing"}`).Want(201)
	a.Forget()
	wantField(t, key.PostJSON(sendPath, mail(object{"category": "deals"})), 422, "category", "postal_address")
	wantField(t, key.PostJSON(sendPath, mail(object{"category": "deals", "class": "security"})), 422, "category", "security")
	a.ExpectNothing()
	key.Do("PUT", "/-/api/v1/email/brand", "application/json", `{"version":0,"address":"Acme Ltd\n1 <Quay> Street"}`).Want(200)
	ids := handIn(a, key, mail(object{"category": "deals"}))
	a.RunJobs()
	got := box.all()
	if len(got) != 1 || got[0].Stream != post.Broadcast || !strings.Contains(got[0].HTML, ">Unsubscribe</a>") || !strings.Contains(got[0].HTML, "Acme Ltd<br>1 &lt;Quay&gt; Street</div></body>") ||
		!strings.Contains(got[0].Text, "Unsubscribe: http") || !strings.Contains(got[0].Text, "1 <Quay> Street") {
		t.Fatalf("%+v", got)
	}
	if class := a.Query(`SELECT class FROM email_message WHERE id = ?`, ids[0]); class != "marketing" {
		t.Error(class)
	}
	// Where its author put the link it is not put again.
	handIn(a, key, object{"to": "bob@example.com", "subject": "Sale", "category": "deals", "html": `<p><a href="{{unsubscribe_url}}">Stop</a> {{postal_address}}</p>`})
	a.RunJobs()
	if last := box.all()[1]; strings.Count(last.HTML, "/-/unsubscribe/") != 1 || strings.Contains(last.HTML, "{{") {
		t.Error(last.HTML)
	}
	// Where nobody can unsubscribe the address is said all the same.
	handIn(a, key, object{"to": "bob@example.com", "subject": "Terms", "text": "We are {{postal_address}}."})
	a.RunJobs()
	if last := box.all()[2]; last.Text != "We are Acme Ltd\n1 <Quay> Street." {
		t.Errorf("%q", last.Text)
	}
}

// Marketing by a mail server of one's own has to be signed by its sender's domain.
func TestFault26MarketingIsSigned(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.MailFrom, c.SMTPURL = "Acme <hello@acme.example>", "smtp://127.0.0.1:9"
	})
	key := a.Key("email:send", "email:manage")
	key.Do("PUT", "/-/api/v1/email/categories/deals", "application/json", `{"title":"Deals","description":"Offers, once a month.","kind":"marketing"}`).Want(201)
	key.Do("PUT", "/-/api/v1/email/brand", "application/json", `{"version":0,"address":"1 Quay Street"}`).Want(200)
	wantField(t, key.PostJSON(sendPath, object{"to": "ada@example.com", "subject": "Sale", "text": "Buy", "category": "deals"}), 422, "from", "dkim")
}

// Fault 27: a variable that is missing is named, and nobody gets anything.
func TestFault27MissingVariable(t *testing.T) {
	t.Parallel()
	a, key := posted(t, postbox())
	plan(a, key)
	p := key.PostJSON(sendPath, object{"template": "welcome", "to": []any{object{"address": "ada@example.com", "vars": object{"Plan": "Team"}}, "bob@example.com"}})
	wantField(t, p, 422, "vars", "required")
	if !strings.Contains(p.Body, "Plan") || !strings.Contains(p.Body, "to.1") {
		t.Error(p.Body)
	}
	a.ExpectNothing()
}

// Fault 30: what is too late to be of use is not sent; its time counts from when it
// was to go.
func TestFault30TooLate(t *testing.T) {
	t.Parallel()
	box := postbox()
	a, key := posted(t, box)
	at := a.Clock.Now().Add(2 * time.Hour)
	ids := handIn(a, key, object{"to": "ada@example.com", "subject": "Code", "text": "1234", "ttl_seconds": 600, "send_at": at})
	a.RunJobs()
	if len(box.all()) != 0 {
		t.Fatal("it was sent before its time")
	}
	key.Get("/-/api/v1/email/messages/"+ids[0]).Want(200, `"status":"scheduled"`)
	a.Clock.Advance(2*time.Hour + 11*time.Minute)
	a.RunJobs()
	wantLife(t, a, ids[0], "expired: queued expired")
	key.Post("/-/api/v1/email/messages/"+ids[0]+"/resend").WantProblem(409, "expired")
}

// wantField fails the test unless the answer names this field and fault first.
func wantField(t *testing.T, p apptest.Page, status int, field, code string) {
	t.Helper()
	var problem apptest.Problem
	p.Want(status).JSON(&problem)
	if len(problem.Errors) == 0 || problem.Errors[0].Field != field || problem.Errors[0].Code != code {
		t.Errorf("%d %s: %+v, want %s %s", status, problem.Code, problem.Errors, field, code)
	}
}
