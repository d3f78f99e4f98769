package post

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The kinds of keys that DKIM knows.
const (
	RSA     = "rsa"
	Ed25519 = "ed25519"
)

var selectorForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?)?$`)

// ValidSelector reports whether s can be a selector: one or two labels of the DNS (RFC 6376 section 3.1) in small letters. The
// configuration takes the same.
func ValidSelector(s string) bool { return selectorForm.MatchString(s) }

// KeyFile is where the key of a selector lies in the folder of keys.
func KeyFile(folder, domain, selector string) string {
	return filepath.Join(folder, "dkim-"+domain+"-"+selector+".pem")
}

func keyKind(private crypto.Signer) (string, error) {
	switch key := private.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 2048 {
			return "", fmt.Errorf("an RSA key of %d bits is too weak: 2048 are needed", key.N.BitLen())
		}
		return RSA, nil
	case ed25519.PrivateKey:
		return Ed25519, nil
	}
	return "", fmt.Errorf("%T is no key for DKIM: RSA and Ed25519 are", private)
}

// MakeKey makes a key pair and stores the private half, readable by the owner alone. A file that is there is never replaced:
// the error is fs.ErrExist. RSA keys have 2048 bits: longer ones do not fit where some receivers look.
func MakeKey(kind, path string) (crypto.Signer, error) {
	var private crypto.Signer
	var err error
	switch kind {
	case RSA:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case Ed25519:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("there are no %q keys for DKIM", kind)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return private, storeKey(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// storeKey writes a file that was not there, whole or not at all.
func storeKey(path string, text []byte) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".dkim-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // and not rename, which replaces
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LoadKey reads a private key in PEM (PKCS #8, or PKCS #1 for RSA). No error repeats any of it.
func LoadKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseKey(text)
}

func parseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("this is no key in PEM")
	}
	var private any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("this is no private key without a passphrase")
	}
	if err != nil {
		return nil, errors.New("this is no key that can be read")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("this key cannot sign")
	}
	if _, err := keyKind(signer); err != nil {
		return nil, err
	}
	return signer, nil
}

// Record is what the DNS has to say of a key (RFC 6376 section 3.6.1).
type Record struct {
	Name string // s1._domainkey.example.com
	Text string // of the TXT record, whole
}

// RecordOf is the record of a selector's key.
func RecordOf(domain, selector string, public crypto.PublicKey) (Record, error) {
	r := Record{Name: selector + "._domainkey." + domain}
	switch key := public.(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return r, err
		}
		r.Text = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	case ed25519.PublicKey:
		r.Text = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key)
	default:
		return r, fmt.Errorf("%T is no key for DKIM", public)
	}
	return r, nil
}

// Zone is the record as a line of a zone file. A string of TXT holds 255 bytes (RFC 1035 section 3.3); receivers join them.
func (r Record) Zone() string {
	var parts []string
	for text := r.Text; text != ""; {
		n := min(len(text), 255)
		parts = append(parts, `"`+text[:n]+`"`)
		text = text[n:]
	}
	return r.Name + ". 3600 IN TXT " + strings.Join(parts, " ")
}
