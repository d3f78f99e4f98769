package post

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gomail "github.com/wneessen/go-mail"
)

// benchMail builds a message like those that email sends: text and HTML of a usual size.
func benchMail(b *testing.B) []byte {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From("Acme <hello@acme.example>"); err != nil {
		b.Fatal(err)
	}
	if err := msg.To("Ada <ada@example.com>"); err != nil {
		b.Fatal(err)
	}
	msg.SetMessageIDWithValue("msg_1@acme.example")
	msg.SetDateWithValue(clock())
	msg.Subject("Confirm your address")
	msg.SetGenHeader("List-Unsubscribe", "<https://acme.example/-/unsubscribe/t>")
	msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	msg.SetBodyString(gomail.TypeTextPlain, strings.Repeat("Confirm your address by the link below.\n", 20))
	msg.AddAlternativeString(gomail.TypeTextHTML, strings.Repeat(`<tr><td style="padding:16px">Confirm your address – “now”</td></tr>`+"\n", 150))
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		b.Fatal(err)
	}
	return raw.Bytes()
}

func BenchmarkMIME(b *testing.B) {
	for b.Loop() {
		benchMail(b)
	}
}

// BenchmarkMIMEAndDKIM is the way of a message to a mail server, with a key of RSA, and with one of Ed25519 beside it.
func BenchmarkMIMEAndDKIM(b *testing.B) {
	for n := 1; n <= 2; n++ {
		s, err := NewSigner("acme.example", testKeys()[:n]...)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Sign(benchMail(b)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSend is one message after the other to a provider on this machine.
func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Message-Id", "a.b")
		io.WriteString(w, `{"MessageID":"a","MessageId":"b","ErrorCode":0}`)
	}))
	defer server.Close()
	o := Options{URL: server.URL, Now: clock}
	pm, err := NewPostmark(testToken, nil, o)
	if err != nil {
		b.Fatal(err)
	}
	sg, err := NewSendGrid(testKey, false, o)
	if err != nil {
		b.Fatal(err)
	}
	aws, err := NewSES("eu-west-1", "", SESKey{ID: "AKIA1", Secret: testSecret}, o)
	if err != nil {
		b.Fatal(err)
	}
	m := full()
	m.Raw = benchMail(b)
	for _, p := range []Provider{pm, sg, aws} {
		b.Run(p.Name(), func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Send(b.Context(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
