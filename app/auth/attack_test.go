package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// The attack cases of spec/auth.md section 5 that concern sessions and tokens, by
// their numbers there.

func TestAttack10ParallelRefreshesGiveOneStep(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	a.Forget()
	var mu sync.Mutex
	next, access := map[string]int{}, map[string]bool{}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			p := a.Refresh(held.Refresh)
			mu.Lock()
			defer mu.Unlock()
			if p.Status != 200 {
				t.Errorf("status %d: %s", p.Status, p.Body)
				return
			}
			got := refreshed(p)
			next[got.Refresh]++
			access[got.Access] = true
		})
	}
	all.Wait()
	a.ExpectNothing()
	if n := a.Query(`SELECT refresh_gen FROM auth_session WHERE kind = 'api'`); n != "1" || len(next) != 1 {
		t.Errorf("generation %s, %d next tokens", n, len(next))
	}
	for token := range access {
		a.Bearer(token).Get("/-/api/v1/me").Want(200)
	}
	for token := range next {
		refreshed(a.Refresh(token)) // nobody is signed out
	}
}

func TestAttack11GrandparentEndsTheSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	laptop := a.Verified("ada@example.com")
	first := a.SignInProgram("ada@example.com")
	second := refreshed(a.Refresh(first.Refresh))
	third := refreshed(a.Refresh(second.Refresh))
	a.RunJobs()
	a.Forget()
	oauthFault(t, a.Refresh(first.Refresh), 400, "invalid_grant") // also within the grace
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"session.token_reused", "session.revoked", "email.sent"}, Jobs: []string{"email.deliver"},
		Ran: []string{"email.deliver completed"}, Mails: []string{"ada@example.com: A copied sign-in to Acme was stopped"}})
	if e := a.Events(3)[2]; e.Actor.Type != "anonymous" || fmt.Sprint(e.Details["behind"]) != "2" {
		t.Errorf("event %+v", e)
	}
	if m := a.Mails("ada@example.com")[0]; !strings.Contains(m.Text, "Firefox on Linux") || !strings.Contains(m.Text, "127.0.0.1") {
		t.Errorf("the mail:\n%s", m.Text)
	}
	for _, held := range []apptest.Tokens{first, second, third} {
		signedOut(t, a.Bearer(held.Access))
		oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	}
	a.ExpectNothing() // one alarm is enough
	laptop.Get("/-/api/v1/me").Want(200)
}

func TestParentIsTakenWithinTheGraceAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		grace  int
		after  time.Duration
		works  bool
		behind int
	}{{30, 30 * time.Second, true, 1}, {30, 30*time.Second + time.Millisecond, false, 1}, {0, 0, false, 1}, {300, 299 * time.Second, true, 1}, {300, 0, false, 2}} {
		a := apptest.New(t, apptest.WithoutLimits, func(cfg *config.Config, _ *app.Options) { cfg.RefreshGrace = c.grace })
		a.Verified("ada@example.com")
		first := a.SignInProgram("ada@example.com")
		next := refreshed(a.Refresh(first.Refresh))
		for range c.behind - 1 {
			next = refreshed(a.Refresh(next.Refresh))
		}
		a.Clock.Advance(c.after)
		p := a.Refresh(first.Refresh)
		if (p.Status == 200) != c.works {
			t.Errorf("grace %d, after %s, %d behind: %d %s", c.grace, c.after, c.behind, p.Status, p.Body)
		}
		if c.works {
			if again := refreshed(p); again.Refresh != next.Refresh || again.Access == next.Access {
				t.Errorf("grace %d: not the same next token with a fresh access token", c.grace)
			}
		} else {
			oauthFault(t, a.Refresh(next.Refresh), 400, "invalid_grant")
		}
	}
}

func TestAttack12RefreshAfterTheUserChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"disabled":     `UPDATE auth_user SET status = 'disabled' WHERE status = ?`,
		"epoch raised": `UPDATE auth_user SET epoch = epoch + 1 WHERE status = ?`,
		"left the org": `DELETE FROM auth_membership WHERE user_id IN (SELECT id FROM auth_user WHERE status = ?)`,
		"org deleted":  `UPDATE auth_org SET deleted_at = 1 WHERE personal_user_id IN (SELECT id FROM auth_user WHERE status = ?)`,
	} {
		a := apptest.New(t, apptest.WithoutLimits)
		a.Verified("ada@example.com")
		held := a.SignInProgram("ada@example.com")
		write(a, change, "active")
		a.Forget()
		p := a.Refresh(held.Refresh)
		if p.Status != 400 || !strings.Contains(p.Body, "invalid_grant") {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
		a.ExpectNothing() // and no alarm: nobody stole anything
	}
	// A role that is lost is gone from the next token.
	a := apptest.New(t)
	a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	write(a, `UPDATE auth_role_binding SET role_id = 'rol_member' WHERE role_id = ?`, "rol_owner")
	claims, err := offline(a, refreshed(a.Refresh(held.Refresh)).Access, publicKeys(a))
	a.Must(err)
	if fmt.Sprint(claims["roles"], claims["permissions"]) != "[member] [org:read]" {
		t.Errorf("roles %v, permissions %v", claims["roles"], claims["permissions"])
	}
}

