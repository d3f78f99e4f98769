package email

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/email/eml"
	"seaworthy/app/email/post"
)

// Where a mail in the inbox came from.
const (
	fromSeaworthy = "seaworthy"
	fromSMTP      = "smtp"
)

// maxSearch is how much of a mail a search looks through, in bytes.
const maxSearch = 64 << 10

// inboxMail is a mail that was read and can be stored.
type inboxMail struct {
	message, origin, sender, recipient, cc, replyTo, recipients, subject string
	parts, search, headers, text, html                                   string
	raw                                                                  []byte
}

// part is an attachment as the inbox keeps and tells it.
type part struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Size      int    `json:"size"`
	ContentID string `json:"content_id,omitempty"`
	Inline    bool   `json:"inline"` // shown within the HTML
	URL       string `json:"url,omitempty"`
}

// readMail reads a message that came in an envelope. It takes time in proportion to
// the message, so it is done before any transaction.
func readMail(raw []byte, sender string, to []string) inboxMail {
	l := eml.Read(raw)
	m := inboxMail{origin: fromSMTP, sender: l.From, recipient: l.To, cc: l.Cc, replyTo: l.ReplyTo, subject: l.Subject, text: l.Text, html: l.HTML, raw: raw}
	if m.sender == "" {
		m.sender = sender
	}
	if m.recipient == "" { // all of them are hidden
		m.recipient = strings.Join(to, ", ")
	}
	m.fill(l, to)
	return m
}

// caught is what the inbox keeps of a message of ours.
func caught(o post.Message) inboxMail {
	l := eml.Read(o.Raw)
	m := inboxMail{message: o.ID, origin: fromSeaworthy, sender: o.From, recipient: o.To, cc: l.Cc, replyTo: l.ReplyTo, subject: o.Subject,
		text: o.Text, html: o.HTML, raw: o.Raw}
	m.fill(l, eml.Addresses(o.To))
	return m
}

// fill writes what follows from the message.
func (m *inboxMail) fill(l eml.Letter, envelope []string) {
	all := []string{}
	for _, address := range slices.Concat(envelope, eml.Addresses(m.recipient), eml.Addresses(m.cc)) {
		if address = strings.ToLower(address); !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	m.recipients = "\n" + strings.Join(all, "\n") + "\n"
	parts := make([]part, len(l.Parts))
	for i, p := range l.Parts {
		parts[i] = part{Name: p.Name, Type: p.Type, Size: len(p.Body), ContentID: p.ContentID, Inline: p.Inline}
	}
	m.parts, m.headers = toJSON(parts), toJSON(l.Headers)
	search := strings.Join([]string{m.sender, m.recipient, m.cc, strings.Join(all, " "), m.subject, m.text}, "\n")
	if len(search) > maxSearch {
		search = strings.ToValidUTF8(search[:maxSearch], "")
	}
	m.search = strings.ToLower(search)
}

// toJSON writes what always can be written.
func toJSON(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return "[]"
	}
	return string(out)
}

// attachments are a mail's parts with the addresses where they lie.
func (m inboxRow) attachments() []part {
	parts := []part{}
	if json.Unmarshal([]byte(m.Parts), &parts) != nil {
		return []part{}
	}
	for i := range parts {
		parts[i].URL = inboxBase + "/" + m.ID + "/parts/" + strconv.Itoa(i)
	}
	return parts
}

// inboxJSON is a message as programs see it.
type inboxJSON struct {
	ID          string       `json:"id"`
	To          string       `json:"to"`
	From        string       `json:"from"`
	Cc          string       `json:"cc"`
	ReplyTo     string       `json:"reply_to"`
	Recipients  []string     `json:"recipients"` // whom it went to, also those that the head hides
	Subject     string       `json:"subject"`
	HTML        string       `json:"html"`
	Text        string       `json:"text"`
	Headers     []eml.Header `json:"headers"`
	Links       []string     `json:"links"`
	Attachments []part       `json:"attachments"`
	Size        int64        `json:"size"`
	Unread      bool         `json:"unread"`
	Origin      string       `json:"origin"`               // seaworthy or smtp
	Message     string       `json:"message_id,omitempty"` // of Seaworthy's own mails: what the message API knows it by
	At          time.Time    `json:"received_at"`
}

func (m inboxRow) json() inboxJSON {
	out := inboxJSON{ID: m.ID, To: m.To, From: m.From, Cc: m.Cc, ReplyTo: m.ReplyTo, Recipients: strings.Fields(m.Recipients), Subject: m.Subject, HTML: m.HTML, Text: m.Text,
		Headers: []eml.Header{}, Links: eml.Scan(m.Text, m.HTML).Links, Attachments: m.attachments(), Size: m.Size, Unread: !m.Read, Origin: m.Origin, Message: m.Message, At: time.UnixMilli(m.At).UTC()}
	if json.Unmarshal([]byte(m.Headers), &out.Headers) != nil {
		out.Headers = []eml.Header{}
	}
	return out
}
