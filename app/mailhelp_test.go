package app_test

import (
	"context"
	"net"
	"net/smtp"
	"strings"
	"sync"
	"testing"

	"seaworthy/app/apptest"
)

// takeMail lets an app's inbox take mail over SMTP, and returns where.
func takeMail(t *testing.T, a *apptest.App) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	a.Must(err)
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { a.Email.ServeInbox(ctx, l) })
	t.Cleanup(func() { stop(); done.Wait() })
	return l.Addr().String()
}

func sendMail(addr, to, raw string) error {
	return smtp.SendMail(addr, nil, "j@shop.example", []string{to}, []byte(raw))
}

// putFaultsOn makes half of all sends fail.
func putFaultsOn(a *apptest.App) {
	a.Browser().Post("/-/dev/inbox/faults", "kind", "temporary", "often", "percent-50", "origin", "").Want(200)
}

// darkMail has rules for both schemes, a picture of its own, one of another host, a
// script and an attachment.
var darkMail = strings.ReplaceAll(`From: =?utf-8?q?J=C3=BCrgen?= at the shop <j@shop.example>
To: dark@example.com
Cc: Cyd <cyd@example.com>
Subject: Your order is on its way
Date: Sun, 22 Nov 2026 14:05:00 +0000
Message-ID: <1@shop.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8

<html><head><meta name="color-scheme" content="light dark"><style>body{color:#111;background:#fff;font:16px sans-serif;padding:24px}a{color:#06c}
@media (prefers-color-scheme: dark){body{color:#eee;background:#101820}a{color:#6cf}}</style></head>
<body><script>document.body.dataset.ran = "ran"</script><img src="cid:logo" alt="Logo" width="80" height="80" style="background:#e91e63">
<h1>Thank you, Ada</h1><p>Your order is on its way. It should be with you on Tuesday.</p><p><a href="http://shop.example/o/1">See the order</a></p>
<img src="https://tracker.example/x.png" alt="" width="1" height="1" onerror="document.body.dataset.ran='ran'"></body></html>
--r
Content-Type: image/png
Content-ID: <logo>
Content-Disposition: inline
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
--r--
--m
Content-Type: application/pdf; name="invoice 2026-11.pdf"
Content-Disposition: attachment; filename="invoice 2026-11.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--m--
`, "\n", "\r\n")
