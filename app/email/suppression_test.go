package email_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

// Fault 11: a bounce that comes before the provider's acceptance was stored waits
// for its message, and the message ends as bounced.
func TestFault11BounceBeforeTheSendIsStored(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	sentMessage(a, "msg_1", "ada@example.com", "", "", "", "queued")
	m.Postmark(a, postmarkBounce(42, "HardBounce", "pm-1", "ada@example.com")).Want(200)
	m.Postmark(a, object{"RecordType": "Delivery", "MessageID": "pm-1", "Recipient": "ada@example.com", "DeliveredAt": "2026-11-22T14:04:00Z"}).Want(200)
	m.Postmark(a, postmarkBounce(43, "HardBounce", "pm-2", "eve@example.com")).Want(200)
	if got := status(a, "msg_1"); got != "queued" {
		t.Errorf("a message that nobody named is %s", got)
	}
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		if err := email.MarkSent(tx, "msg_1", "postmark", post.Receipt{ProviderID: "pm-1"}); err != nil {
			return err
		}
		return a.Email.Adopt(tx, "msg_1", "postmark", "pm-1")
	}))
	if got := status(a, "msg_1") + " " + a.Query(`SELECT count(*) FROM email_event WHERE message_id = 'msg_1'`) + " " + a.Query(`SELECT count(*) FROM email_event WHERE message_id IS NULL`); got != "bounced 2 1" {
		t.Error(got)
	}
}

// A bounce that found its message by what we sent along survives that the
// acceptance is stored after it.
func TestLateAcceptanceDoesNotHideABounce(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	sentMessage(a, "msg_1", "ada@example.com", "", "", "", "queued")
	bounce := postmarkBounce(42, "HardBounce", "pm-1", "ada@example.com")
	bounce["Metadata"] = object{"seaworthy_id": "msg_1"}
	m.Postmark(a, bounce).Want(200)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		if err := email.MarkSent(tx, "msg_1", "postmark", post.Receipt{ProviderID: "pm-1"}); err != nil {
			return err
		}
		return a.Email.Adopt(tx, "msg_1", "postmark", "pm-1")
	}))
	if got := status(a, "msg_1"); got != "bounced" {
		t.Error(got)
	}
}

// Fault 22: each scope holds back what it should, from that address alone.
func TestFault22ScopesHoldBackTheirOwn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	newsletter(a, "news", false)
	newsletter(a, "offers", true)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		for _, p := range []email.Suppression{{Address: "dead@example.com", Scope: email.ScopeAll, Reason: "bounce"}, {Address: "angry@example.com", Scope: email.ScopeNonSecurity, Reason: "complaint"},
			{Address: "tired@example.com", Scope: email.ScopeCategory, Category: "news", Reason: "unsubscribe"}, {Address: "done@example.com", Scope: email.ScopeCategory, Category: "*", Reason: "unsubscribe"}} {
			if err := a.Email.SuppressFor(tx, p); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, c := range []struct{ address, class, category, want string }{
		{"dead@example.com", "security", "", "bounce"}, {"dead@example.com", "marketing", "news", "bounce"},
		{"angry@example.com", "security", "", ""}, {"angry@example.com", "account", "", "complaint"}, {"angry@example.com", "marketing", "news", "complaint"},
		{"tired@example.com", "account", "", ""}, {"tired@example.com", "marketing", "news", "unsubscribe"}, {"tired@example.com", "product", "tips", ""},
		{"done@example.com", "security", "", ""}, {"done@example.com", "billing", "", ""}, {"done@example.com", "product", "tips", "unsubscribe"},
		{"new@example.com", "marketing", "news", ""}, {"new@example.com", "marketing", "offers", "consent"}, {"other@example.com", "account", "", ""},
	} {
		got := ""
		p, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) (email.Suppression, error) {
			return a.Email.Suppressed(tx, c.address, c.class, c.category)
		})
		if !errors.Is(err, store.ErrNotFound) {
			a.Must(err)
			got = p.Reason
		}
		if got != c.want {
			t.Errorf("%s %s %q: held back for %q, want %q", c.address, c.class, c.category, got, c.want)
		}
	}
}

// The order in which providers tell of events does not matter.
func TestStatusFollowsFinality(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	for i, c := range []struct{ from, kinds, want string }{
		{"queued", "deferred accepted", "sent"}, {"queued", "accepted deferred", "sent"}, {"sent", "delivered deferred accepted", "delivered"}, {"delivered", "bounced delivered", "bounced"},
		{"bounced", "complained bounced delivered", "complained"}, {"unknown", "accepted", "sent"}, {"sent", "failed", "failed"}, {"failed", "delivered", "delivered"}, {"expired", "accepted", "expired"},
		{"sent", "unsubscribed autoresponded rendered attempted", "sent"},
	} {
		id := fmt.Sprint("msg_", i)
		sentMessage(a, id, "ada@example.com", "", "", "", c.from)
		for _, kind := range strings.Fields(c.kinds) {
			a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := email.Advance(tx, id, email.EventKind(kind)); return err }))
		}
		if got := status(a, id); got != c.want {
			t.Errorf("%s after %s is %s, want %s", c.from, c.kinds, got, c.want)
		}
	}
}

type held1 struct {
	ID, Address, Scope, Category, Reason string
	Lifted                               string `json:"lifted_at"`
	Why                                  string `json:"lifted_why"`
}

type heldList struct {
	Suppressions []held1
	Next         string `json:"next_cursor"`
}

