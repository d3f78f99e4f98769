package eml

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Any bytes are a mail: reading them keeps the bounds and yields text.
func FuzzRead(f *testing.F) {
	f.Add([]byte("From: a@b\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGk=\r\n--b\r\nContent-Type: text/html; charset=shift_jis\r\n\r\n\x82\xa0\r\n--b--"))
	f.Add([]byte("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: quoted-printable\n\n=00=41=\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := Read(raw)
		texts := append([]string{l.From, l.To, l.Cc, l.Subject, l.MessageID, l.HTML, l.Text}, l.Faults...)
		for _, p := range l.Parts {
			texts = append(texts, p.Name, p.Type, p.ContentID)
			if p.Name == "" || strings.ContainsAny(p.Name, "/\\\r\n") {
				t.Errorf("file name %q", p.Name)
			}
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("not text: %q", s)
			}
		}
		if len(l.Parts) > maxParts || len(l.Headers) > maxHeaders {
			t.Errorf("%d parts, %d headers", len(l.Parts), len(l.Headers))
		}
		for _, address := range Addresses(l.To) {
			if strings.ContainsAny(address, "\n \x00") || !strings.Contains(address, "@") {
				t.Errorf("address %q of %q", address, l.To)
			}
		}
		l.Check(Scan(l.Text, l.HTML))
	})
}

// Nothing of what is dropped from HTML comes back through odd markup.
func FuzzShow(f *testing.F) {
	f.Add(`<p style="color-scheme:dark">a<script>b</script><img src=cid:x><base href=x>`)
	f.Add(`<style>@media (prefers-color-scheme: dark){}</style><scr<script>ipt>`)
	f.Fuzz(func(t *testing.T, source string) {
		out := Frame{"dark", func(string) string { return "/x" }}.Show(source)
		rest := strings.TrimPrefix(out, `<!doctype html><base target="_top">`)
		for z := html.NewTokenizer(strings.NewReader(rest)); z.Next() != html.ErrorToken; {
			if token := z.Token(); token.Type == html.StartTagToken && dropped[token.Data] {
				t.Errorf("%q became %q", source, out)
			}
		}
		if len(out) > 8*len(source)+1000 {
			t.Errorf("%d bytes became %d", len(source), len(out))
		}
	})
}
