package email_test

import (
	"context"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// listen lets an app's inbox take mail, and returns where.
func listen(t testing.TB, a *apptest.App) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	a.Must(err)
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { a.Email.ServeInbox(ctx, l) })
	t.Cleanup(func() { stop(); done.Wait() })
	return l.Addr().String()
}

func inboxOf(a *apptest.App, query string) (all []inboxMail) {
	a.T.Helper()
	program(a).Get("/-/dev/inbox" + query).Want(200).JSON(&all)
	return all
}

// program is a client that asks for JSON.
func program(a *apptest.App) *apptest.Browser {
	b := a.Browser()
	b.Header.Set("Accept", "application/json")
	return b
}

type inboxMail struct {
	ID, To, From, Cc, Subject, HTML, Text, Origin string
	ReplyTo                                       string `json:"reply_to"`
	Message                                       string `json:"message_id"`
	Recipients                                    []string
	Headers                                       []struct{ Name, Value string }
	Links                                         []string
	Unread                                        bool
	Size                                          int
	Attachments                                   []struct {
		Name, Type, URL string
		Size            int
		Inline          bool
		ContentID       string `json:"content_id"`
	}
}

const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// richMail has all that a mail can have.
var richMail = strings.ReplaceAll(`From: =?utf-8?q?J=C3=BCrgen?= <j@shop.example>
To: Ada <ada@example.com>, bob@example.com
Cc: Cyd <cyd@example.com>
Reply-To: help@shop.example
Subject: =?utf-8?q?Ihre_Bestellung_=E2=9C=93?=
Date: Sun, 22 Nov 2026 14:05:00 +0000
Message-ID: <1@shop.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Danke f=C3=BCr alles: https://shop.example/o/1
--a
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<html><head><meta name=3D"color-scheme" content=3D"light dark"><style>body{color:#111}@media (prefers-color-scheme: dark){body{color:#eee}}</style></head>
<body><h1>Danke f=FCr alles</h1><p>Ihre Bestellung ist da.</p><img src=3D"cid:logo" alt=3D"Logo" width=3D"80" height=3D"80"><img src=3D"https://tracker.example/x.png" alt=3D"">
<p><a href=3D"https://shop.example/o/1">Bestellung ansehen</a></p></body></html>
--r
Content-Type: image/png
Content-ID: <logo>
Content-Disposition: inline
Content-Transfer-Encoding: base64

`+onePixel+`
--r--
--a--
--m
Content-Type: text/html; name="evil.html"
Content-Disposition: attachment; filename*=utf-8''R%C3%A4chnung%22.html

<script>alert(1)</script>
--m--
`, "\n", "\r\n")

