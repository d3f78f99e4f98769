package post

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// testKeys are a key of each kind. Making one of RSA takes a while, so that the tests share it.
var testKeys = sync.OnceValue(func() []Key {
	one, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	_, two, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return []Key{{"s1", one}, {"ed1", two}}
})

func testSigner(t testing.TB) *Signer {
	t.Helper()
	s, err := NewSigner("acme.example", testKeys()...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testRecords is the DNS of the keys, by name.
func testRecords(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, k := range testKeys() {
		r, err := RecordOf("acme.example", k.Selector, k.Private.Public())
		if err != nil {
			t.Fatal(err)
		}
		all[r.Name] = r.Text
	}
	return all
}

// verify reports what go-msgauth's verifier thinks of each signature.
func verify(t testing.TB, raw []byte) []*dkim.Verification {
	t.Helper()
	records := testRecords(t)
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		text, ok := records[name]
		if !ok {
			return nil, fmt.Errorf("%s is not looked up", name)
		}
		return []string{text}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func valid(t testing.TB, raw []byte) bool {
	t.Helper()
	all := verify(t, raw)
	for _, v := range all {
		if v.Err != nil || v.Domain != "acme.example" {
			return false
		}
	}
	return len(all) == 2
}

const letter = "From: Acme <hello@acme.example>\r\nTo: ada@example.com\r\nSubject: Hello\r\nDate: Sun, 01 Mar 2026 12:00:00 +0000\r\nMessage-ID: <m@acme.example>\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nList-Unsubscribe: <https://acme.example/-/unsubscribe/t>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nHello\r\n"

func TestSignatureCoversWhatMustNotChange(t *testing.T) {
	t.Parallel()
	signed, err := testSigner(t).Sign([]byte(letter))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(signed, []byte(letter)) || !valid(t, signed) {
		t.Fatalf("%s", signed)
	}
	for _, v := range verify(t, signed) {
		count := map[string]int{}
		for _, name := range v.HeaderKeys {
			count[strings.ToLower(name)]++
		}
		// Once more than there are: nobody can add one.
		for name, want := range map[string]int{"from": 2, "to": 2, "subject": 2, "reply-to": 1, "cc": 1, "date": 2, "message-id": 2, "mime-version": 2, "content-type": 2,
			"list-unsubscribe": 2, "list-unsubscribe-post": 2, "references": 0} {
			if count[name] != want {
				t.Errorf("h= has %s %d times, want %d: %s", name, count[name], want, v.HeaderKeys)
			}
		}
	}
	for name, change := range map[string][2]string{
		"another sender":         {"hello@acme.example>", "eve@acme.example>"},
		"a second From":          {"\r\nTo:", "\r\nFrom: eve@evil.example\r\nTo:"},
		"a second From in front": {"From: Acme", "From: eve@evil.example\r\nFrom: Acme"},
		"a second Subject":       {"Subject:", "Subject: Your invoice\r\nSubject:"},
		"a Reply-To":             {"Subject:", "Reply-To: eve@evil.example\r\nSubject:"},
		"a Cc":                   {"Subject:", "Cc: eve@evil.example\r\nSubject:"},
		"another Content-Type":   {"Content-Type: text/plain", "Content-Type: text/plain\r\nContent-Type: text/html"},
		"another way out":        {"https://acme.example/-/unsubscribe/t", "https://evil.example/"},
		"no one-click":           {"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", ""},
		"more text":              {"\r\n\r\nHello", "\r\n\r\nHello you"},
		"text behind":            {"Hello\r\n", "Hello\r\nx\r\n"},
		"another date":           {"12:00:00", "13:00:00"},
	} {
		at := bytes.LastIndex(signed, []byte(change[0]))
		if at < 0 {
			t.Fatalf("%s: there is no %q", name, change[0])
		}
		bad := bytes.Join([][]byte{signed[:at], []byte(change[1]), signed[at+len(change[0]):]}, nil)
		for _, v := range verify(t, bad) {
			if v.Err == nil {
				t.Errorf("%s: the signature holds:\n%s", name, bad)
			}
		}
	}
	folded := bytes.Replace(signed, []byte("Subject: Hello"), []byte("subject:\r\n  Hello  "), 1) // what relays may do
	if !valid(t, append(folded, "\r\n\r\n"...)) {
		t.Error("the signature does not survive a relay that folds")
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	s := testSigner(t)
	for name, raw := range map[string]string{
		"nothing": "", "no body": "From: a@acme.example\r\n", "no From": "To: a@acme.example\r\n\r\nx", "two From": "From: a@acme.example\r\nFrom: b@acme.example\r\n\r\nx",
		"a CR alone": "From: a@acme.example\r\n\r\nx\ry\r\n", "a NUL": "From: a@acme.example\r\n\r\nx\x00\r\n", "no header": "From: a@acme.example\r\nhello\r\n\r\nx",
	} {
		if out, err := s.Sign([]byte(raw)); err == nil {
			t.Errorf("%s is signed: %s", name, out)
		}
	}
	out, err := s.Sign([]byte("From: a@acme.example\nTo: b@example.com\n\nbody without an end"))
	if err != nil || !valid(t, out) || !bytes.HasSuffix(out, []byte("From: a@acme.example\r\nTo: b@example.com\r\n\r\nbody without an end\r\n")) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	k := testKeys()
	for name, c := range map[string]struct {
		domain string
		keys   []Key
	}{
		"no domain": {"localhost", k}, "an odd domain": {"a b.example", k}, "no key": {"acme.example", nil}, "a weak key": {"acme.example", []Key{{"s1", weak}}},
		"Ed25519 alone": {"acme.example", k[1:]}, "a selector twice": {"acme.example", []Key{k[0], {"s1", k[1].Private}}}, "an odd selector": {"acme.example", []Key{{"s;d=x", k[0].Private}}},
	} {
		if _, err := NewSigner(c.domain, c.keys...); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	s, err := NewSigner("Büro.example", k...)
	if err != nil || s.Domain() != "xn--bro-hoa.example" {
		t.Fatal(s, err)
	}
	for from, want := range map[string]bool{"a@büro.example": true, "A <a@mail.BÜRO.example>": true, "a@xn--bro-hoa.example": true, "a@notbüro.example": false, "a@example": false, "x": false} {
		if s.Aligned(from) != want {
			t.Errorf("%s is aligned: %v", from, !want)
		}
	}
}

// Rotation: with a second selector the mail of the day is signed with the new key, and what was signed before verifies as
// long as the old record stands.
func TestRotationOfKeys(t *testing.T) {
	t.Parallel()
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := NewSigner("acme.example", testKeys()[0])
	now, _ := NewSigner("acme.example", Key{"s2", next})
	records := testRecords(t)
	r, err := RecordOf("acme.example", "s2", next.Public())
	if err != nil {
		t.Fatal(err)
	}
	records[r.Name] = r.Text
	for _, s := range []*Signer{old, now} {
		raw, err := s.Sign([]byte(letter))
		if err != nil {
			t.Fatal(err)
		}
		all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(n string) ([]string, error) { return []string{records[n]}, nil }})
		if err != nil || len(all) != 1 || all[0].Err != nil {
			t.Errorf("%v, %v", all, err)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "keys")
	for _, kind := range []string{RSA, Ed25519} {
		path := KeyFile(folder, "acme.example", kind)
		made, err := MakeKey(kind, path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		before, _ := os.ReadFile(path)
		if _, err := MakeKey(kind, path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second time: %v", err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Error("the key was replaced")
		}
		read, err := LoadKey(path)
		if err != nil || !read.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(made.Public()) {
			t.Errorf("another key is read: %v", err)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) != 2 {
		t.Errorf("%v are left", left)
	}
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v", info.Mode())
	}
	if _, err := MakeKey("dsa", filepath.Join(folder, "x")); err == nil {
		t.Error("there are other kinds")
	}
}

func TestRecordsFitTheirStrings(t *testing.T) {
	t.Parallel()
	r, err := RecordOf("acme.example", "s1", testKeys()[0].Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(r.Zone(), "s1._domainkey.acme.example. 3600 IN TXT ")
	joined := ""
	for part := range strings.SplitSeq(text, `" "`) {
		part = strings.Trim(part, `"`)
		if len(part) > 255 {
			t.Errorf("%d bytes", len(part))
		}
		joined += part
	}
	if joined != r.Text || !strings.HasPrefix(joined, "v=DKIM1; k=rsa; p=MIIBIjANBgkq") {
		t.Error(r.Zone())
	}
}

// FuzzSign: what is signed verifies, and nothing of it was changed but the ends of lines.
func FuzzSign(f *testing.F) {
	for _, seed := range []string{letter, "From: a\n\n", "from :a\r\n\r\n \r\n\t\r\n\r\n", "From: a\r\n b\r\n\r\n.\r\n..\r\n", "From: a\r\n\r\n" + strings.Repeat("x ", 600), "\r\nFrom: a\r\n\r\n", "From: a\r\nDKIM-Signature: v=1\r\n\r\n"} {
		f.Add([]byte(seed))
	}
	s := testSigner(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := s.Sign(raw)
		if err != nil {
			return
		}
		if bytes.Contains(bytes.ToLower(raw), []byte("dkim-signature")) {
			return // another's, which need not verify
		}
		lf := func(b []byte) []byte {
			return bytes.TrimSuffix(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"))
		}
		if !bytes.HasSuffix(lf(out), lf(raw)) {
			t.Fatalf("%q became %q", raw, out)
		}
		if !valid(t, out) {
			for _, v := range verify(t, out) {
				t.Error(v.Err)
			}
			t.Fatalf("%q", out)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	path := filepath.Join(f.TempDir(), "k")
	if _, err := MakeKey(Ed25519, path); err != nil {
		f.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	f.Add(text)
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nMA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := parseKey(text); err == nil {
			if _, err := keyKind(k); err != nil {
				t.Error(err)
			}
		}
	})
}
