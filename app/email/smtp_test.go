package email

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"seaworthy/app/email/post"
)

func TestSMTPDelivers(t *testing.T) {
	t.Parallel()
	implicit := func(s *smtp.Server) { s.Addr = "implicit" }
	insecure := func(s *smtp.Server) { s.AllowInsecureAuth = true }
	for _, c := range []struct {
		name, scheme, user string
		tls, local         bool
		configure          func(*smtp.Server)
	}{
		{"a plain server on this machine", "smtp", "", false, true, nil},
		{"a plain server on this machine with a password", "smtp", "ada", false, true, insecure},
		{"a certificate nobody knows, on this machine", "smtp", "ada", true, true, nil},
		{"STARTTLS", "smtp", "", true, false, nil},
		{"STARTTLS and a password", "smtp", "ada", true, false, nil},
		{"TLS from the start and a password", "smtps", "ada", true, false, implicit},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := &mailServer{}
			if c.user != "" {
				m.login = [2]string{c.user, "pa$$ /word"}
			}
			serve(t, m, c.tls, c.configure)
			s := m.provider(t, c.scheme, c.user, m.login[1], c.local)
			if c.local {
				s.roots = nil
			}
			o := outgoing(t, "Ada <ada@example.com>", "First line.\n.\n..two dots\n.one dot at the start\n")
			receipt, err := s.Send(t.Context(), o.letter())
			if err != nil || receipt.MessageID != o.MessageID || receipt.ProviderID == "" { // without an id it would count as a provider that never took a mail
				t.Fatalf("%+v, %v", receipt, err)
			}
			got := m.letters()
			if len(got) != 1 {
				t.Fatalf("%d mails arrived", len(got))
			}
			if got[0].from != "hello@app.example.com" || got[0].to != "ada@example.com" || got[0].user != c.user || got[0].tls != c.tls {
				t.Errorf("from %s to %s by %q, TLS %v", got[0].from, got[0].to, got[0].user, got[0].tls)
			}
			if string(got[0].body) != string(o.Raw) {
				t.Errorf("arrived:\n%q\nsent:\n%q", got[0].body, o.Raw)
			}
			if !slices.Equal(m.seen, []string{"app.example.com"}) {
				t.Errorf("introduced as %q", m.seen)
			}
		})
	}
}

// TestSMTPRefusal tells apart what is refused for ever and what is tried again.
func TestSMTPRefusal(t *testing.T) {
	t.Parallel()
	reply := func(code int, words string) error { return &smtp.SMTPError{Code: code, Message: words} }
	for _, c := range []struct {
		name, command string
		reply         error
		refused       bool
	}{
		{"greylisted", "RCPT", reply(451, "later"), false},
		{"mailbox full", "RCPT", reply(452, "full"), false},
		{"no such mailbox", "RCPT", reply(550, "nobody <ada@example.com>"), true},
		{"mailbox name", "RCPT", reply(553, "what"), true},
		{"authentication wanted", "RCPT", reply(530, "authenticate"), false},
		{"no memory", "DATA", reply(452, "later"), false},
		{"spam", "DATA", reply(554, "spam"), true},
		{"too large", "DATA", reply(552, "large"), true},
		{"sender refused", "MAIL", reply(550, "not yours"), false},
		{"sender later", "MAIL", reply(421, "closing"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := serve(t, &mailServer{fail: map[string]error{c.command: c.reply}}, false, nil)
			_, err := m.provider(t, "smtp", "", "", true).Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello"))
			var refused refusal
			if err == nil || refused.of(err) != c.refused || !strings.Contains(err.Error(), c.reply.(*smtp.SMTPError).Message) {
				t.Errorf("%v, want refused %v", err, c.refused)
			}
			if c.refused && strings.Contains(err.Error(), "affected") {
				t.Errorf("the reason says more than the server did: %v", err)
			}
			if n := len(m.letters()); n != 0 {
				t.Errorf("%d mails arrived", n)
			}
		})
	}
}

