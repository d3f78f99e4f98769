package feedback

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The bounds of fetching certificates: how long one fetch may take, how large a
// file may be, how long a key is kept, how many are, and how long a failure is
// remembered, so that a stream of messages does not ask each time.
const (
	fetchTimeout = 5 * time.Second
	maxFile      = 32 << 10
	keepKey      = 24 * time.Hour
	maxKeys      = 32
	keepFailure  = 10 * time.Second
	maxIssuers   = 3
)

// Certificates fetches the certificates that SNS signs with, verifies them, and
// keeps their keys.
type Certificates struct {
	client *http.Client
	roots  *x509.CertPool
	now    func() time.Time

	fetching sync.Mutex // held while one is fetched: whoever comes meanwhile mostly needs the same
	mu       sync.Mutex // of keys
	keys     map[string]knownKey
}

type knownKey struct {
	key   *rsa.PublicKey
	err   error
	until time.Time
}

// NewCertificates fetches through a transport, which must refuse addresses of the
// own network. roots are the system's if nil.
func NewCertificates(transport http.RoundTripper, roots *x509.CertPool, now func() time.Time) *Certificates {
	return &Certificates{client: &http.Client{Transport: transport, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		roots: roots, now: now, keys: map[string]knownKey{}}
}

// key is the public key of the certificate at an address that certificateURL let
// through.
func (c *Certificates) key(ctx context.Context, address string) (*rsa.PublicKey, error) {
	if k, ok := c.known(address); ok {
		return k.key, k.err
	}
	c.fetching.Lock()
	defer c.fetching.Unlock()
	if k, ok := c.known(address); ok { // whoever was first has it
		return k.key, k.err
	}
	now := c.now()
	// The answer is for all who wait, so it does not end with the one who asks.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	key, until, err := c.fetch(ctx, address, now)
	if err != nil {
		until = now.Add(keepFailure)
	}
	c.keep(address, knownKey{key, err, until})
	return key, err
}

// known is what was found out about an address and still counts. It never waits for a
// fetch: whoever names certificates that are not there holds up nobody else's messages.
func (c *Certificates) known(address string) (k knownKey, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok = c.keys[address]
	return k, ok && c.now().Before(k.until)
}

// keep remembers it. Failures make room first.
func (c *Certificates) keep(address string, k knownKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keys) >= maxKeys {
		maps.DeleteFunc(c.keys, func(_ string, k knownKey) bool { return k.err != nil })
	}
	if len(c.keys) >= maxKeys {
		clear(c.keys)
	}
	c.keys[address] = k
}

func (c *Certificates) fetch(ctx context.Context, address string, now time.Time) (*rsa.PublicKey, time.Time, error) {
	raw, err := c.get(ctx, address)
	if err != nil {
		return nil, now, fmt.Errorf("certificate of SNS: %w", err)
	}
	chain := parseChain(raw)
	if len(chain) == 0 {
		return nil, now, fmt.Errorf("%w: there is no certificate at its address", ErrUnauthorized)
	}
	leaf := chain[0]
	u, _ := url.Parse(address)
	if leaf.VerifyHostname(u.Hostname()) != nil && leaf.VerifyHostname("sns.amazonaws.com") != nil && leaf.VerifyHostname("sns.amazonaws.com.cn") != nil {
		return nil, now, fmt.Errorf("%w: the certificate is not for SNS", ErrUnauthorized)
	}
	if err := c.verify(ctx, chain, now); err != nil {
		return nil, now, err
	}
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < 2048 {
		return nil, now, fmt.Errorf("%w: the certificate has no RSA key of 2048 bits", ErrUnauthorized)
	}
	until := now.Add(keepKey)
	if leaf.NotAfter.Before(until) {
		until = leaf.NotAfter
	}
	return key, until, nil
}

// verify leads a chain to a root. SNS hands out its own certificate alone, so that
// missing issuers are fetched from where each certificate says (RFC 5280 section
// 4.2.2.1), from Amazon's authority and nowhere else; what comes from there proves
// itself by the signatures up to a root.
func (c *Certificates) verify(ctx context.Context, chain []*x509.Certificate, now time.Time) error {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	last := chain[len(chain)-1]
	for n := 0; ; n++ {
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if err == nil {
			return nil
		}
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) || n == maxIssuers {
			return fmt.Errorf("%w: %v", ErrUnauthorized, err)
		}
		issuer, err := c.issuer(ctx, last)
		if err != nil {
			return err
		}
		between.AddCert(issuer)
		last = issuer
	}
}

// issuer fetches who issued a certificate.
func (c *Certificates) issuer(ctx context.Context, cert *x509.Certificate) (*x509.Certificate, error) {
	for _, text := range cert.IssuingCertificateURL {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Port() != "" || u.User != nil || !strings.HasSuffix(u.Hostname(), ".amazontrust.com") {
			continue
		}
		raw, err := c.get(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("issuer of the certificate of SNS: %w", err)
		}
		if parsed, err := x509.ParseCertificate(raw); err == nil {
			return parsed, nil
		}
		if chain := parseChain(raw); len(chain) > 0 {
			return chain[0], nil
		}
	}
	return nil, fmt.Errorf("%w: no known authority vouches for the certificate", ErrUnauthorized)
}

func (c *Certificates) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d", res.StatusCode)
	case len(raw) > maxFile:
		return nil, errors.New("too large for a certificate")
	}
	return raw, nil
}

// parseChain reads certificates in PEM, at most a few.
func parseChain(raw []byte) (chain []*x509.Certificate) {
	for len(chain) < 8 {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			break
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			chain = append(chain, cert)
		}
	}
	return chain
}
