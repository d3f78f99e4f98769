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
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	to, err := asciiDomain(m.recipient)
	if err != nil {
		return out, err
	}
	if err := msg.From(s.from.String()); err != nil {
		return out, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(to); err != nil {
		return out, fmt.Errorf("recipient: %w", err)
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	msg.SetMessageIDWithValue(m.id + "@" + domain)
	out.MessageID = "<" + m.id + "@" + domain + ">"
	msg.SetDateWithValue(s.DB.Now().UTC())
	msg.Subject(mail.Subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.SetGenHeader("X-Entity-Ref-ID", m.id)            // keeps Gmail from folding separate messages together
	msg.SetBodyString(gomail.TypeTextPlain, mail.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, mail.HTML)
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return out, fmt.Errorf("build the message: %w", err)
	}
	out.Raw, out.msg = raw.Bytes(), msg
	return out, nil
}

// asciiDomain writes an address's domain in the form the DNS knows (RFC 5891).
func asciiDomain(recipient string) (string, error) {
	a, err := mail.ParseAddress(recipient)
	if err != nil {
		return "", err
	}
	local, domain, _ := strings.Cut(a.Address, "@")
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("domain of %s: %w", recipient, err)
	}
	a.Address = local + "@" + ascii
	return a.String(), nil
}

// inboxProvider is the development inbox; deliver writes to it in the job's own
// transaction, so Send is never needed.
type inboxProvider struct{ s *System }

func (inboxProvider) Name() string { return "inbox" }

func (p inboxProvider) Send(_ context.Context, o Outgoing) (Receipt, error) {
	return Receipt{MessageID: o.MessageID}, nil
}
