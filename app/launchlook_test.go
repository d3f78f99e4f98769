package app_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/email/post"
	"seaworthy/app/launch"
	"seaworthy/app/ops"
)

// zone answers for the DNS.
type zone map[string][]string

func (z zone) txt(_ context.Context, name string) ([]string, error) {
	all, ok := z[name]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	if len(all) == 1 && all[0] == "SERVFAIL" {
		return nil, errors.New("server misbehaving")
	}
	return all, nil
}

func TestLaunchDNS(t *testing.T) {
	t.Parallel()
	many := "v=spf1 include:i1.example include:i2.example -all"
	for name, c := range map[string]struct {
		zone     zone
		smtp     bool
		sendgrid bool
		want     [3]launch.State // SPF, DKIM, DMARC
	}{
		"nothing":              {zone{}, true, false, [3]launch.State{launch.Todo, launch.Warn, launch.Todo}},
		"nothing, Postmark":    {zone{}, false, false, [3]launch.State{launch.Warn, launch.Unknown, launch.Todo}},
		"well":                 {zone{"mail.acme.example": {"v=spf1 include:i1.example -all"}, "i1.example": {"v=spf1 ip4:1.2.3.4 -all"}, "_dmarc.mail.acme.example": {"v=DMARC1; p=reject"}, "s1._domainkey.mail.acme.example": {"k=rsa; p=AAAA"}}, false, true, [3]launch.State{launch.Done, launch.Done, launch.Done}},
		"parent's DMARC":       {zone{"_dmarc.acme.example": {"v=DMARC1; p=reject; sp=none"}}, true, false, [3]launch.State{launch.Todo, launch.Warn, launch.Warn}},
		"two of each":          {zone{"mail.acme.example": {"v=spf1 -all", "v=spf1 ~all"}, "_dmarc.mail.acme.example": {"v=DMARC1; p=none", "v=DMARC1; p=none"}}, false, true, [3]launch.State{launch.Todo, launch.Todo, launch.Todo}},
		"all may send":         {zone{"mail.acme.example": {"v=spf1 +all"}}, false, false, [3]launch.State{launch.Todo, launch.Unknown, launch.Todo}},
		"forbids nothing":      {zone{"mail.acme.example": {"v=spf1 mx", "unrelated"}}, false, false, [3]launch.State{launch.Warn, launch.Unknown, launch.Todo}},
		"too many lookups":     {zone{"mail.acme.example": {many}, "i1.example": {"v=spf1 a mx a mx a -all"}, "i2.example": {"v=spf1 a mx a mx a -all"}}, false, false, [3]launch.State{launch.Todo, launch.Unknown, launch.Todo}},
		"a circle":             {zone{"mail.acme.example": {"v=spf1 include:mail.acme.example -all"}}, false, false, [3]launch.State{launch.Todo, launch.Unknown, launch.Todo}},
		"no answer":            {zone{"mail.acme.example": {"SERVFAIL"}, "_dmarc.mail.acme.example": {"SERVFAIL"}, "s1._domainkey.mail.acme.example": {"SERVFAIL"}}, false, true, [3]launch.State{launch.Unknown, launch.Unknown, launch.Unknown}},
		"revoked key":          {zone{"s1._domainkey.mail.acme.example": {"v=DKIM1; p="}}, false, true, [3]launch.State{launch.Warn, launch.Todo, launch.Todo}},
		"policy of no meaning": {zone{"_dmarc.mail.acme.example": {"v=DMARC1; p=strict"}}, false, false, [3]launch.State{launch.Warn, launch.Unknown, launch.Todo}},
	} {
		cfg := config.Config{MailFrom: "Acme <hello@mail.acme.example>", PostmarkToken: "x"}
		if c.smtp {
			cfg.PostmarkToken, cfg.SMTPURL = "", "smtp://127.0.0.1:25"
		}
		if c.sendgrid {
			cfg.PostmarkToken, cfg.SendGridKey = "", "x"
		}
		found := email.LookUp(t.Context(), c.zone.txt, &cfg)
		if len(found) != 3 {
			t.Errorf("%s: %+v", name, found)
			continue
		}
		for i, f := range found {
			if f.State != c.want[i] || f.About != "mail.acme.example" || f.Detail == "" {
				t.Errorf("%s: %s is %s: %s; want %s", name, f.Key, f.State, f.Detail, c.want[i])
			}
		}
	}
}