func TestAttack28RevokedDuringASlowRequestOfAProgram(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	a := apptest.New(t, apptest.WithoutLimits, func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension {
			return app.Extension{Routes: []web.Route{{Method: "GET", Pattern: "/-/api/v1/test/slow", Access: web.Person, Handler: func(w http.ResponseWriter, _ *http.Request) error {
				arrived <- struct{}{}
				<-release
				return web.JSON(w, 200, "done")
			}}}}
		}
	})
	laptop := a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	program := a.Bearer(held.Access)
	id := current(program)
	a.Clock.Advance(2 * time.Minute) // its use is to be noted
	done := make(chan apptest.Page)
	go func() { done <- program.Get("/-/api/v1/test/slow") }()
	<-arrived
	laptop.Do("DELETE", "/-/api/v1/sessions/"+id, "", "").Want(204)
	close(release)
	(<-done).Want(200)
	a.Must(a.Auth.Flush(t.Context()))
	signedOut(t, program)
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	if n := a.Query(`SELECT count(*) FROM auth_session WHERE id = ? AND revoked_at IS NOT NULL AND refresh_gen = 0`, id); n != "1" {
		t.Error("the session lives again")
	}
}

// A refresh and a revocation at once: whichever comes first, the session ends.
func TestRefreshAndRevocationAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	for range 20 {
		held := a.SignInProgram("ada@example.com")
		var both sync.WaitGroup
		var got apptest.Page
		both.Go(func() { got = a.Refresh(held.Refresh) })
		both.Go(func() { a.Browser().Post("/-/oauth2/revoke", "token", held.Access).Want(200) })
		both.Wait()
		if got.Status == 200 {
			held = refreshed(got)
		}
		signedOut(t, a.Bearer(held.Access))
		oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	}
}

// What ends between the look at a session and the step is seen by the step itself.
func TestTheStepLooksAgain(t *testing.T) {
	t.Parallel()
	for _, change := range []string{
		`UPDATE auth_session SET revoked_at = 1 WHERE kind = ?`,
		`UPDATE auth_session SET idle_exp = 1 WHERE kind = ?`,
		`UPDATE auth_session SET abs_exp = 1 WHERE kind = ?`,
		`UPDATE auth_user SET status = 'disabled' WHERE 'api' = ?`,
		`UPDATE auth_user SET epoch = epoch + 1 WHERE 'api' = ?`,
	} {
		a := apptest.New(t)
		a.Verified("ada@example.com")
		session := current(a.Bearer(a.SignInProgram("ada@example.com").Access))
		write(a, change, "api")
		a.Forget()
		_, err := store.Write(t.Context(), a.DB, func(tx *store.Tx) (int64, error) { return a.Auth.Rotate(tx, session, 0) })
		if n := a.Query(`SELECT refresh_gen FROM auth_session WHERE kind = 'api'`); !errors.Is(err, store.ErrNotFound) || n != "0" {
			t.Errorf("%s: %v, generation %s", change, err, n)
		}
		a.ExpectNothing()
	}
}