func TestSMTPTemporary(t *testing.T) {
	t.Parallel()
	hello := []string{"220 ready", "250-hi\r\n250 AUTH PLAIN"}
	for _, c := range []struct {
		name    string
		replies []string
		local   bool
		want    string
	}{
		{"greeting 4xx", []string{"421 too busy"}, true, "too busy"},
		{"greeting 5xx", []string{"554 go away"}, true, "go away"},
		{"no greeting", []string{""}, true, ""},
		{"not SMTP", []string{"HTTP/1.1 400 Bad Request"}, true, ""},
		{"STARTTLS stripped", hello, false, "STARTTLS"},
		{"STARTTLS refused", []string{"220 ready", "250-hi\r\n250 STARTTLS", "454 no TLS today"}, false, "no TLS today"},
		{"hangs up before the answer", append(slices.Clone(hello), "250 ok", "250 ok"), true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := outgoing(t, "ada@example.com", "Hello")
			_, err := script(t, c.replies...).provider(t, "smtp", "", "", c.local).Send(t.Context(), o.letter())
			var refused refusal
			if err == nil || refused.of(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	m := &mailServer{}
	m.listen(t).Close()
	_, err := m.provider(t, "smtp", "", "", true).Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello"))
	var refused refusal
	if err == nil || refused.of(err) {
		t.Errorf("nobody listens: %v", err)
	}
}

// TestSMTPAcceptedIsSent keeps a mail from being sent twice because the server
// went away after it had taken it.
func TestSMTPAcceptedIsSent(t *testing.T) {
	t.Parallel()
	m := script(t, "220 ready", "250 hi", "250 ok", "250 ok", "354 go on") // and no answer to QUIT
	o := outgoing(t, "ada@example.com", "Hello")
	if receipt, err := m.provider(t, "smtp", "", "", true).Send(t.Context(), o.letter()); err != nil || receipt.MessageID != o.MessageID {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestSMTPUntrustedCertificate(t *testing.T) {
	t.Parallel()
	for scheme, configure := range map[string]func(*smtp.Server){"smtp": nil, "smtps": func(s *smtp.Server) { s.Addr = "implicit" }} {
		m := serve(t, &mailServer{}, true, configure)
		s := m.provider(t, scheme, "ada", "secret-word", false)
		s.roots = nil
		_, err := s.Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello"))
		var refused refusal
		if err == nil || refused.of(err) || !strings.Contains(err.Error(), "certificate") || len(m.letters()) != 0 {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestSMTPWrongPassword(t *testing.T) {
	t.Parallel()
	m := serve(t, &mailServer{login: [2]string{"ada", "right"}}, true, nil)
	_, err := m.provider(t, "smtp", "ada", "wr%ng/secret", false).Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello"))
	var refused refusal
	if err == nil || refused.of(err) || !strings.Contains(err.Error(), "no user ada") {
		t.Errorf("%v", err)
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("the error repeats the password: %v", err)
	}
	_, err = m.provider(t, "smtp", "", "", false).Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello"))
	if err == nil || refused.of(err) || len(m.letters()) != 0 {
		t.Errorf("without a password: %v", err)
	}
	plain := serve(t, &mailServer{login: [2]string{"ada", "right"}}, false, func(s *smtp.Server) { s.AllowInsecureAuth = true })
	_, err = plain.provider(t, "smtp", "ada", "right", false).Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello"))
	if err == nil || len(plain.letters()) != 0 {
		t.Errorf("a password leaves in the clear: %v", err)
	}
}

func TestSMTPHangingServer(t *testing.T) {
	t.Parallel()
	for name, replies := range map[string][]string{
		"greeting": {"hang"},
		"hello":    {"220 ready", "hang"},
		"sender":   {"220 ready", "250 hi", "hang"},
	} {
		t.Run(name+", timeout", func(t *testing.T) {
			t.Parallel()
			s := script(t, replies...).provider(t, "smtp", "", "", true)
			s.timeout = 30 * time.Millisecond
			var refused refusal
			if _, err := s.Send(t.Context(), outgoingLetter(t, "ada@example.com", "Hello")); err == nil || refused.of(err) || !strings.Contains(err.Error(), "timeout") {
				t.Errorf("%v", err)
			}
		})
		t.Run(name+", context", func(t *testing.T) {
			t.Parallel()
			m := script(t, replies...)
			s := m.provider(t, "smtp", "", "", true)
			s.timeout = time.Hour
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { <-m.hangs; cancel() }()
			if _, err := s.Send(ctx, outgoingLetter(t, "ada@example.com", "Hello")); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSMTPUnicodeMailbox(t *testing.T) {
	t.Parallel()
	for _, supported := range []bool{true, false} {
		m := serve(t, &mailServer{}, false, func(s *smtp.Server) { s.EnableSMTPUTF8 = supported })
		_, err := m.provider(t, "smtp", "", "", true).Send(t.Context(), outgoingLetter(t, "jürgen@bücher.example", "Hello"))
		var refused refusal
		if supported && (err != nil || m.letters()[0].to != "jürgen@xn--bcher-kva.example") {
			t.Errorf("with SMTPUTF8: %v, %v", err, m.letters())
		}
		if !supported && (!refused.of(err) || !strings.Contains(err.Error(), "SMTPUTF8") || len(m.letters()) != 0) {
			t.Errorf("without SMTPUTF8: %v", err)
		}
	}
}

func TestNewSMTP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address, host   string
		port            int
		implicit, local bool
	}{
		{"smtp://mail.example.com", "mail.example.com", 587, false, false},
		{"smtp://u:p@mail.example.com:2525", "mail.example.com", 2525, false, false},
		{"smtps://u:p@mail.example.com", "mail.example.com", 465, true, false},
		{"smtps://localhost", "localhost", 465, true, false},
		{"smtp://localhost:1025", "localhost", 1025, false, true},
		{"smtp://127.0.0.9:25", "127.0.0.9", 25, false, true},
		{"smtp://[::1]:25", "::1", 25, false, true},
		{"smtp://localhost.evil.example", "localhost.evil.example", 587, false, false},
	} {
		s, err := NewSMTP(c.address)
		if err != nil || s.host != c.host || s.port != c.port || s.implicit != c.implicit || s.local != c.local {
			t.Errorf("%s: %+v, %v", c.address, s, err)
		}
	}
	for _, address := range []string{"", "mail.example.com", "http://u:secret@mail.example.com", "u:secret@mail.example.com", "secret:secret@mail.example.com",
		"smtp://u:sec%ret@mail.example.com", "smtp://u:secret@mail.example.com:0", "smtp://u:secret@mail.example.com:99999",
		"smtp://u:secret@mail.example.com:x", "smtp://u:secret@", "smtp://u:secret/@mail.example.com"} {
		if s, err := NewSMTP(address); err == nil {
			t.Errorf("%s is taken: %+v", address, s)
		} else if strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: the error repeats the password: %v", address, err)
		}
	}
}

// refusal is an error that says that a message will never be taken.
type refusal struct{ *post.Error }

func (r *refusal) of(err error) bool {
	return errors.As(err, &r.Error) && r.Class == post.Refused
}

func outgoingLetter(t testing.TB, to, text string) post.Message {
	return outgoing(t, to, text).letter()
}
