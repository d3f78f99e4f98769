package email

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/store"
)

var sentAt = time.Date(2026, 11, 22, 14, 5, 6, 0, time.FixedZone("", 3600))

// testSystem can compile messages and no more.
func testSystem(t testing.TB, from string) *System {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "mail.db"), store.Options{Clock: func() time.Time { return sentAt }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sender, err := mail.ParseAddress(from)
	if err != nil {
		t.Fatal(err)
	}
	return &System{Deps: Deps{DB: db}, from: sender}
}

func outgoing(t testing.TB, to, text string) Outgoing {
	t.Helper()
	o, err := testSystem(t, "Acme <hello@app.example.com>").compile(messageRow{id: "msg_1", recipient: to},
		compose.Mail{Subject: "Hello", Text: text, HTML: "<p>" + text + "</p>"}, wrapping{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestCompile(t *testing.T) {
	t.Parallel()
	s := testSystem(t, "Æcme & Söhne <hello@bücher.example>")
	long := strings.Repeat("Größe ", 30) + "ende"
	for _, c := range []struct{ name, to, subject, wantTo, wantSubject string }{
		{"plain", "ada@example.com", "Hello", "<ada@example.com>", "Hello"},
		{"a name", "Ada Lovelace <ada@example.com>", "Hello", `"Ada Lovelace" <ada@example.com>`, "Hello"},
		{"a name with a comma", `"Lovelace, Ada" <ada@example.com>`, "a, b: c", `"Lovelace, Ada" <ada@example.com>`, "a, b: c"},
		{"UTF-8", "Jürgen Groß <j@example.com>", "Grüße 👋", "=?utf-8?q?J=C3=BCrgen_Gro=C3=9F?= <j@example.com>", "Grüße 👋"},
		{"IDN", "ada@Bücher.example", "日本語の件名", "<ada@xn--bcher-kva.example>", "日本語の件名"},
		{"a quoted local part", `"a@b c"@example.com`, "Hello", `<"a@b c"@example.com>`, "Hello"},
		{"a long subject", "ada@example.com", long, "<ada@example.com>", long},
		{"a long ASCII subject", "ada@example.com", strings.Repeat("word ", 60) + "end", "<ada@example.com>", strings.Repeat("word ", 60) + "end"},
		{"a word that looks encoded", "ada@example.com", "=?utf-8?q?Bcc:=0D=0A?= é", "<ada@example.com>", "=?utf-8?q?Bcc:=0D=0A?= é"},
		{"a name with gaps", `"Ada` + strings.Repeat(" ", 200) + `L" <ada@example.com>`, "Hello", `"Ada L" <ada@example.com>`, "Hello"},
	} {
		m := compose.Mail{Subject: c.subject, Text: "Grüße,\nund tschüs = bye.\n", HTML: "<p>Grüße</p>\n"}
		o, err := s.compile(messageRow{id: "msg_0abc", recipient: c.to}, m, wrapping{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		checkLines(t, c.name, o.Raw)
		msg, err := mail.ReadMessage(strings.NewReader(string(o.Raw)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for key, want := range map[string]string{
			"From": "=?utf-8?b?w4ZjbWUgJiBTw7ZobmU=?= <hello@xn--bcher-kva.example>", "To": c.wantTo, "Subject": c.wantSubject,
			"Date": "Sun, 22 Nov 2026 13:05:06 +0000", "Message-Id": "<msg_0abc@xn--bcher-kva.example>", "Auto-Submitted": "auto-generated",
			"X-Entity-Ref-Id": "msg_0abc", "Mime-Version": "1.0", "Content-Type": msg.Header.Get("Content-Type"),
		} {
			got := msg.Header[key]
			if len(got) == 1 && key == "Subject" {
				got[0] = decoded(t, got[0])
			}
			if len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s %q, want %q", c.name, key, got, want)
			}
			delete(msg.Header, key)
		}
		for key, value := range msg.Header {
			if key != "Content-Type" {
				t.Errorf("%s: a header more: %s %q", c.name, key, value)
			}
		}
		if o.MessageID != "<msg_0abc@xn--bcher-kva.example>" {
			t.Errorf("%s: message id %s", c.name, o.MessageID)
		}
		checkParts(t, c.name, o, m)
	}
}

// checkLines holds the message to RFC 5322 section 2.1: ASCII here, CRLF, lines
// of 998 characters at most, and no line of the head that is blank.
func checkLines(t *testing.T, name string, raw []byte) {
	t.Helper()
	text := string(raw)
	if strings.ContainsFunc(text, func(r rune) bool { return r > 126 || r < 32 && r != '\r' && r != '\n' }) {
		t.Errorf("%s: more than ASCII", name)
	}
	if rest := strings.ReplaceAll(text, "\r\n", ""); strings.ContainsAny(rest, "\r\n") {
		t.Errorf("%s: a bare CR or LF", name)
	}
	head, _, _ := strings.Cut(text, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if strings.TrimSpace(line) == "" || len(line) > 120 {
			t.Errorf("%s: header line %q", name, line)
		}
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 998 {
			t.Errorf("%s: a line of %d", name, len(line))
		}
	}
}

func checkParts(t *testing.T, name string, o Outgoing, want compose.Mail) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(string(o.Raw)))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s: %s, %v", name, kind, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for _, c := range []struct{ kind, body string }{{"text/plain; charset=UTF-8", want.Text}, {"text/html; charset=UTF-8", want.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("%s: %s: %v", name, c.kind, err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if part.Header.Get("Content-Type") != c.kind || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" ||
			err != nil || strings.ReplaceAll(string(body), "\r\n", "\n") != c.body {
			t.Errorf("%s: part %v: %q, %v", name, part.Header, body, err)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("%s: a third part: %v", name, err)
	}
}

// TestCompileAddsNoHeader tries to break out of every value that reaches the head.
func TestCompileAddsNoHeader(t *testing.T) {
	t.Parallel()
	s := testSystem(t, "Acme <hello@app.example.com>")
	for _, bad := range []string{"x\r\nBcc: eve@evil.example", "x\nBcc: eve@evil.example", "x\rBcc: eve@evil.example", "x\r\n\r\n<b>body</b>",
		"x\x00y", "x\u2028Bcc: y", strings.Repeat(" ", 300) + "x", "=?utf-8?q?=0D=0ABcc:_eve?="} {
		for _, to := range []string{"ada@example.com", "ada@example.com" + bad, bad + " <ada@example.com>", `"` + bad + `" <ada@example.com>`, "<ada" + bad + "@example.com>"} {
			o, err := s.compile(messageRow{id: "msg_1", recipient: to}, compose.Mail{Subject: "S" + bad, Text: "text", HTML: "html"}, wrapping{})
			if err != nil {
				continue // an address that is none
			}
			checkLines(t, bad, o.Raw)
			msg, err := mail.ReadMessage(strings.NewReader(string(o.Raw)))
			if err != nil {
				t.Errorf("%q to %q: %v", bad, to, err)
				continue
			}
			if len(msg.Header) != 9 || msg.Header.Get("Bcc") != "" || len(msg.Header["Subject"]) != 1 {
				t.Errorf("%q to %q: headers %v", bad, to, msg.Header)
			}
			if all, err := msg.Header.AddressList("To"); err != nil || len(all) != 1 || !strings.HasSuffix(all[0].Address, "example.com") {
				t.Errorf("%q to %q: goes to %v, %v", bad, to, all, err)
			}
		}
	}
}

func TestCompileRefusesAddresses(t *testing.T) {
	t.Parallel()
	s := testSystem(t, "Acme <hello@app.example.com>")
	for _, to := range []string{"", "ada", "ada@", "@example.com", "ada@example.com, eve@evil.example", "ada@exa mple.com", "ada@-x.example",
		"ada@\u202eexample.com", "ada@xn--a.example"} {
		if o, err := s.compile(messageRow{id: "msg_1", recipient: to}, compose.Mail{Subject: "S", Text: "t", HTML: "h"}, wrapping{}); err == nil {
			t.Errorf("%q is taken: %s", to, o.Raw)
		}
	}
}

func decoded(t *testing.T, s string) string {
	t.Helper()
	out, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return out
}
