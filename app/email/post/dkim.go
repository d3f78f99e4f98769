package post

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/idna"
)

// Key is half of what a DKIM selector names: the private one.
type Key struct {
	Selector string
	Private  crypto.Signer // *rsa.PrivateKey of 2048 bits or more, or ed25519.PrivateKey
}

// Signer signs mail that leaves by a mail server of ours (DKIM, RFC 6376; Ed25519: RFC 8463). The providers over HTTP sign by
// themselves. It is safe for concurrent use.
type Signer struct {
	domain string
	keys   []Key
}

// NewSigner signs for a domain with every key: with one of RSA, which all receivers know, and perhaps one of Ed25519 beside it.
func NewSigner(domain string, keys ...Key) (*Signer, error) {
	ascii, err := idna.Lookup.ToASCII(strings.ToLower(domain))
	if err != nil || !strings.Contains(ascii, ".") {
		return nil, fmt.Errorf("DKIM: %q is no domain", domain)
	}
	if len(keys) == 0 {
		return nil, errors.New("DKIM: there is no key")
	}
	rsa := false
	for i, k := range keys {
		if !ValidSelector(k.Selector) {
			return nil, fmt.Errorf("DKIM: %q is no selector", k.Selector)
		}
		if slices.ContainsFunc(keys[:i], func(other Key) bool { return other.Selector == k.Selector }) {
			return nil, fmt.Errorf("DKIM: the selector %s is given twice", k.Selector)
		}
		kind, err := keyKind(k.Private)
		if err != nil {
			return nil, fmt.Errorf("DKIM: selector %s: %w", k.Selector, err)
		}
		rsa = rsa || kind == RSA
	}
	if !rsa {
		return nil, errors.New("DKIM: one key must be of RSA: many receivers know no other")
	}
	return &Signer{domain: ascii, keys: slices.Clone(keys)}, nil
}

// Domain is who signs, as the DNS knows it.
func (s *Signer) Domain() string { return s.domain }

// Aligned reports whether a signature counts for a sender's address: whether its domain is the one that signs or below it (a
// stricter reading of "relaxed", RFC 7489 section 3.1.1, which needs no list of public suffixes).
func (s *Signer) Aligned(from string) bool {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return false
	}
	domain, err := idna.Lookup.ToASCII(strings.ToLower(a.Address[strings.LastIndexByte(a.Address, '@')+1:]))
	return err == nil && (domain == s.domain || strings.HasSuffix(domain, "."+s.domain))
}

// Headers that are signed. Those of always are signed once more than they are there, so that nobody can add one on the way;
// those of present too, but only where there is one: lists add some of them rightly (RFC 6376 section 5.4.2).
var (
	always  = []string{"From", "Reply-To", "To", "Cc", "Subject"}
	present = []string{"Date", "Message-ID", "Sender", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
		"Auto-Submitted", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"} // RFC 8058 section 4 demands the last two
)

// Sign puts a signature of each key in front of a whole message. Lines that end in LF alone get the CRLF with which they will
// be sent; a CR alone has no place in a message and is an error, since servers make different things of it.
func (s *Signer) Sign(raw []byte) ([]byte, error) {
	raw, err := canonicalLines(raw)
	if err != nil {
		return nil, err
	}
	names, err := signedHeaders(raw)
	if err != nil {
		return nil, err
	}
	var signed bytes.Buffer
	for _, k := range s.keys {
		one, err := s.signature(raw, k, names)
		if err != nil {
			return nil, fmt.Errorf("DKIM: sign with %s: %w", k.Selector, err)
		}
		signed.WriteString(one)
	}
	signed.Write(raw)
	return signed.Bytes(), nil
}

func (s *Signer) signature(raw []byte, k Key, names []string) (string, error) {
	signer, err := dkim.NewSigner(&dkim.SignOptions{Domain: s.domain, Selector: k.Selector, Signer: k.Private, HeaderKeys: names,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	if err != nil {
		return "", err
	}
	_, err = signer.Write(raw)
	if err = errors.Join(err, signer.Close()); err != nil { // Close waits for the signer's goroutine
		return "", err
	}
	return signer.Signature(), nil
}

// canonicalLines ends every line, the last one too, in CRLF.
func canonicalLines(raw []byte) ([]byte, error) {
	rest := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	if bytes.ContainsAny(rest, "\r\x00") {
		return nil, errors.New("DKIM: the message has a CR without LF, or a NUL")
	}
	if !bytes.HasSuffix(rest, []byte("\n")) {
		rest = append(rest, '\n')
	}
	if out := bytes.ReplaceAll(rest, []byte("\n"), []byte("\r\n")); len(out) != len(raw) {
		return out, nil
	}
	return raw, nil // as it mostly is
}

// signedHeaders is the list h= for a message. Its head must have one From, as RFC 5322 section 3.6 says: receivers may show
// another of two than the one that was signed.
func signedHeaders(raw []byte) ([]string, error) {
	head, _, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return nil, errors.New("DKIM: the message has no body")
	}
	count := map[string]int{}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return nil, errors.New("DKIM: a line of the head is no header")
		}
		count[strings.ToLower(strings.TrimSpace(string(name)))]++
	}
	if n := count["from"]; n != 1 {
		return nil, fmt.Errorf("DKIM: the message has %d From headers", n)
	}
	var names []string
	for _, name := range slices.Concat(always, present) {
		n := count[strings.ToLower(name)]
		if n == 0 && !slices.Contains(always, name) {
			continue
		}
		for range n + 1 {
			names = append(names, name)
		}
	}
	return names, nil
}