// Keys that we sign with ourselves are held against what is published.
func TestLaunchOwnDKIM(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s1.pem")
	private, err := post.MakeKey("ed25519", path)
	if err != nil {
		t.Fatal(err)
	}
	record, err := post.RecordOf("acme.example", "s1", private.Public())
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Config{MailFrom: "Acme <hello@acme.example>", SMTPURL: "smtp://127.0.0.1:25", DKIMSelectors: []string{"s1"}, DKIMKeys: []string{"s1=" + path}}
	for name, c := range map[string]struct {
		zone zone
		want launch.State
	}{
		"published": {zone{record.Name: {record.Text}}, launch.Done},
		"another":   {zone{record.Name: {"v=DKIM1; k=ed25519; p=AAAA"}}, launch.Todo},
		"none":      {zone{}, launch.Todo},
		"no answer": {zone{record.Name: {"SERVFAIL"}}, launch.Unknown},
	} {
		for _, f := range email.LookUp(t.Context(), c.zone.txt, &cfg) {
			if f.Key == "email.dkim" && f.State != c.want {
				t.Errorf("%s: %s: %s", name, f.State, f.Detail)
			}
		}
	}
	cfg.DKIMKeys = []string{"s1=" + path + ".gone"}
	for _, f := range email.LookUp(t.Context(), zone{}.txt, &cfg) {
		if f.Key == "email.dkim" && !strings.Contains(f.Detail, "cannot be read") {
			t.Errorf("a key that is gone: %s: %s", f.State, f.Detail)
		}
	}
}

// visited is the public address of an installation.
type visited struct {
	status int
	body   string
	hsts   bool
	end    time.Duration // until the certificate ends
	err    error
	date   time.Duration // by which its clock is ahead
}

// RoundTrip implements http.RoundTripper. Certificates and dates go by the real time.
func (v visited) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.err != nil {
		return nil, v.err
	}
	h := http.Header{"Date": {time.Now().Add(v.date).UTC().Format(http.TimeFormat)}}
	if v.hsts {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return &http.Response{StatusCode: v.status, Header: h, Body: io.NopCloser(strings.NewReader(v.body)), Request: r,
		TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{NotAfter: time.Now().Add(v.end)}}}}, nil
}

// production is an installation at a public address that v answers at, with no DNS.
func production(v visited) apptest.Option {
	return func(c *config.Config, o *app.Options) {
		c.URL, c.SMTPURL, o.Outside = "https://app.acme.example", "smtp://127.0.0.1:1", v
		o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}
	}
}

func TestLaunchLooks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		visited
		certificate, hsts launch.State
	}{
		"well":            {visited{200, "ok\n", true, 60 * 24 * time.Hour, nil, 0}, launch.Done, launch.Done},
		"ends soon":       {visited{200, "ok\n", true, 3 * 24 * time.Hour, nil, 0}, launch.Warn, launch.Done},
		"expired":         {visited{200, "ok\n", false, -time.Hour, nil, 0}, launch.Todo, launch.Todo},
		"somebody else":   {visited{404, "nginx", true, 60 * 24 * time.Hour, nil, 0}, launch.Todo, launch.Unknown},
		"does not answer": {visited{err: errors.New("connection refused")}, launch.Todo, launch.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.New(t, production(c.visited))
			key := a.Key("launch:manage")
			a.Forget()
			key.PostJSON("/-/api/v1/launch/look", nil).Want(202)
			a.Expect(apptest.Happened{Audit: []string{"launch.look_requested"}, Jobs: []string{"ops.look"}})
			a.RunJobs()
			by := checksWith(a, nil)
			wantState(t, by, "server.certificate", c.certificate, "")
			wantState(t, by, "server.hsts", c.hsts, "")
			if by["server.certificate"].LookedAt.IsZero() {
				t.Error("it does not say when it was found out")
			}
			// What was found of another address says nothing of this one, nor for ever.
			wantState(t, checksWith(a, func(c *config.Config) { c.URL = "https://other.example" }), "server.certificate", launch.Unknown, "not called")
			a.Clock.Advance(5 * 24 * time.Hour)
			wantState(t, checksWith(a, nil), "server.certificate", launch.Unknown, "not called")
		})
	}
}

// In production a look is made every day by itself, in development none.
func TestLaunchLooksDaily(t *testing.T) {
	t.Parallel()
	dev, prod := apptest.New(t), apptest.New(t, production(visited{200, "ok\n", true, 60 * 24 * time.Hour, nil, 0}))
	for _, a := range []*apptest.App{dev, prod} {
		a.RunJobs() // schedules are planned from now on
		a.Clock.Advance(24 * time.Hour)
		a.RunJobs()
	}
	wantState(t, checksWith(prod, nil), "server.certificate", launch.Done, "valid until")
	wantState(t, checksWith(prod, nil), "email.spf", launch.Unknown, "did not answer")
	if n := dev.Count("queue_schedule"); n != 0 {
		t.Errorf("%d schedules in development", n)
	}
}

// The clock is compared with the answers of services that are called anyway.
func TestLaunchClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead time.Duration
		state launch.State
		says  string
	}{{0, launch.Done, "agrees"}, {10 * time.Second, launch.Warn, "behind"}, {-time.Hour, launch.Todo, "1h0m0s ahead"}} {
		var piece ops.Timepiece
		r, err := http.NewRequest("GET", "https://x.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := piece.Finding(time.Now()); ok {
			t.Error("it knows before anything was called")
		}
		if _, err := piece.Through(visited{status: 200, date: c.ahead}).RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if f, ok := piece.Finding(time.Now()); !ok || f.State != c.state || !strings.Contains(f.Detail, c.says) {
			t.Errorf("%s: %+v", c.ahead, f)
		}
		if _, ok := piece.Finding(time.Now().Add(48 * time.Hour)); ok {
			t.Error("it is believed for ever")
		}
	}
}
