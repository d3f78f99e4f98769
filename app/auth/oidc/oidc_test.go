package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/dial"
)

// provider is one of a server, over the network.
func provider(t *testing.T, h http.HandlerFunc, loopback bool) (*Provider, string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s := Settings{Kind: OIDC, Name: "acme", Issuer: server.URL, ClientID: "id", Redirect: "http://localhost/back", Loopback: true}
	p, err := New(s, Options{Clock: time.Now, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !loopback {
		p.client.Transport = bounded{newTransport(false)}
	}
	return p, server.URL
}

func TestInsideOfTheNetworkIsNotReached(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	p, _ := provider(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) }, false)
	_, err := p.Start(t.Context(), Proof{State: "s", Nonce: "n", Verifier: NewVerifier()})
	if err == nil || !strings.Contains(err.Error(), dial.ErrInside.Error()) || asked.Load() != 0 {
		t.Errorf("%d requests: %v", asked.Load(), err)
	}
}

func TestSlowAndWanderingProvidersAreGivenUp(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for name, h := range map[string]http.HandlerFunc{
		"slow to answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow to go on": func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"redirects elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"redirects in circles": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		},
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"no end": func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`))
		},
		"no values": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{}`)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := provider(t, h, true)
			_, err := p.Start(t.Context(), Proof{})
			var why *Error
			if !errors.As(err, &why) || why.Reason != "unavailable" || elsewhere.Load() != 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

// Whoever gives up waiting does not end the discovery for the others.
func TestDiscoveryBelongsToTheProcess(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	let, self := make(chan struct{}), ""
	p, url := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-let
		json.NewEncoder(w).Encode(map[string]string{"issuer": self, "authorization_endpoint": self + "/a", "token_endpoint": self + "/t", "jwks_uri": self + "/k"})
	}, true)
	self = url
	p.client.Timeout = 30 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Start(ctx, Proof{}); err == nil {
		t.Fatal("nobody waited")
	}
	close(let)
	to, err := p.Start(t.Context(), Proof{State: "s", Nonce: "n", Verifier: NewVerifier()})
	if err != nil || !strings.HasPrefix(to, url+"/a?") || asked.Load() != 1 {
		t.Errorf("%s after %d requests: %v", to, asked.Load(), err)
	}
}

// Whoever closes a provider waits until nothing of it is under way.
func TestCloseWaitsForWhatIsAsked(t *testing.T) {
	t.Parallel()
	var at atomic.Int64 // 1: it was asked, 2: and has ended
	asked := make(chan struct{})
	p, _ := provider(t, nil, true)
	p.client.Timeout = time.Minute
	p.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		at.Store(1)
		close(asked)
		<-r.Context().Done()
		at.Store(2)
		return nil, r.Context().Err()
	})
	p.Warm()
	<-asked
	p.Close()
	if at.Load() != 2 {
		t.Error("it is still being asked")
	}
	var why *Error
	if _, err := p.Start(t.Context(), Proof{}); !errors.As(err, &why) || why.Reason != "unavailable" {
		t.Errorf("a provider that is closed: %v", err)
	}
}

func TestWhoKnowsWhoseAddressItIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s      Settings
		claims Claims
		domain string
		want   bool
	}{
		"google, its own":            {Settings{Kind: Google}, Claims{Verified: true}, "gmail.com", true},
		"google, not verified":       {Settings{Kind: Google}, Claims{}, "gmail.com", false},
		"google, like its own":       {Settings{Kind: Google}, Claims{Verified: true}, "notgmail.com", false},
		"google, below its own":      {Settings{Kind: Google}, Claims{Verified: true}, "x.gmail.com", false},
		"google, an organization":    {Settings{Kind: Google}, Claims{Verified: true, Hosted: "acme.example"}, "acme.example", true},
		"google, elsewhere":          {Settings{Kind: Google}, Claims{Verified: true}, "example.org", false},
		"github":                     {Settings{Kind: GitHub}, Claims{Verified: true}, "example.org", true},
		"github, not verified":       {Settings{Kind: GitHub}, Claims{}, "example.org", false},
		"oidc, trusted":              {Settings{Kind: OIDC, Domains: []string{"a.example", "b.example"}}, Claims{Verified: true}, "b.example", true},
		"oidc, trusted, unverified":  {Settings{Kind: OIDC, Domains: []string{"b.example"}}, Claims{}, "b.example", false},
		"oidc, below a trusted one":  {Settings{Kind: OIDC, Domains: []string{"b.example"}}, Claims{Verified: true}, "x.b.example", false},
		"oidc, hosted means nothing": {Settings{Kind: OIDC}, Claims{Verified: true, Hosted: "b.example"}, "b.example", false},
		"oidc, gmail means nothing":  {Settings{Kind: OIDC}, Claims{Verified: true}, "gmail.com", false},
	} {
		if got := (&Provider{Settings: c.s}).Authoritative(c.claims, c.domain); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for issuer, want := range map[string]bool{"https://login.microsoftonline.com/x/v2.0": true, "https://sts.windows.net/x/": true,
		"https://acme.ciamlogin.com/x": true, "https://LOGIN.MicrosoftOnline.com/x": true, "https://notmicrosoftonline.com": false, "https://accounts.google.com": false} {
		if entra(issuer) != want {
			t.Errorf("entra %s: %v", issuer, !want)
		}
	}
}

