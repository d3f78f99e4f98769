package auth_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/store"
)

// signer is the name of the key that signed a token.
func signer(raw string) string {
	_, rest, _ := strings.Cut(decoded(raw, 0), `"kid":"`)
	kid, _, _ := strings.Cut(rest, `"`)
	return kid
}

func TestRotationFailsNoVerification(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	cached, fetched := publicKeys(a), a.Clock.Now() // as a verifier that keeps the keys for as long as it may
	living := map[string]time.Time{}                // tokens and when they end
	signers := map[string]bool{}
	step := func() {
		t.Helper()
		held := a.SignInProgram("ada@example.com")
		living[held.Access] = a.Clock.Now().Add(5 * time.Minute)
		signers[signer(held.Access)] = true
		if a.Clock.Now().Sub(fetched) >= 5*time.Minute {
			cached, fetched = publicKeys(a), a.Clock.Now()
		}
		for token, end := range living {
			if !a.Clock.Now().Before(end) {
				delete(living, token)
				continue
			}
			if _, err := offline(a, token, cached); err != nil {
				t.Fatalf("a token of %s does not verify at %s: %v", signer(token), a.Clock.Now(), err)
			}
			a.Bearer(token).Get("/-/api/v1/me").Want(200)
		}
		a.Clock.Advance(time.Minute)
		a.Must(a.Auth.Tend(t.Context()))
	}
	for range 3 { // rotations by the schedule
		for range 8 {
			step()
		}
		a.Clock.Advance(30*24*time.Hour - 20*time.Minute)
		fetched = time.Time{}
		clear(living)
		for range 25 { // the rotation falls into these
			step()
		}
	}
	if len(signers) != 4 {
		t.Errorf("%d keys signed", len(signers))
	}
	// What is retired is published until its tokens have ended, and then forgotten.
	for range 12 {
		step()
	}
	if n := len(publicKeys(a)); n != 2 {
		t.Errorf("%d keys are published", n)
	}
	if n := a.Query(`SELECT count(*) FROM auth_signing_key`); n != "2" {
		t.Errorf("%s keys are kept", n)
	}
}

func TestRotationByHand(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	before := publicKeys(a)
	if _, err := a.Auth.RotateKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "try again in 10m0s") {
		t.Errorf("the next key signs though nobody can know it: %v", err)
	}
	a.Clock.Advance(10 * time.Minute)
	held = refreshed(a.Refresh(held.Refresh))
	a.Forget()
	kid, err := a.Auth.RotateKeys(t.Context())
	a.Must(err)
	a.Expect(apptest.Happened{Audit: []string{"signing_key.activated"}, Rows: map[string]int{"auth_signing_key": 1}})
	if before[kid] == nil || kid == signer(held.Access) {
		t.Errorf("%s signs, which was not published", kid)
	}
	now := refreshed(a.Refresh(held.Refresh))
	if signer(now.Access) != kid || len(publicKeys(a)) != 3 {
		t.Errorf("signed by %s, %d keys", signer(now.Access), len(publicKeys(a)))
	}
	for _, token := range []string{held.Access, now.Access} {
		a.Bearer(token).Get("/-/api/v1/me").Want(200)
	}
	// Of what is retired nothing is left to sign with.
	if n := a.Query(`SELECT count(*) FROM auth_signing_key WHERE state = 'retired' AND private IS NULL`); n != "1" {
		t.Errorf("%s retired keys without their private half", n)
	}
}

// reopen starts a second app on the data of the first, which is closed.
func reopen(t *testing.T, data string, more ...func(*config.Config)) (*app.App, error) {
	t.Helper()
	cfg := config.Config{Addr: "127.0.0.1:0", Data: data, Replica: "off", Brand: "Acme", LogLevel: "error", RefreshGrace: 30}
	for _, set := range more {
		set(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return app.New(context.Background(), cfg, app.Options{Version: "test"})
}

func states(t *testing.T, a *app.App) (active, next string) {
	t.Helper()
	err := a.DB.Read(t.Context(), func(tx *store.Tx) error {
		if err := tx.QueryRow(`SELECT kid FROM auth_signing_key WHERE state = 'active'`).Scan(&active); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT kid FROM auth_signing_key WHERE state = 'next'`).Scan(&next)
	})
	if err != nil {
		t.Fatal(err)
	}
	return active, next
}

func TestSigningKeysOutliveARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, err := reopen(t, data)
	if err != nil {
		t.Fatal(err)
	}
	active, next := states(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := reopen(t, data)
	if err != nil {
		t.Fatal(err)
	}
	if a, n := states(t, second); a != active || n != next {
		t.Error("other keys after a restart")
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	// Without its master key an installation starts when it is told to, with new keys.
	if err := os.Remove(filepath.Join(data, "keys", "master.key")); err != nil {
		t.Fatal(err)
	}
	if a, err := reopen(t, data); err == nil {
		a.Close()
		t.Fatal("it starts without its key, though nobody said that it is lost")
	}
	third, err := reopen(t, data, func(c *config.Config) { c.NewKeys = true })
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	events, err := store.Read(t.Context(), third.DB, func(tx *store.Tx) ([]audit.Entry, error) {
		return audit.List(tx, audit.Filter{Action: "signing_key.activated", Limit: 10})
	})
	if err != nil || len(events) != 1 || events[0].Actor.ID != "auth" {
		t.Errorf("events %+v, %v", events, err)
	}
	if a, n := states(t, third); a == active || n == next {
		t.Error("keys that cannot be opened are kept")
	}
}