func TestWhatAnAppSendsOverSMTPIsShown(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	a.Must(smtp.SendMail(addr, smtp.PlainAuth("", "anybody", "any password", "127.0.0.1"), "bounces@shop.example",
		[]string{"ada@example.com", "bob@example.com", "cyd@example.com", "hidden@example.com"}, []byte(richMail)))
	a.Expect(apptest.Happened{Mails: []string{"Ada <ada@example.com>, bob@example.com: Ihre Bestellung ✓"}})
	all := inboxOf(a, "")
	if len(all) != 1 {
		t.Fatalf("%d mails", len(all))
	}
	m := all[0]
	if m.From != "Jürgen <j@shop.example>" || m.Cc != "Cyd <cyd@example.com>" || m.ReplyTo != "help@shop.example" || m.Origin != "smtp" || !m.Unread || m.Size != len(richMail) ||
		m.Text != "Danke für alles: https://shop.example/o/1" || !strings.Contains(m.HTML, "Danke für alles") || fmt.Sprint(m.Recipients) != "[ada@example.com bob@example.com cyd@example.com hidden@example.com]" ||
		fmt.Sprint(m.Links) != "[https://shop.example/o/1]" || len(m.Headers) != 9 || len(m.Attachments) != 2 || m.Attachments[0].Name != "part-1.png" || !m.Attachments[0].Inline ||
		m.Attachments[1].Name != `Rächnung".html` || m.Message != "" {
		t.Errorf("%+v", m)
	}
	b, path := a.Browser(), "/-/dev/inbox/"+m.ID
	b.Get("/-/dev/inbox").Want(200, "Ihre Bestellung ✓", "over SMTP", "1 attached", addr)
	b.Get(path).Want(200, "Bcc hidden@example.com", "Images of other hosts are not loaded (1)").Without("Simulate")
	b.Get(path+"?view=attachments").Want(200, "Rächnung", "shown in the message")
	b.Get(path+"?view=checks").Want(200, "No List-Unsubscribe", "Text and HTML", "Images of other hosts: 1")
	b.Get(path+"?view=headers").Want(200, "<1@shop.example>")
	if got := b.Get(path + "/source").Want(200); got.Body != richMail || got.Header.Get("Content-Type") != "message/rfc822" || !strings.Contains(got.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("source: %v", got.Header)
	}

	dark, light := b.Get(path+"/html?scheme=dark").Want(200, `src="`+path+`/parts/0?show=1"`), b.Get(path+"/html").Want(200)
	if !strings.Contains(dark.Body, "@media (min-width: 0px){body{color:#eee}}") || !strings.Contains(light.Body, "@media (max-width: 0px){body{color:#eee}}") {
		t.Errorf("dark rules: %s\n%s", dark.Body, light.Body)
	}
	for _, c := range []struct {
		query   string
		outside bool
	}{{"", false}, {"?images=1", true}} {
		csp := b.Get(path + "/html" + c.query).Want(200).Header.Get("Content-Security-Policy")
		if strings.Contains(csp, "https:") != c.outside || !strings.Contains(csp, "sandbox") || strings.Contains(csp, "allow-scripts") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("policy %q", csp)
		}
	}

	image := b.Get(path + "/parts/0?show=1").Want(200)
	if image.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(image.Body, "\x89PNG") || !strings.HasPrefix(image.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("image: %v", image.Header)
	}
	page := b.Get(path + "/parts/1?show=1").Want(200)
	if h := page.Header; h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || page.Body != "<script>alert(1)</script>" {
		t.Errorf("attachment: %v", h)
	}
	for _, n := range []string{"2", "-1", "x", "99999999999999999999"} {
		b.Get(path + "/parts/" + n).Want(404)
	}
}

// Whatever a program sends is kept and shown, and does nothing to who looks.
func TestHostileMailsAreShown(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	for name, c := range map[string]struct{ raw, shows string }{
		"a script":       {"Subject: s1 <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><img src=x onerror=alert(1)><meta http-equiv=refresh content='0;url=https://evil.example'><form action=https://evil.example><button>x</button></form>", "s1"},
		"broken MIME":    {"Subject: s2\r\nContent-Type: multipart/mixed; boundary=\"b\r\nContent-Transfer-Encoding: nonsense\r\n\r\n--b\r\n\x00\xff\xfe broken", "s2"},
		"1000 parts":     {"Subject: s3\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: image/png; name=x.png\r\n\r\nx\r\n", 1000) + "--b--\r\n", "s3"},
		"a header bomb":  {"Subject: s4\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 900)+"\r\n", 5000) + "\r\nx", "s4"},
		"no head at all": {"s5 is no header\r\nand neither is this", "No subject"},
		"a huge one":     {"Subject: s6\r\n\r\n" + strings.Repeat(strings.Repeat("x", 990)+"\r\n", 8000), "s6"},
		"a huge line":    {"Subject: s7\r\n\r\n" + strings.Repeat("x", 500_000), "s7"},
	} {
		a.Must(smtp.SendMail(addr, nil, "evil@evil.example", []string{"ada@example.com"}, []byte(c.raw)))
		m := inboxOf(a, "?limit=1")[0]
		b, path := a.Browser(), "/-/dev/inbox/"+m.ID
		for _, view := range []string{"html", "text", "attachments", "links", "checks", "headers", "source"} {
			if page := b.Get(path+"?view="+view).Want(200, c.shows); strings.Contains(page.Body, "<script>alert") {
				t.Errorf("%s: a script is on the page of %s", name, view)
			}
		}
		html := b.Get(path+"/html").Want(200).Without("<script", "http-equiv")
		if csp := html.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "form-action 'none'") {
			t.Errorf("%s: policy %q", name, csp)
		}
		if got := b.Get(path + "/source").Want(200).Body; strings.TrimSpace(got) != strings.TrimSpace(c.raw) {
			t.Errorf("%s: the source is not what was sent: %d bytes of %d", name, len(got), len(c.raw))
		}
	}
	if got := len(inboxOf(a, "")); got != 7 {
		t.Errorf("%d mails were kept", got)
	}
}

