package app_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

// with is a browser that sends an Idempotency-Key.
func with(b *apptest.Browser, key string) *apptest.Browser {
	b.Header = b.Header.Clone()
	if b.Header == nil {
		b.Header = http.Header{}
	}
	b.Header.Set("Idempotency-Key", key)
	return b
}

type newcomer struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Name     string `json:"name"`
}

// A program that repeats a request whose answer it lost gets that answer, secrets
// included, and nothing is done twice.
func TestRepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := newcomer{"ada@example.com", apptest.Password, "Ada"}
	first := with(a.Browser(), "k1").PostJSON("/-/api/v1/signup", ada).Want(201)
	a.RunJobs()
	a.Forget()
	again := with(a.Browser(), "k1").PostJSON("/-/api/v1/signup", ada).Want(201)
	if again.Body != first.Body || again.Header.Get("Idempotency-Replayed") != "true" || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
		t.Errorf("%q, %v; the first was %q", again.Body, again.Header, first.Body)
	}
	if again.Header.Get("Set-Cookie") != "" {
		t.Error("a repeat hands out the session of the first")
	}
	with(a.Browser(), "k1").PostJSON("/-/api/v1/signup", newcomer{"eve@example.com", apptest.Password, "Eve"}).WantProblem(422, "idempotency_key_reused")
	a.ExpectNothing()
	with(a.Browser(), "k2").PostJSON("/-/api/v1/signup", newcomer{"bea@example.com", apptest.Password, "Bea"}).Want(201).Without("Idempotency-Replayed")
	a.Clock.Advance(25 * time.Hour)
	a.Must(a.Replies.Purge(t.Context()))
	if n := a.Count("web_reply"); n != 0 {
		t.Errorf("%d answers are kept after a day", n)
	}
}

// A request that was refused changed nothing, so the key can be used again.
func TestRefusedRequestCanBeRepeated(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	b := with(a.Browser(), "k")
	b.PostJSON("/-/api/v1/signup", newcomer{"new@example.com", "short", "New"}).Want(422)
	b.PostJSON("/-/api/v1/signup", newcomer{"new@example.com", apptest.Password, "New"}).Want(201)
	for _, bad := range [][]string{{""}, {"k", "k"}, {strings.Repeat("k", 256)}, {"k\u00ad"}} {
		b.Header["Idempotency-Key"] = bad
		b.PostJSON("/-/api/v1/signup", newcomer{"c@example.com", apptest.Password, "C"}).WantProblem(400, "bad_idempotency_key")
	}
}

// Keys belong to whoever sends them, and a secret that is shown once is shown
// again to nobody else.
func TestIdempotencyKeysBelongToTheirSender(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	wish := map[string]any{"name": "deploy", "permissions": []string{"audit:read"}}
	one, other := with(a.Key("keys:manage", "audit:read"), "k"), with(a.Key("keys:manage", "audit:read"), "k")
	first := one.PostJSON("/-/api/v1/keys", wish).Want(201)
	if again := one.PostJSON("/-/api/v1/keys", wish).Want(201); again.Body != first.Body {
		t.Errorf("%s, and again %s", first.Body, again.Body)
	}
	if theirs := other.PostJSON("/-/api/v1/keys", wish).Want(201); theirs.Body == first.Body || theirs.Header.Get("Idempotency-Replayed") != "" {
		t.Error("another key gets the answer")
	}
	var made struct{ ID, Secret string }
	first.JSON(&made)
	if stored := a.Query(`SELECT coalesce(hex(group_concat(reply)), '') FROM web_reply`); stored == "" || strings.Contains(stored, hex.EncodeToString([]byte(made.Secret))) {
		t.Error("the answers are not sealed")
	}
}

// Of many who send one request at once, one does it.
func TestOneRequestSentManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 12 {
		all.Go(func() {
			p := with(a.Browser(), "k").PostJSON("/-/api/v1/signup", newcomer{"ada@example.com", apptest.Password, "Ada"})
			mu.Lock()
			defer mu.Unlock()
			statuses[p.Status]++
		})
	}
	all.Wait()
	if statuses[201] == 0 || statuses[201]+statuses[409] != 12 || a.Count("auth_user") != 1 {
		t.Errorf("%v, %d accounts", statuses, a.Count("auth_user"))
	}
}

// When the process died after the change and before the answer, a repeat is told,
// and nothing is done a second time.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := newcomer{"ada@example.com", apptest.Password, "Ada"}
	with(a.Browser(), "k").PostJSON("/-/api/v1/signup", ada).Want(201)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		return tx.ExecOne(`UPDATE web_reply SET status = NULL, reply = NULL`)
	}))
	a.RunJobs()
	a.Forget()
	p := with(a.Browser(), "k").PostJSON("/-/api/v1/signup", ada)
	p.WantProblem(409, "idempotency_unanswered")
	if p.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", p.Header.Get("Retry-After"))
	}
	a.ExpectNothing()
}
