package auth

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/seal"
	"seaworthy/store"
)

// tokenMaker is as much of the system as reads and writes tokens.
func tokenMaker(t testing.TB) *System {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "f.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &System{Deps: Deps{DB: db, URL: "https://app.example.com", Master: seal.New(make([]byte, 32))}}
	var ring keyring
	for _, k := range []*signingKey{&ring.active, &ring.next} {
		if *k, err = newSigningKey(); err != nil {
			t.Fatal(err)
		}
	}
	s.ring.Store(&ring)
	return s
}

// Whatever is taken for a refresh token is, letter for letter, one that we make.
func FuzzRefreshToken(f *testing.F) {
	s := tokenMaker(f)
	session := s.DB.NewID("ses")
	for _, n := range []int64{0, 1, 1 << 40} {
		f.Add(s.refreshText(refreshToken{session, n}))
	}
	f.Add("sw_rt___")
	f.Add("sw_rt_" + strings.Repeat("_", 200))
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := s.parseRefresh(text); ok && s.refreshText(got) != text {
			t.Errorf("%q reads as %+v", text, got)
		}
	})
}

// No bytes are an access token but those that our key has signed.
func FuzzAccessToken(f *testing.F) {
	s := tokenMaker(f)
	now := s.DB.Now()
	good, err := s.sign(accessClaims{RegisteredClaims: jwt.RegisteredClaims{Issuer: s.issuer(), Subject: "usr_a", Audience: jwt.ClaimStrings{s.URL},
		ExpiresAt: jwt.NewNumericDate(now.Add(24 * time.Hour))}, Session: "ses_a"})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := s.verify(good); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("..")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := s.verify(text); err == nil && text != good {
			t.Errorf("%q is taken: %+v", text, c)
		}
	})
}

func TestProvenTokensAreBounded(t *testing.T) {
	t.Parallel()
	var p proven
	c := &accessClaims{}
	for i := range 3 * maxProven {
		p.put(strings.Repeat("x", i%50)+string(rune(i)), c)
	}
	if n := len(p.young) + len(p.old); n > 2*maxProven {
		t.Errorf("%d tokens are remembered", n)
	}
	if p.get("never seen") != nil {
		t.Error("a token that was never put")
	}
}

// A search never goes on before what was searched for, whatever the cursor says.
func FuzzSearchCursor(f *testing.F) {
	f.Add("ada", "ada lovelace usr_1")
	f.Add("", " ")
	f.Add("usr_", "usr_1")
	f.Add(strings.Repeat("ä", 200), "\xff \xff")
	f.Fuzz(func(t *testing.T, query, after string) {
		q := newSearch(Filter{Query: query, After: after}, "usr_")
		if q.afterKey < q.prefix || len(q.prefix) > 255 || strings.Contains(q.afterID, " ") {
			t.Errorf("%q after %q: %+v", query, after, q)
		}
	})
}