func TestAttack31TokensThatAreNone(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	claims, err := offline(a, held.Access, publicKeys(a))
	a.Must(err)
	with := func(changes jwt.MapClaims) jwt.MapClaims {
		c := maps.Clone(claims)
		for name, v := range changes {
			if c[name] = v; v == nil {
				delete(c, name)
			}
		}
		return c
	}
	header := func(name string, v any) string { return a.Auth.Forge(map[string]any{name: v}, claims) }
	forged := func(changes jwt.MapClaims) string { return a.Auth.Forge(nil, with(changes)) }
	a.Bearer(a.Auth.Forge(nil, claims)).Get("/-/api/v1/me").Want(200) // so that what follows fails for its own reason
	a.Bearer(header("typ", "application/at+jwt")).Get("/-/api/v1/me").Want(200)

	kid := signer(held.Access)
	hmacWith := func(secret []byte) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
		token.Header["typ"], token.Header["kid"] = "at+jwt", kid
		raw, err := token.SignedString(secret)
		a.Must(err)
		return raw
	}
	point, err := publicKeys(a)[kid].Bytes()
	a.Must(err)
	der, err := x509.MarshalPKIXPublicKey(publicKeys(a)[kid])
	a.Must(err)
	none := jwt.NewWithClaims(jwt.SigningMethodNone, claims)
	none.Header["typ"], none.Header["kid"] = "at+jwt", kid
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	a.Must(err)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.Must(err)
	foreign := func(header map[string]any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
		token.Header["typ"], token.Header["kid"] = "at+jwt", kid
		maps.Copy(token.Header, header)
		raw, err := token.SignedString(own)
		a.Must(err)
		return raw
	}
	parts := strings.Split(held.Access, ".")
	now := apptest.Epoch.Unix()
	browser := a.Query(`SELECT id FROM auth_session WHERE kind = 'browser'`)

	bad := map[string]string{
		"alg none": unsigned, "alg none without a key": strings.Replace(unsigned, ".", ".", 1) + parts[2],
		"HS256 with the public key's point": hmacWith(point), "HS256 with its DER": hmacWith(der),
		"HS256 with its PEM": hmacWith(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"typ of an ID token": header("typ", "JWT"), "no typ": header("typ", nil), "typ not text": header("typ", 7), "typ of a logout token": header("typ", "logout+jwt"),
		"unknown kid": header("kid", "nobody"), "no kid": header("kid", nil), "critical extension": header("crit", []string{"exp"}),
		"another's key": foreign(nil), "another's key by jwk": foreign(map[string]any{"jwk": map[string]string{"kty": "EC"}}),
		"another's key by jku": foreign(map[string]any{"jku": "https://evil.example/jwks.json", "kid": "evil"}),
		"expired":              forged(jwt.MapClaims{"exp": now}), "no exp": forged(jwt.MapClaims{"exp": nil}), "not yet": forged(jwt.MapClaims{"nbf": now + 60}),
		"another issuer": forged(jwt.MapClaims{"iss": "https://evil.example/-"}), "no issuer": forged(jwt.MapClaims{"iss": nil}),
		"another audience": forged(jwt.MapClaims{"aud": "https://evil.example"}), "no audience": forged(jwt.MapClaims{"aud": nil}),
		"another subject": forged(jwt.MapClaims{"sub": "usr_other"}), "no subject": forged(jwt.MapClaims{"sub": nil}),
		"another session": forged(jwt.MapClaims{"sid": "ses_other"}), "no session": forged(jwt.MapClaims{"sid": nil}), "a browser's session": forged(jwt.MapClaims{"sid": browser, "client_id": nil}),
		"another epoch": forged(jwt.MapClaims{"epoch": 1}), "another client": forged(jwt.MapClaims{"client_id": "other"}),
		"signature cut": held.Access[:len(held.Access)-2], "no signature": parts[0] + "." + parts[1] + ".", "two parts": parts[0] + "." + parts[1],
		"four parts": held.Access + "." + parts[2], "padded": held.Access + "==", "swapped": parts[1] + "." + parts[0] + "." + parts[2],
		"other claims": parts[0] + "." + encoded(strings.Replace(decoded(held.Access, 1), `"org:*"`, `"*"`, 1)) + "." + parts[2],
		"dots":         strings.Repeat(".", 60_000), "two dots": "..", "one that is too long": a.Auth.Forge(nil, with(jwt.MapClaims{"x": strings.Repeat("x", 8<<10)})),
	}
	a.Forget()
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if p := a.Bearer(bad[name]).Get("/-/api/v1/me"); p.Status != 401 || p.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	// More dots than a server takes as a header are refused by the handler too, at once.
	r := httptest.NewRequest("GET", "/-/api/v1/me", nil)
	r.Header.Set("Authorization", "Bearer "+strings.Repeat(".", 1<<20))
	w := httptest.NewRecorder()
	if a.Web.ServeHTTP(w, r); w.Code != 401 {
		t.Errorf("a megabyte of dots: %d", w.Code)
	}
	// A flood of keys that nobody knows: nothing is fetched, because nothing here can.
	for i := range 100 {
		if p := a.Bearer(header("kid", fmt.Sprint("flood", i))).Get("/-/api/v1/me"); p.Status != 401 {
			t.Fatalf("flood: %d", p.Status)
		}
	}
	a.ExpectNothing()
	if strings.Contains(a.Logs(), "request failed") {
		t.Errorf("a client's mistakes are logged as ours:\n%s", a.Logs())
	}
}

// decoded is a part of a token, encoded the opposite.
func decoded(raw string, part int) string {
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[part])
	return string(text)
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestAttack34NewPasswordEndsEverySession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	laptop, bea := a.Verified("ada@example.com"), a.Verified("bea@example.com")
	held := a.SignInProgram("ada@example.com")
	a.Browser().Post("/-/forgot", "email", "ada@example.com").Want(200)
	a.RunJobs()
	a.Browser().Post("/-/reset", "token", apptest.Token(a.Link("ada@example.com", "/-/reset")), "password", "a brand new password").Want(200)
	signedOut(t, laptop, a.Bearer(held.Access))
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	bea.Get("/-/api/v1/me").Want(200)
	epoch := func() string {
		return a.Query(`SELECT u.epoch FROM auth_user u JOIN auth_email e ON e.user_id = u.id WHERE e.email_norm = 'ada@example.com'`)
	}
	if epoch() != "1" {
		t.Errorf("epoch %s", epoch())
	}
	// Not even a session whose row somebody brings back.
	write(a, `UPDATE auth_session SET revoked_at = NULL WHERE kind = ?`, "api")
	signedOut(t, a.Bearer(held.Access))
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	// The operator's command and "sign out everywhere" are as thorough.
	_, err := a.Auth.SignOut(t.Context(), "ada@example.com")
	a.Must(err)
	again := a.Browser()
	again.Post("/-/login", "email", "ada@example.com", "password", "a brand new password").Want(200)
	again.Post("/-/account/sessions/revoke", "which", "all").Want(200)
	if epoch() != "3" {
		t.Errorf("epoch %s", epoch())
	}
}
