package post

import "context"

// Postmark sends by Postmark's API: POST /email (postmarkapp.com/developer/api/email-api).
type Postmark struct {
	token   string
	streams map[string]string
	api     *api
}

// NewPostmark sends with a server token. streams names the message stream at Postmark for each of our streams; for one that has
// none the server's default is taken.
func NewPostmark(token string, streams map[string]string, o Options) (*Postmark, error) {
	a, err := newAPI("https://api.postmarkapp.com", o, token)
	if err != nil {
		return nil, err
	}
	return &Postmark{token: token, streams: streams, api: a}, nil
}

// Name implements Provider.
func (*Postmark) Name() string { return "postmark" }

// Limit implements Provider: 10 MB with attachments, as they are once encoded.
func (*Postmark) Limit() int64 { return 10_000_000 }

type postmarkHeader struct{ Name, Value string }

type postmarkAttachment struct {
	Name        string
	Content     []byte
	ContentType string
	ContentID   string `json:",omitempty"`
}

// postmarkMail is the body of POST /email. Tracking is off whatever the server's setting: a link to reset a password must not
// lead through somebody else.
type postmarkMail struct {
	From          string
	To            string
	ReplyTo       string `json:",omitempty"`
	Subject       string
	HTMLBody      string               `json:"HtmlBody,omitempty"`
	TextBody      string               `json:",omitempty"`
	Headers       []postmarkHeader     `json:",omitempty"`
	Tag           string               `json:",omitempty"`
	Metadata      map[string]string    `json:",omitempty"`
	TrackOpens    bool                 // false is sent
	TrackLinks    string               // None
	MessageStream string               `json:",omitempty"`
	Attachments   []postmarkAttachment `json:",omitempty"`
}

// Send implements Provider.
func (p *Postmark) Send(ctx context.Context, m Message) (Receipt, error) {
	mail, err := p.mail(m)
	if err != nil {
		return Receipt{}, err
	}
	got, err := p.api.post(ctx, "/email", mail, "X-Postmark-Server-Token", p.token)
	if err != nil {
		return Receipt{}, err
	}
	return p.read(got, m.MessageID)
}

func (p *Postmark) mail(m Message) (mail postmarkMail, err error) {
	if err := m.check(p.Limit()); err != nil {
		return mail, err
	}
	from, err := sender(m.From)
	if err != nil {
		return mail, err
	}
	to, err := addresses("to", m.To)
	if err != nil {
		return mail, err
	}
	mail = postmarkMail{From: plainList(oneOf(from)), To: plainList(to), Subject: m.Subject, HTMLBody: m.HTML, TextBody: m.Text, Tag: cut(m.Tag, 1000),
		TrackLinks: "None", MessageStream: p.streams[stream(m)]}
	if m.ReplyTo != "" {
		reply, err := addresses("reply_to", m.ReplyTo)
		if err != nil {
			return mail, err
		}
		mail.ReplyTo = plainList(reply)
	}
	if m.ID != "" {
		mail.Metadata = map[string]string{idKey: m.ID}
	}
	for _, h := range m.Headers {
		mail.Headers = append(mail.Headers, postmarkHeader(h))
	}
	if m.MessageID != "" {
		// Without the second Postmark makes a Message-ID of its own.
		mail.Headers = append(mail.Headers, postmarkHeader{"Message-ID", m.MessageID}, postmarkHeader{"X-PM-KeepID", "true"})
	}
	for _, a := range m.Attachments {
		one := postmarkAttachment{Name: a.Name, Content: a.Data, ContentType: a.Type}
		if a.ContentID != "" {
			one.ContentID = "cid:" + a.ContentID
		}
		mail.Attachments = append(mail.Attachments, one)
	}
	return mail, nil
}

// read sorts an answer. Its error codes are those of postmarkapp.com/developer/api/overview.
func (p *Postmark) read(got answer, messageID string) (Receipt, error) {
	var said struct {
		ErrorCode int
		Message   string
		MessageID string
	}
	readable := decode(got.body, &said)
	if !readable && success(got.status) {
		return Receipt{}, p.api.unread(got)
	}
	if said.ErrorCode != 0 {
		return Receipt{}, p.api.fail(postmarkClass(said.ErrorCode, got.status), got, said.Message)
	}
	if !success(got.status) {
		return Receipt{}, p.api.fail(byStatus(got.status), got, said.Message)
	}
	id := cleanID(said.MessageID)
	if id == "" {
		return Receipt{}, p.api.unread(got)
	}
	if messageID == "" {
		messageID = "<" + id + "@mtasv.net>"
	}
	return Receipt{ProviderID: id, MessageID: messageID}, nil
}

func postmarkClass(code, status int) Class {
	switch code {
	case 10, 413: // the token is none; the account may not send
		return Unauthorised
	case 406:
		return Suppressed
	case 405: // no credits are left
		return Quota
	case 429:
		return Limited
	case 100, 400, 401, 412: // maintenance; a sender that is not confirmed, an account that is not approved: people can mend it
		return Temporary
	case 300, 402, 403, 409, 411:
		return Refused
	}
	if code >= 1200 && code < 1300 { // the message stream is wrong, which is configuration
		return Temporary
	}
	if class := byStatus(status); !success(status) {
		return class
	}
	return Refused // 200 and an error: it was not taken
}
