package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/config"
)

// certify writes a certificate for 127.0.0.1 and localhost, and its key.
func certify(t *testing.T, dir string, serial int64) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, pool
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTLSWithFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, pool := certify(t, dir, 1)
	addr, plain := freePort(t), freePort(t)
	cfg := config.Config{Addr: addr, URL: "https://" + addr, TLS: cert + "," + key, Redirect: plain, Data: filepath.Join(dir, "data"), Replica: "off", Brand: "Acme",
		LogLevel: "error", RateLimits: "on", Grace: 5 * time.Second, MailFrom: "a@acme.example", SMTPURL: "smtp://u:p@127.0.0.1:2525", MailDays: 90, CopiesDays: 30, SendGridSkew: 300, SMSDaily: 500}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Version: "test", Hasher: auth.NewCheapHasher(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	started, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- a.Run(ctx, func(app.Serving) { close(started) }) }()
	select {
	case <-started:
	case err := <-stopped:
		t.Fatal(err)
	}
	client := func(pool *x509.CertPool) *http.Client {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	get := func(c *http.Client, url string) *http.Response {
		t.Helper()
		r, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return r
	}
	first := client(pool)
	if r := get(first, "https://"+addr+"/-/healthz"); r.StatusCode != 200 || r.ProtoMajor != 2 || !strings.Contains(r.Header.Get("Strict-Transport-Security"), "max-age=31536000") {
		t.Errorf("%s %s %v", r.Proto, r.Status, r.Header)
	}
	if r := get(first, "http://"+plain+"/a%2Fb/c?d=e"); r.StatusCode != 308 || r.Header.Get("Location") != "https://"+addr+"/a%2Fb/c?d=e" {
		t.Errorf("plain: %s to %q", r.Status, r.Header.Get("Location"))
	}
	if r, err := first.Post("http://"+plain+"/-/login", "text/plain", strings.NewReader("x")); err != nil || r.StatusCode != 403 {
		t.Errorf("a form sent in the clear: %v, %v", r, err)
	} else {
		r.Body.Close()
	}
	old := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", addr, old); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}

	// A pair that cannot be read leaves the old one in use; one that can takes its place.
	if err := os.WriteFile(cert, []byte("half a certif"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.ForgetCertificate()
	get(client(pool), "https://"+addr+"/-/healthz")
	_, _, renewed := certify(t, dir, 2)
	a.ForgetCertificate()
	get(client(renewed), "https://"+addr+"/-/healthz")
	if _, err := client(pool).Get("https://" + addr + "/-/healthz"); err == nil {
		t.Error("the old certificate is still shown")
	}

	// Idle connections, one of them HTTP/2, keep no shutdown waiting.
	began := time.Now()
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the shutdown took %v", took)
	}
}

func TestTLSConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  config.Config
		want string // part of the fault; "" for none
	}{
		"off":             {config.Config{URL: "http://127.0.0.1:8080"}, ""},
		"auto":            {config.Config{URL: "https://app.example.com", TLS: "auto"}, ""},
		"auto, address":   {config.Config{URL: "https://203.0.113.9", TLS: "auto"}, "public DNS"},
		"auto, localhost": {config.Config{URL: "https://localhost", TLS: "auto"}, "public DNS"},
		"development":     {config.Config{URL: "http://app.example.com", TLS: "auto"}, "must be https://"},
		"one path":        {config.Config{URL: "https://app.example.com", TLS: "cert.pem"}, "two paths"},
		"redirect alone":  {config.Config{URL: "https://app.example.com", Redirect: ":80"}, "nowhere to redirect"},
	} {
		cfg := c.cfg
		cfg.Addr, cfg.Brand, cfg.MailFrom, cfg.SMTPURL, cfg.RateLimits, cfg.SMSDaily, cfg.MailDays, cfg.SendGridSkew = "127.0.0.1:8080", "Acme", "a@acme.example", "smtp://u:p@mail.example:587", "on", 500, 90, 300
		err := cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if name == "auto" && (cfg.Addr != ":443" || cfg.Redirect != ":80") {
			t.Errorf("auto listens on %s and %s", cfg.Addr, cfg.Redirect)
		}
	}
}

// The rule certificate: one that runs out within two weeks is an alert, once, and it ends when another
// takes its place.
func TestRuleCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, _ := certify(t, dir, 1) // valid for an hour
	addr := freePort(t)
	cfg := config.Config{Addr: addr, URL: "https://" + addr, TLS: cert + "," + key, Redirect: freePort(t), Data: filepath.Join(dir, "data"), Replica: "off", Brand: "Acme",
		LogLevel: "error", RateLimits: "on", Grace: 5 * time.Second, MailFrom: "a@acme.example", SMTPURL: "smtp://u:p@127.0.0.1:2525", MailDays: 90, CopiesDays: 30, SendGridSkew: 300, SMSDaily: 500}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	var ahead atomic.Int64
	a, err := app.New(t.Context(), cfg, app.Options{Version: "test", Hasher: auth.NewCheapHasher(), Log: slog.New(slog.DiscardHandler),
		Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	started, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- a.Run(ctx, func(app.Serving) { close(started) }) }()
	defer func() { stop(); <-stopped }()
	select {
	case <-started:
	case err := <-stopped:
		t.Fatal(err)
	}
	look := func() (n int) {
		t.Helper()
		if err := a.Observe.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, one := range a.Observe.Firing() {
			if one.Title == "Certificate runs out" {
				n++
			}
		}
		return n
	}
	for range 3 {
		if n := look(); n != 1 {
			t.Fatalf("%d alerts", n)
		}
	}
	ahead.Store(-int64(60 * 24 * time.Hour)) // as one that is valid for two months
	if n := look(); n != 1 {
		t.Errorf("%d alerts before it was well for long enough", n)
	}
	ahead.Add(int64(3 * time.Minute))
	if n := look(); n != 0 {
		t.Errorf("%d alerts", n)
	}
}
