package email

import (
	"bytes"
	"context"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"seaworthy/app/email/compose"
)

// Outgoing is a message ready to leave.
type Outgoing struct {
	ID        string // email_message.id
	From, To  string // as in the headers
	Mail      compose.Mail
	MessageID string // RFC 5322, with angle brackets
	Raw       []byte // the whole message, RFC 5322
	msg       *gomail.Msg
}

// Receipt is what a provider says when it has accepted a message.
type Receipt struct{ ProviderID, MessageID string }

// Provider hands a message to somebody who delivers it. Any error but a
// *RefusedError is tried again.
type Provider interface {
	Name() string
	Send(ctx context.Context, o Outgoing) (Receipt, error)
}

// RefusedError says that this message will never be accepted.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// compile builds the MIME message: text and HTML as alternatives.
func (s *System) compile(m messageRow, mail compose.Mail) (Outgoing, error) {
	out := Outgoing{ID: m.id, From: s.from.String(), To: m.recipient, Mail: mail}
	from, domain, err := wireAddress(s.from.String())
	if err != nil {
		return out, fmt.Errorf("sender: %w", err)
	}
	to, _, err := wireAddress(m.recipient)
	if err != nil {
		return out, fmt.Errorf("recipient: %w", err)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(from); err != nil {
		return out, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(to); err != nil {
		return out, fmt.Errorf("recipient: %w", err)
	}
	msg.SetMessageIDWithValue(m.id + "@" + domain) // the default has this machine's name
	out.MessageID = "<" + m.id + "@" + domain + ">"
	msg.SetDateWithValue(s.DB.Now().UTC())
	msg.Subject(noGaps(mail.Subject))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.SetGenHeader("X-Entity-Ref-ID", m.id)            // keeps Gmail from folding separate messages together
	for _, h := range s.listHeaders(m) {
		msg.SetGenHeader(gomail.Header(h.Name), h.Value)
	}
	msg.SetBodyString(gomail.TypeTextPlain, mail.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, mail.HTML)
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return out, fmt.Errorf("build the message: %w", err)
	}
	out.Raw, out.msg = raw.Bytes(), msg
	return out, nil
}

// wireAddress writes an address as it leaves: its domain in the form the DNS
// knows (RFC 5891).
func wireAddress(s string) (address, domain string, err error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return "", "", err
	}
	at := strings.LastIndexByte(a.Address, '@') // a quoted local part may have one too
	if domain, err = idna.Lookup.ToASCII(a.Address[at+1:]); err != nil {
		return "", "", fmt.Errorf("domain of %s: %w", s, err)
	}
	a.Address = a.Address[:at+1] + domain
	a.Name = noGaps(a.Name)
	return a.String(), domain, nil
}

// noGaps makes one space of many: a long run would be folded into a blank line,
// which some servers take for the end of the head.
func noGaps(s string) string { return strings.Join(strings.Fields(s), " ") }
