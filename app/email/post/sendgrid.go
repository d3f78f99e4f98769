package post

import (
	"context"
	"mime"
	"net/http"
	"net/mail"
	"strings"
)

// SendGrid sends by SendGrid's API: POST /v3/mail/send (twilio.com/docs/sendgrid/api-reference/mail-send).
type SendGrid struct {
	key string
	api *api
}

// NewSendGrid sends with an API key. eu is for a subuser of the European region, whose mail stays there.
func NewSendGrid(key string, eu bool, o Options) (*SendGrid, error) {
	own := "https://api.sendgrid.com"
	if eu {
		own = "https://api.eu.sendgrid.com"
	}
	a, err := newAPI(own, o, key)
	if err != nil {
		return nil, err
	}
	return &SendGrid{key: key, api: a}, nil
}

// Name implements Provider.
func (*SendGrid) Name() string { return "sendgrid" }

// Limit implements Provider: 30 MB with attachments.
func (*SendGrid) Limit() int64 { return 30_000_000 }

type sendGridAddress struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type sendGridTo struct {
	To []sendGridAddress `json:"to"`
}

type sendGridContent struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type sendGridAttachment struct {
	Content     []byte `json:"content"`
	Type        string `json:"type,omitempty"`
	Filename    string `json:"filename"`
	Disposition string `json:"disposition"`
	ContentID   string `json:"content_id,omitempty"`
}

type sendGridSwitch struct {
	Enable bool `json:"enable"`
}

// sendGridTracking has all of it off, whatever the account's setting: a link to reset a password must not lead through somebody
// else, and a way to unsubscribe is ours to add.
type sendGridTracking struct {
	Click       sendGridSwitch `json:"click_tracking"`
	Open        sendGridSwitch `json:"open_tracking"`
	Unsubscribe sendGridSwitch `json:"subscription_tracking"`
}

// sendGridMail is the body of POST /v3/mail/send.
type sendGridMail struct {
	Personalizations []sendGridTo         `json:"personalizations"`
	From             sendGridAddress      `json:"from"`
	ReplyTo          []sendGridAddress    `json:"reply_to_list,omitempty"`
	Subject          string               `json:"subject"`
	Content          []sendGridContent    `json:"content"`
	Attachments      []sendGridAttachment `json:"attachments,omitempty"`
	Headers          map[string]string    `json:"headers,omitempty"`
	Categories       []string             `json:"categories,omitempty"`
	CustomArgs       map[string]string    `json:"custom_args,omitempty"`
	Tracking         sendGridTracking     `json:"tracking_settings"`
}

// Send implements Provider.
func (s *SendGrid) Send(ctx context.Context, m Message) (Receipt, error) {
	mail, err := s.mail(m)
	if err != nil {
		return Receipt{}, err
	}
	got, err := s.api.post(ctx, "/v3/mail/send", mail, "Authorization", "Bearer "+s.key)
	if err != nil {
		return Receipt{}, err
	}
	return s.read(got, m.MessageID)
}

func (s *SendGrid) mail(m Message) (out sendGridMail, err error) {
	if err := m.check(s.Limit()); err != nil {
		return out, err
	}
	from, err := sender(m.From)
	if err != nil {
		return out, err
	}
	to, err := addresses("to", m.To)
	if err != nil {
		return out, err
	}
	out = sendGridMail{From: sendGridList(oneOf(from))[0], Personalizations: []sendGridTo{{To: sendGridList(to)}}, Subject: m.Subject}
	if m.ReplyTo != "" {
		reply, err := addresses("reply_to", m.ReplyTo)
		if err != nil {
			return out, err
		}
		out.ReplyTo = sendGridList(reply)
	}
	for _, c := range []sendGridContent{{"text/plain", m.Text}, {"text/html", m.HTML}} { // in this order, they say
		if c.Value != "" {
			out.Content = append(out.Content, c)
		}
	}
	out.Headers = sendGridHeaders(m)
	for _, a := range m.Attachments {
		one := sendGridAttachment{Content: a.Data, Type: a.Type, Filename: a.Name, Disposition: "attachment"}
		if a.ContentID != "" {
			one.Disposition, one.ContentID = "inline", a.ContentID
		}
		out.Attachments = append(out.Attachments, one)
	}
	if m.Tag != "" {
		out.Categories = []string{cut(m.Tag, 255)}
	}
	if m.ID != "" {
		out.CustomArgs = map[string]string{idKey: m.ID}
	}
	return out, nil
}

// sendGridHeaders are the message's own headers; what is not ASCII in them has to come encoded (RFC 2047).
func sendGridHeaders(m Message) map[string]string {
	out := map[string]string{}
	for _, h := range m.Headers {
		out[h.Name] = mime.QEncoding.Encode("utf-8", h.Value)
	}
	if m.MessageID != "" {
		out["Message-ID"] = m.MessageID
	}
	return out
}

func sendGridList(all []*mail.Address) []sendGridAddress {
	out := make([]sendGridAddress, len(all))
	for i, a := range all {
		out[i] = sendGridAddress{Email: a.Address, Name: a.Name}
	}
	return out
}

// read sorts an answer (twilio.com/docs/sendgrid/api-reference/mail-send/errors). Acceptance is 202 with the id in a header.
func (s *SendGrid) read(got answer, messageID string) (Receipt, error) {
	if success(got.status) {
		return Receipt{ProviderID: cleanID(got.header.Get("X-Message-Id")), MessageID: messageID}, nil
	}
	var said struct {
		Errors []struct{ Message, Field string }
	}
	var text []string
	if decode(got.body, &said) {
		for _, e := range said.Errors {
			text = append(text, strings.TrimSpace(e.Message+" "+e.Field))
		}
	}
	reason := strings.Join(text, "; ")
	return Receipt{}, s.api.fail(sendGridClass(got.status, strings.ToLower(reason)), got, reason)
}

func sendGridClass(status int, said string) Class {
	switch {
	case status == http.StatusUnauthorized && strings.Contains(said, "maximum credits exceeded"):
		return Quota
	case status == http.StatusForbidden && strings.Contains(said, "verified sender identity"):
		return Temporary // a sender that people can have confirmed
	}
	return byStatus(status)
}