func TestKeysAreFetchedOnceInAWhile(t *testing.T) {
	t.Parallel()
	now, n := time.Unix(0, 0), 0
	th := &throttle{clock: func() time.Time { return now }, next: roundTrip(func(r *http.Request) (*http.Response, error) {
		if n++; n == 2 {
			return nil, errors.New("down")
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(r.URL.Path))}, nil
	})}
	get := func(path string) string {
		res, err := th.RoundTrip(httptest.NewRequest("GET", "https://p.example"+path, nil))
		if err != nil {
			return err.Error()
		}
		text, _ := io.ReadAll(res.Body)
		return string(text)
	}
	if a, b := get("/k"), get("/k"); a != "/k" || b != "/k" || n != 1 {
		t.Errorf("%s, %s after %d", a, b, n)
	}
	now = now.Add(30 * time.Second)
	if a, b := get("/k"), get("/k"); a != "down" || b != "down" || n != 2 { // a failure is not asked again either
		t.Errorf("%s, %s after %d", a, b, n)
	}
	if got := get("/other"); got != "/other" || n != 3 {
		t.Errorf("%s after %d", got, n)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPlainHTTPIsForThisMachine(t *testing.T) {
	t.Parallel()
	for issuer, ok := range map[string]bool{"https://acme.example": true, "http://acme.example": false, "https://": false, "acme.example": false, "https://u:p@acme.example": false} {
		_, err := New(Settings{Name: "acme", ClientID: "x", Redirect: "y", Issuer: issuer}, Options{Clock: time.Now})
		if (err == nil) != ok {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

// Whatever a provider writes, it has said yes only in the known ways, and no
// claim is read from another's.
func FuzzPerson(f *testing.F) {
	for _, seed := range []string{`{"sub":"1","email":"a@b.example","email_verified":true}`, `{"email_verified":"true","xms_edov":1}`, `{"email_verified":"yes"}`,
		`{"email_verified":{"true":true}}`, `{"email_verified":"\"true\""}`, `{"hd":null,"azp":7}`, `[]`, `{"email_verified":[true]}`, `{"EMAIL_VERIFIED":true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		of, err := personOf(raw(text))
		if err != nil {
			return
		}
		p := &Provider{Settings: Settings{Kind: OIDC, Issuer: "https://login.microsoftonline.com/x"}}
		if c := p.claims(of); c.Verified != bool(of.Owner) || c.Sub != of.Sub || c.Email != of.Email {
			t.Errorf("%+v from %+v", c, of)
		}
		if of.Verified {
			var again map[string]any
			if err := json.Unmarshal(text, &again); err != nil || again["email_verified"] != true && again["email_verified"] != "true" && again["email_verified"] != "1" && again["email_verified"] != float64(1) {
				t.Errorf("%s counts as verified", text)
			}
		}
	})
}

// raw are claims as they came.
type raw []byte

func (r raw) Claims(into any) error { return json.Unmarshal(r, into) }

func TestClaimsAreReadToTheLetter(t *testing.T) {
	t.Parallel()
	of, err := personOf(raw(`{"sub":"1","Email":"vic@example.org","EMAIL_VERIFIED":true,"email":"m@evil.example"}`))
	if err != nil || of.Email != "m@evil.example" || of.Verified {
		t.Errorf("%+v, %v", of, err)
	}
	if of, err := personOf(raw(`{"sub":"1","sub":"2"}`)); err == nil {
		t.Errorf("two subjects: %+v", of)
	}
}

func FuzzGitHubEmails(f *testing.F) {
	f.Add([]byte(`[{"email":"a@b.example","primary":true,"verified":true}]`))
	f.Add([]byte(`[{"email":"a@b.example","primary":true},{"email":"c@d.example","verified":true}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var all []githubEmail
		if json.Unmarshal(text, &all) != nil {
			return
		}
		email, verified := pickEmail(all)
		if !verified {
			return
		}
		for _, e := range all {
			if e.Email == email && e.Verified {
				return
			}
		}
		t.Errorf("%q is verified nowhere in %s", email, text)
	})
}
