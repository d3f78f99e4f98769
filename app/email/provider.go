package email

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"seaworthy/app/email/compose"
	"seaworthy/app/email/post"
)

// Outgoing is a message ready to leave.
type Outgoing struct {
	ID        string // email_message.id
	From, To  string // as in the headers
	ReplyTo   string // "" for none
	Tag       string // for the provider's statistics; "" for none
	Files     []post.Attachment
	Stream    string
	Mail      compose.Mail
	MessageID string // RFC 5322, with angle brackets
	Headers   []post.Header
	Raw       []byte // the whole message, RFC 5322; signed where we sign
}

// letter is the message as providers take it.
func (o Outgoing) letter() post.Message {
	return post.Message{ID: o.ID, Stream: o.Stream, From: o.From, To: o.To, ReplyTo: o.ReplyTo, Subject: o.Mail.Subject, HTML: o.Mail.HTML, Text: o.Mail.Text,
		Tag: o.Tag, MessageID: o.MessageID, Headers: o.Headers, Raw: o.Raw, Attachments: o.Files}
}

// compile builds the MIME message: text and HTML as alternatives, with the images that
// the HTML shows, and files.
func (s *System) compile(m messageRow, mail compose.Mail, a wrapping) (Outgoing, error) {
	sender := cmp.Or(a.sender, s.from.String())
	mail.Subject = noGaps(mail.Subject)
	out := Outgoing{ID: m.id, Stream: m.stream, Mail: mail, ReplyTo: a.replyTo, Files: a.files, Headers: append([]post.Header{
		{Name: "Auto-Submitted", Value: "auto-generated"}, // RFC 3834: no out-of-office replies
		{Name: "X-Entity-Ref-ID", Value: m.id},            // keeps Gmail from folding separate messages together
	}, s.listHeaders(m)...)}
	for _, name := range slices.Sorted(maps.Keys(a.headers)) {
		out.Headers = append(out.Headers, post.Header{Name: name, Value: a.headers[name]})
	}
	if len(a.tags) > 0 {
		out.Tag = a.tags[0]
	}
	var domain string
	var err error
	if out.From, domain, err = wireAddress(sender); err != nil {
		return out, fmt.Errorf("sender: %w", err)
	}
	if out.To, _, err = wireAddress(m.recipient); err != nil {
		return out, fmt.Errorf("recipient: %w", err)
	}
	out.MessageID = "<" + m.id + "@" + domain + ">" // go-mail's own has this machine's name
	msg, err := s.mime(out)
	if err != nil {
		return out, err
	}
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return out, fmt.Errorf("build the message: %w", err)
	}
	out.Raw = raw.Bytes()
	out.From, out.To = sender, m.recipient
	return out, nil
}

func (s *System) mime(o Outgoing) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(o.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(o.To); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	msg.SetMessageIDWithValue(strings.Trim(o.MessageID, "<>"))
	msg.SetDateWithValue(s.DB.Now().UTC())
	msg.Subject(o.Mail.Subject)
	for _, h := range o.Headers {
		msg.SetGenHeader(gomail.Header(h.Name), h.Value)
	}
	msg.SetBodyString(gomail.TypeTextPlain, o.Mail.Text)
	if o.Mail.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, o.Mail.HTML)
	}
	if o.ReplyTo != "" {
		reply, _, err := wireAddress(o.ReplyTo)
		if err == nil {
			err = msg.ReplyTo(reply)
		}
		if err != nil {
			return nil, fmt.Errorf("reply to: %w", err)
		}
	}
	return msg, attach(msg, o.Files)
}

// attach adds files, and the images that the HTML shows by their content id.
func attach(msg *gomail.Msg, files []post.Attachment) error {
	for _, f := range files {
		opts := []gomail.FileOption{gomail.WithFileContentType(gomail.ContentType(f.Type)), gomail.WithFileEncoding(gomail.EncodingB64)}
		add := msg.AttachReader
		if f.ContentID != "" {
			add, opts = msg.EmbedReader, append(opts, gomail.WithFileContentID("<"+f.ContentID+">"))
		}
		if err := add(f.Name, bytes.NewReader(f.Data), opts...); err != nil {
			return fmt.Errorf("file %s: %w", f.Name, err)
		}
	}
	return nil
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