func TestSuppressionAPI(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b, reader := a.Key("email:read", "email:manage"), a.Key("email:read")
	a.Forget()
	const path = "/-/api/v1/email/suppressions"
	b.PostJSON(path, object{"address": "nobody", "scope": "some"}).WantProblem(422, "invalid", "address", "scope")
	b.PostJSON(path, object{"address": "a@example.com", "scope": "all", "category": "news"}).WantProblem(422, "invalid", "category")
	reader.PostJSON(path, object{"address": "a@example.com"}).Want(403)
	a.ExpectNothing()
	var one held1
	b.PostJSON(path, object{"address": " Ada <Ada@Example.com> "}).Want(201).JSON(&one)
	if one.Address != "ada@example.com" || one.Scope != "all" || one.Reason != "manual" {
		t.Errorf("%+v", one)
	}
	a.Expect(apptest.Happened{Audit: []string{"email.suppressed"}, Rows: map[string]int{"email_suppression": 1}})
	b.PostJSON(path, object{"address": "ada@example.com"}).Want(200, one.ID)
	a.ExpectNothing()
	reader.Get(path+"/"+one.ID).Want(200, "ada@example.com")
	reader.Get(path + "/sup_nothing").Want(404)
	b.PostJSON(path+"/"+one.ID+"/lift", object{"reason": "short"}).WantProblem(422, "invalid", "reason")
	b.PostJSON(path+"/"+one.ID+"/lift", object{"reason": "the mailbox works again"}).Want(200, "the mailbox works again")
	a.Expect(apptest.Happened{Audit: []string{"email.suppression_lifted"}})
	b.PostJSON(path+"/"+one.ID+"/lift", object{"reason": "the mailbox works again"}).Want(409)
	reader.Get(path).Want(200).Without(one.ID)
	reader.Get(path+"?lifted=1").Want(200, one.ID)
	b.PostJSON(path, object{"address": "ada@example.com"}).Want(201)
	a.Expect(apptest.Happened{Audit: []string{"email.suppressed"}, Rows: map[string]int{"email_suppression": 1}})

	// Who unsubscribed is not subscribed again by others.
	newsletter(a, "news", false)
	mailProgram(a).Do("POST", mailed(a, "bob@example.com", "news"), urlencoded, oneClick).Want(200)
	var list heldList
	reader.Get(path + "?reason=unsubscribe").Want(200).JSON(&list)
	b.PostJSON(path+"/"+list.Suppressions[0].ID+"/lift", object{"reason": "we want to sell more"}).WantProblem(409, "unsubscribed")
}

func TestSuppressionsAreFound(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Key("email:read", "email:manage")
	const path = "/-/api/v1/email/suppressions"
	var text strings.Builder
	text.WriteString("\ufeffName;Email\r\n")
	for i := range 120 {
		fmt.Fprintf(&text, "Person;p%03d@Example.com\r\n", i)
	}
	text.WriteString("Repeat;p000@example.com\r\nWrong;not an address\r\n\r\nOther;other@example.com\r\n")
	b.Do("POST", path+"/import?scope=nonsecurity", "text/csv", text.String()).Want(200, `"added":121`, `"refused":1`, `"line":123`)
	a.Expect(apptest.Happened{Audit: []string{"key.created", "email.suppressions_imported"}, Rows: map[string]int{"email_suppression": 121, "auth_api_key": 1}})
	for _, query := range []string{"", "q=P0", "reason=manual", "q=p0&reason=manual"} {
		seen, cursor := map[string]bool{}, ""
		for range 10 {
			var list heldList
			b.Get(path + "?limit=50&" + query + "&cursor=" + strings.ReplaceAll(cursor, " ", "%20")).Want(200).JSON(&list)
			for _, p := range list.Suppressions {
				if seen[p.ID] {
					t.Fatalf("%s: %s twice", query, p.Address)
				}
				seen[p.ID] = true
			}
			if cursor = list.Next; cursor == "" {
				break
			}
		}
		want := 121
		if strings.Contains(query, "q=") {
			want = 100
		}
		if len(seen) != want {
			t.Errorf("%q finds %d, want %d", query, len(seen), want)
		}
	}
	b.Get(path+"?q=OTHER@example.com").Want(200, "other@example.com").Without("p001")
	b.Get(path + "?limit=0").Want(400)
	export := b.Get(path+"/export").Want(200, "address,scope,category,reason,created_at", "p119@example.com,nonsecurity,,manual,2026-11-22T")
	if n := strings.Count(export.Body, "\n"); n != 122 {
		t.Errorf("%d lines", n)
	}
	a.Key("email:read").Get(path + "/export").Want(403)

	a.Forget()
	b.Do("POST", path+"/import", "text/plain", "one@example.com\ntwo@example.com\np001@example.com\n").Want(200, `"added":3`, `"known":0`) // another scope
	b.Do("POST", path+"/import", "text/plain", "one@example.com\n").Want(200, `"known":1`)
	b.Do("POST", path+"/import", "text/plain", "one@example.com\n\"broken\n").Want(200, `"refused":1`)
	b.Do("POST", path+"/import", "text/plain", "nothing\n").WantProblem(422, "invalid", "addresses")
	b.Do("POST", path+"/import", "text/plain", strings.Repeat("x", 1<<20)+"xx").Want(413)
	b.Do("POST", path+"/import?scope=x", "text/plain", "a@example.com").WantProblem(422, "invalid", "scope")
	b.Do("POST", path+"/import", "text/plain", strings.Repeat("\na@b.example", 20_001)).Want(400)
	b.Do("POST", path+"/import", "text/csv", "a@b.example\n\xff").Want(400)
}