// What is too large or not finished is refused, and nothing else suffers.
func TestSMTPHasBounds(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	err := smtp.SendMail(addr, nil, "a@b.example", []string{"ada@example.com"}, []byte("Subject: x\r\n\r\n"+strings.Repeat(strings.Repeat("x", 998)+"\r\n", 27_000)))
	if err == nil || !strings.Contains(err.Error(), "552") {
		t.Errorf("27 MB: %v", err)
	}
	c, err := textproto.Dial("tcp", addr)
	a.Must(err)
	for i := range 101 {
		if i == 0 {
			c.PrintfLine("EHLO me")
			c.PrintfLine("MAIL FROM:<a@b.example>")
		}
		c.PrintfLine("RCPT TO:<a%d@b.example>", i)
	}
	c.PrintfLine("DATA")
	c.PrintfLine("Subject: half")
	refused := false
	for {
		line, err := c.ReadLine()
		a.Must(err)
		refused = refused || strings.HasPrefix(line, "452")
		if strings.HasPrefix(line, "354") {
			break
		}
	}
	if c.Close(); !refused {
		t.Error("101 recipients are taken")
	}
	a.Must(smtp.SendMail(addr, nil, "a@b.example", []string{"ada@example.com"}, []byte("Subject: good\r\n\r\nx")))
	a.Expect(apptest.Happened{Mails: []string{"ada@example.com: good"}})
}

func TestAnyAuthenticationIsTaken(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	addr := listen(t, a)
	for _, steps := range [][]string{{"AUTH PLAIN AGEAYg==", "235"}, {"AUTH PLAIN", "334", "AGEAYg==", "235"}, {"AUTH LOGIN", "334 VXNlcm5hbWU6", "YQ==", "334 UGFzc3dvcmQ6", "Yg==", "235"},
		{"AUTH LOGIN YQ==", "334 UGFzc3dvcmQ6", "Yg==", "235"}, {"AUTH CRAM-MD5", "334 PDFAbG9jYWxob3N0Pg==", "YQ==", "235"}, {"AUTH XOAUTH2 YQ==", "235"}, {"AUTH NONSENSE", "454"}} {
		c, err := textproto.Dial("tcp", addr)
		a.Must(err)
		c.PrintfLine("EHLO me")
		for line := ""; !strings.HasPrefix(line, "250 "); {
			line, err = c.ReadLine()
			a.Must(err)
		}
		for i := 0; i < len(steps); i += 2 {
			c.PrintfLine("%s", steps[i])
			if line, err := c.ReadLine(); err != nil || !strings.HasPrefix(line, steps[i+1]) {
				t.Errorf("%v: %s, %v", steps, line, err)
			}
		}
		c.Close()
	}
}

func TestThereIsNoInboxInProduction(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.URL, c.SMTPURL, c.MailFrom, c.InboxSMTP, c.Replica = "https://app.example.com", "smtp://mail.example.com", "a@example.com", "auto", "off"
	})
	for _, path := range []string{"", "/inb_x", "/faults", "/events", "/inb_x/html", "/inb_x/source", "/inb_x/parts/0"} {
		program(a).Get("/-/dev/inbox" + path).Want(404)
	}
	if got := a.Config.InboxAddress(); got != "" {
		t.Errorf("it listens at %s", got)
	}
	a.Email.Listen(t.Context()) // returns at once
}

// A port that another program has keeps nothing from starting.
func TestATakenPortIsSaid(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.InboxSMTP = l.Addr().String() })
	a.Email.Listen(t.Context())
	if !strings.Contains(a.Logs(), "takes no mail over SMTP") || !strings.Contains(a.Logs(), "SEAWORTHY_INBOX_SMTP") {
		t.Errorf("log: %s", a.Logs())
	}
	a.Browser().Get("/-/dev/inbox").Want(200).Without("over SMTP:")
}
