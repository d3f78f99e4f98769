package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// secured is how clients reach this process by TLS.
type secured struct {
	config *tls.Config
	plain  http.Handler // answers plain HTTP: challenges of the authority, and redirects
	pair   *pair        // nil: the certificate is had from an authority
	ends   atomic.Int64 // when the certificate that was shown last runs out, unix seconds; 0: none was shown
}

// noting remembers when the certificates run out that are shown for a host.
func (s *secured) noting(host string, get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := get(hello)
		if err == nil && cert.Leaf != nil && hello.ServerName == host {
			s.ends.Store(cert.Leaf.NotAfter.Unix())
		}
		return cert, err
	}
}

// end is when the certificate runs out; zero while that is not known.
func (s *secured) end() time.Time {
	if s.pair != nil {
		if cert, err := s.pair.load(nil); err == nil && cert.Leaf != nil {
			return cert.Leaf.NotAfter
		}
	}
	if unix := s.ends.Load(); unix > 0 {
		return time.Unix(unix, 0)
	}
	return time.Time{}
}

// secure sets TLS up; nil without. Certificates that are had from an authority lie in the
// data folder, so that a restart asks for none.
func (a *App) secure() (*secured, error) {
	if !a.Config.HasTLS() {
		return nil, nil
	}
	public, err := url.Parse(a.Config.URL)
	if err != nil {
		return nil, err
	}
	onward := toHTTPS(public)
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if certificate, key := a.Config.TLSFiles(); certificate != "" {
		pair := &pair{certificate: certificate, key: key, log: a.log}
		if _, err := pair.load(nil); err != nil {
			return nil, fmt.Errorf("SEAWORTHY_TLS: %w", err)
		}
		base.GetCertificate = pair.load
		return &secured{config: base, plain: onward, pair: pair}, nil
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Email: a.Config.ACMEEmail,
		Cache:      autocert.DirCache(filepath.Join(a.Config.Data, "certificates")),
		HostPolicy: autocert.HostWhitelist(public.Hostname()),
	}
	if a.Config.ACMEDirectory != "" {
		m.Client = &acme.Client{DirectoryURL: a.Config.ACMEDirectory, UserAgent: "seaworthy"}
	}
	base.NextProtos = append(base.NextProtos, acme.ALPNProto)
	s := &secured{config: base, plain: m.HTTPHandler(onward)}
	base.GetCertificate = s.noting(public.Hostname(), a.patient(m.GetCertificate))
	return s, nil
}

// patient logs why there is no certificate, at most once a minute: each handshake would.
func (a *App) patient(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	var mu sync.Mutex
	var logged time.Time
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := get(hello)
		if err == nil || hello.ServerName != a.host() {
			return cert, err // strangers ask for other names all day long
		}
		mu.Lock()
		defer mu.Unlock()
		if time.Since(logged) > time.Minute {
			logged = time.Now()
			a.log.Error("there is no certificate yet: are ports 80 and 443 of the public address those of this machine?", "host", hello.ServerName, "err", err)
		}
		return nil, err
	}
}

// host is the public name of the installation.
func (a *App) host() string {
	u, err := url.Parse(a.Config.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// toHTTPS sends plain HTTP to the same place at the public address. What is not safe to
// repeat is refused: its content was sent in the clear already.
func toHTTPS(public *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "This address is served over https alone.", http.StatusForbidden)
			return
		}
		to := url.URL{Scheme: "https", Host: public.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
	})
}

// pair is a certificate and its key in files, which whoever renews them replaces.
type pair struct {
	certificate, key string
	log              *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   [2]time.Time // when each was changed
	loaded *tls.Certificate
}

// lookAgain is how long a loaded pair is used without a look at the files.
const lookAgain = 10 * time.Second

// load implements tls.Config's GetCertificate. A pair that cannot be read leaves the old one in use.
func (p *pair) load(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loaded != nil && time.Since(p.looked) < lookAgain {
		return p.loaded, nil
	}
	p.looked = time.Now()
	now, err := p.changed()
	if err == nil && p.loaded != nil && now == p.seen {
		return p.loaded, nil
	}
	var cert tls.Certificate
	if err == nil {
		cert, err = tls.LoadX509KeyPair(p.certificate, p.key)
	}
	if err != nil {
		if p.loaded == nil {
			return nil, fmt.Errorf("read the certificate: %w", err)
		}
		p.log.Error("the certificate was changed and cannot be read; the old one is still in use", "err", err)
		return p.loaded, nil
	}
	p.loaded, p.seen = &cert, now
	return p.loaded, nil
}

func (p *pair) changed() (at [2]time.Time, err error) {
	for i, path := range []string{p.certificate, p.key} {
		info, err := os.Stat(path)
		if err != nil {
			return at, err
		}
		at[i] = info.ModTime()
	}
	return at, nil
}

// servePlain answers plain HTTP until ctx ends.
func (s *secured) servePlain(ctx context.Context, l net.Listener, log *slog.Logger) {
	server := &http.Server{Handler: s.plain, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			server.Close()
		}
	})
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		log.Error("plain HTTP is not answered any more", "err", err)
	}
	if !stop() {
		<-ended
	}
}
