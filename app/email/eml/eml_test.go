package eml

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// crlf makes a message of lines.
func crlf(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n")) }

func TestRead(t *testing.T) {
	t.Parallel()
	head := "From: a@b.example\r\nDate: Sun, 22 Nov 2026 14:05:00 +0000\r\n"
	for _, c := range []struct {
		name, raw, text, html string
		parts                 []string // "name type id inline size"
		fault                 string   // that is named; "" for none at all
	}{
		{"plain", "\r\nHello\r\n", "Hello\n", "", nil, ""},
		{"alternative", "Content-Type: multipart/alternative; boundary=b\r\n\r\npre\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>Hello</b>\r\n--b--\r\npost", "Hello", "<b>Hello</b>", nil, ""},
		{"bare line feeds", "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: text/html\n\n<b>\n--b--\n", "Hello", "<b>", nil, ""},
		{"related in mixed", "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n<img src=cid:x>\r\n" +
			"--r\r\nContent-Type: image/png\r\nContent-ID: <x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\nRw0K\r\n--r--\r\n--m\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment; filename=\"../../../etc/a b.pdf\"\r\n\r\n%PDF\r\n--m--\r\n",
			"", "<img src=cid:x>", []string{"part-1.png image/png x true 6", "a b.pdf application/pdf  false 4"}, ""},
		{"quoted-printable", "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=\r\n=C3=9Fe   \r\n=3D\r\n", "Grüße\n=\n", "", nil, ""},
		{"broken quoted-printable", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=b=ZZ=C3=BC=", "a=b=ZZü", "", nil, "equals sign"},
		{"base64", "Content-Transfer-Encoding: BASE64\r\n\r\nSGVs\r\nbG8=", "Hello", "", nil, ""},
		{"broken base64", "Content-Transfer-Encoding: base64\r\n\r\nSG!Vs\r\nbG8=", "Hello", "", nil, "base64"},
		{"latin 1", "Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe", "Grüße", "", nil, ""},
		{"japanese", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3$s$K$A$O\x1b(B", "こんにちは", "", nil, ""},
		{"unknown charset", "Content-Type: text/plain; charset=klingon\r\n\r\nGr\xfc", "Grü", "", nil, "charset klingon cannot be read"},
		{"bytes beyond the charset", "\r\nGr\xfc\xdfe", "Grüße", "", nil, "charset does not have"},
		{"unknown encoding", "Content-Transfer-Encoding: uuencode\r\n\r\nHello", "Hello", "", nil, "no transfer encoding uuencode"},
		{"no closing boundary", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello", "Hello", "", nil, "closing boundary"},
		{"no boundary", "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nHello", "--b\n\nHello", "", nil, "no boundary"},
		{"no parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\nHello", "Hello", "", nil, "no parts"},
		{"broken content type", "Content-Type: multipart/mixed; boundary=\"b\"; x=\"\r\n\r\n--b\r\n\r\nHello\r\n--b--\r\n", "Hello", "", nil, "Content-Type cannot be read"},
		{"a line that is no header", "this is none\r\nHello", "this is none\nHello", "", nil, "no header"},
		{"a forwarded mail", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b--\r\n", "", "", []string{"part-1.eml message/rfc822  false 15"}, ""},
		{"two texts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n\r\nfooter\r\n--b--\r\n", "Hello\n\nfooter", "", nil, ""},
	} {
		l := Read([]byte(head + c.raw))
		var parts []string
		for _, p := range l.Parts {
			parts = append(parts, fmt.Sprint(p.Name, " ", p.Type, " ", p.ContentID, " ", p.Inline, " ", len(p.Body)))
		}
		if l.Text != c.text || l.HTML != c.html || !slices.Equal(parts, c.parts) {
			t.Errorf("%s: text %q, html %q, parts %q", c.name, l.Text, l.HTML, parts)
		}
		if all := strings.Join(l.Faults, "\n"); c.fault == "" && all != "" || !strings.Contains(all, c.fault) {
			t.Errorf("%s: faults %q, want %q", c.name, all, c.fault)
		}
	}
}

func TestHeadIsRead(t *testing.T) {
	t.Parallel()
	l := Read(crlf("From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>", "To: ada@example.com,", "\t\"Lovelace, B\" <b@example.com>", "Cc: nobody at all",
		"Subject: =?iso-8859-1?q?Gr=FC=DFe?= =?utf-8?b?8J+Riw==?=", "Date: Sun, 22 Nov 2026 14:05:00 +0100", "Message-ID: <x@y>", "X-Odd : \x07ring", "", "text"))
	if l.From != "Jürgen <j@example.com>" || l.To != "ada@example.com, Lovelace, B <b@example.com>" || l.Cc != "nobody at all" || l.Subject != "Grüße👋" ||
		l.MessageID != "<x@y>" || !l.Date.Equal(time.Date(2026, 11, 22, 13, 5, 0, 0, time.UTC)) || len(l.Headers) != 7 || l.Headers[6] != (Header{"X-Odd", "ring"}) {
		t.Errorf("%+v", l)
	}
	if got := Addresses(l.To); !slices.Equal(got, []string{"ada@example.com", "b@example.com"}) {
		t.Errorf("addresses %q", got)
	}
	if l := Read(crlf("Subject: a", "Subject: b", "Date: tomorrow", "", "")); l.Subject != "a" || !slices.Equal(l.Faults,
		[]string{"The date cannot be read.", "There is no From header.", "There is more than one Subject header."}) {
		t.Errorf("%q %q", l.Subject, l.Faults)
	}
}

// Whatever is sent, reading it ends soon and within bounds.
func TestHostileMails(t *testing.T) {
	t.Parallel()
	nested := ""
	for i := range 1000 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	for name, raw := range map[string]string{
		"a header bomb":         strings.Repeat("X-A: b\r\n", 200_000) + "\r\nHello",
		"a folded bomb":         "X: a\r\n" + strings.Repeat(" a\r\n", 2_000_000) + "\r\nHello",
		"one endless header":    "Subject: " + strings.Repeat("a", 20<<20) + "\r\n\r\nHello",
		"encoded words":         "Subject: " + strings.Repeat("=?utf-8?q?a?= ", 15_000) + "\r\n\r\nHello",
		"addresses":             "To: " + strings.Repeat("a@b.example, ", 15_000) + "\r\n\r\nHello",
		"a thousand parts":      "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\nx\r\n", 1000) + "--b--\r\n",
		"a million parts":       "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n", 1_000_000),
		"a thousand levels":     nested,
		"the boundary again":    strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 1000),
		"a huge text":           "\r\n" + strings.Repeat("Hello\r\n", 4<<20),
		"nothing":               "",
		"only an empty line":    "\r\n",
		"NUL":                   "Subject: a\x00b\r\n\r\n\x00",
		"a boundary of nothing": "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx",
	} {
		began := time.Now()
		l := Read([]byte(raw))
		if len(l.Parts) > maxParts || len(l.Headers) > maxHeaders || len(l.Text) > maxText || len(l.Faults) > maxFaults || strings.Contains(l.Text, "\x00") {
			t.Errorf("%s: %d parts, %d headers, %d of text", name, len(l.Parts), len(l.Headers), len(l.Text))
		}
		if len(l.Faults) == 0 {
			t.Errorf("%s: no fault is named", name)
		}
		if took := time.Since(began); took > 20*time.Second { // a hang, whatever the machine
			t.Errorf("%s took %s", name, took)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	part := func(id string) string { return "/parts/" + id }
	const styled = `<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="0;url=https://evil.example"><base href="https://evil.example/">` +
		`<link rel="dns-prefetch" href="//evil.example"><style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){p{color:red}}@media not all and ( prefers-color-scheme: light ){i{}}</style></head>` +
		`<body><script>alert("</b>")</script><!--[if mso]>x<![endif]--><p style="background:url('cid:bg')">1 < 2 &amp; (prefers-color-scheme: dark)</p><img src="CID:logo" alt=""><iframe src="x">y</iframe></body></html>`
	dark, light := Frame{"dark", part}.Show(styled), Frame{"light", part}.Show(styled)
	for _, c := range []struct {
		name, got string
		has, not  []string
	}{
		{"dark", dark, []string{`content="dark"`, "color-scheme:dark}", "@media (min-width: 0px){p{color:red}}", "not all and (max-width: 0px)", `src="/parts/logo"`, "/parts/bg", "1 < 2 &amp; (prefers-color-scheme: dark)"},
			[]string{"script", "alert", "evil.example", "refresh", "mso", "iframe", "cid:", "<base href"}},
		{"light", light, []string{`content="light"`, "color-scheme:light}", "@media (max-width: 0px){p{color:red}}"}, []string{"script"}},
		{"a mail that knows no dark", Frame{"dark", part}.Show("<p>Hello"), []string{`content="light"`}, []string{`content="dark"`}},
		{"a part that is not there", Frame{Scheme: "dark"}.Show(`<img src="cid:x">`), []string{`src=""`}, []string{"cid:"}},
		{"an unclosed script", Frame{}.Show(`a<script>b<p>c`), []string{"a"}, []string{"<p>c"}},
	} {
		for _, want := range c.has {
			if !strings.Contains(c.got, want) {
				t.Errorf("%s has no %q:\n%s", c.name, want, c.got)
			}
		}
		for _, not := range c.not {
			if strings.Contains(c.got, not) {
				t.Errorf("%s has %q:\n%s", c.name, not, c.got)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const good = "From: a@b.example\r\nDate: Sun, 22 Nov 2026 14:05:00 +0000\r\nSubject: Hi\r\n"
	both := "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nHello https://a.example/\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>%s\r\n--b--\r\n"
	for _, c := range []struct{ name, raw, level, what string }{
		{"good", good + fmt.Sprintf(both, ""), "ok", "Text and HTML"},
		{"links", good + fmt.Sprintf(both, ""), "ok", "Links"},
		{"no text part", good + "Content-Type: text/html\r\n\r\n<p>", "warn", "The text part is missing"},
		{"clipped", good + fmt.Sprintf(both, strings.Repeat("x", 103<<10)), "danger", "Gmail clips"},
		{"nearly clipped", good + fmt.Sprintf(both, strings.Repeat("x", 97<<10)), "warn", "Near the size"},
		{"no unsubscribe", good + fmt.Sprintf(both, ""), "info", "No List-Unsubscribe"},
		{"one click", good + "List-Unsubscribe: <mailto:u@b.example>, <https://b.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n", "ok", "One-click"},
		{"no post", good + "List-Unsubscribe: <https://b.example/u>\r\n\r\n", "danger", "List-Unsubscribe-Post is missing"},
		{"http", good + "List-Unsubscribe: <http://b.example/u>\r\n\r\n", "danger", "no https address"},
		{"only mail", good + "List-Unsubscribe: <mailto:u@b.example>\r\n\r\n", "warn", "only by mail"},
		{"no brackets", good + "List-Unsubscribe: https://b.example/u\r\n\r\n", "danger", "cannot be read"},
		{"plain link", good + "\r\nhttp://a.example/", "warn", "Links without TLS"},
		{"local link", good + "\r\nhttp://localhost:3000/ http://10.0.0.1/ https://[::1]/", "info", "Links to this machine or its network: 3"},
		{"remote image", good + fmt.Sprintf(both, `<img src="https://a.example/x.png" alt="x">`), "info", "Images of other hosts: 1"},
		{"no alt", good + fmt.Sprintf(both, `<img src="cid:x">`), "warn", "without a description: 1"},
		{"no subject", "From: a@b.example\r\n\r\nx", "warn", "The subject is missing"},
		{"faulty", "From: a@b.example\r\n\r\nx", "warn", "not well formed"},
		{"empty", good + "Content-Type: image/png\r\n\r\nx", "danger", "has no text"},
	} {
		l := Read([]byte(c.raw))
		if all := l.Check(Scan(l.Text, l.HTML)); !slices.ContainsFunc(all, func(f Finding) bool { return f.Level == c.level && strings.Contains(f.What, c.what) }) {
			t.Errorf("%s: no %s %q in %v", c.name, c.level, c.what, all)
		}
	}
}
