package email

import (
	"bytes"
	"strings"
	"testing"

	"seaworthy/app/seal"
)

// FuzzLink: what is no link of ours is refused, and one of ours comes back as it was.
func FuzzLink(f *testing.F) {
	s := &System{Deps: Deps{Keys: seal.New(bytes.Repeat([]byte{7}, 32))}}
	good := link{use: useUnsubscribe, key: 3, hash: bytes.Repeat([]byte{9}, 32), ref: "msg_1", subject: "news"}
	token := s.sign(good)
	f.Add(token)
	f.Add(token[:20])
	f.Add(strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, text string) {
		parseLink(text)
		got, err := s.openLink(text, useUnsubscribe)
		if (err == nil) != (text == token) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (got.key != good.key || got.ref != good.ref || got.subject != good.subject || !bytes.Equal(got.hash, good.hash)) {
			t.Errorf("%+v", got)
		}
	})
}

// FuzzReadAddresses: whatever list is pasted, what is taken are addresses, each once.
func FuzzReadAddresses(f *testing.F) {
	for _, seed := range []string{"a@example.com\nb@example.com", "Name,Email\nAda,ada@example.com", "x;email\n;y@example.com", "\"", "\ufeffemail\n", "a@b\x00c"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, faults, refused, _ := readAddresses(raw)
		if len(faults) > maxFaults || len(faults) > refused {
			t.Errorf("%d faults of %d", len(faults), refused)
		}
		seen := map[string]bool{}
		for _, a := range all {
			if norm, ok := normalAddress(a); seen[a] || !ok || norm != a {
				t.Errorf("%q", a)
			}
			seen[a] = true
		}
	})
}

// FuzzReadParts: a multipart form of any kind is read or refused.
func FuzzReadParts(f *testing.F) {
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n"), "x")
	f.Add([]byte("--x"), "")
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		form, err := readParts(body, boundary)
		if err == nil && len(form) > maxFormFields {
			t.Errorf("%d fields", len(form))
		}
	})
}
