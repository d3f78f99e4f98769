package email

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/app/email/plain"
	"seaworthy/app/email/post"
	"seaworthy/app/web"
)

// draft is a request that was checked, rendered for trial and sealed: all that is
// left is to store it.
type draft struct {
	request  requestRow
	files    []fileRow
	messages []messageRow
}

// content is what a message without a template says.
type content struct {
	Subject string `json:"subject"`
	HTML    string `json:"html,omitempty"`
	Text    string `json:"text"`
}

// draft makes of a request what is to be stored. Whatever would keep one of its
// messages from being sent is said now, and nothing of it is sent.
func (s *System) draft(ctx context.Context, in sendIn) (d draft, err error) {
	if err := in.count(); err != nil {
		return d, err
	}
	if err := in.oneLine(); err != nil {
		return d, err
	}
	now := s.DB.Now()
	if err := in.check(now); err != nil {
		return d, err
	}
	model := messageRow{template: in.Template, category: in.Category, user: in.User, org: in.Org, onUnknown: in.OnUnknown, files: len(in.Attachments) > 0}
	t, err := s.templateFor(ctx, in, &model)
	if err != nil {
		return d, err
	}
	if err := s.lawful(ctx, in, &model); err != nil {
		return d, err
	}
	d.request = requestRow{id: s.DB.NewID("snd"), replyTo: in.ReplyTo, tags: in.Tags, metadata: in.Metadata, headers: in.Headers, files: len(in.Attachments), by: web.IdentityOf(ctx).Actor()}
	model.request = d.request.id
	if d.request.sender, err = s.sender(in.From); err != nil {
		return d, err
	}
	if in.ReplyTo != "" {
		if _, err := mail.ParseAddress(in.ReplyTo); err != nil || len(in.ReplyTo) > maxAddress {
			return d, badField("reply_to", "address", "Write one email address, as Support <help@example.com>.")
		}
	}
	at := now
	if in.SendAt != nil && in.SendAt.After(now) {
		at = in.SendAt.UTC()
		model.sendAt = at.UnixMilli()
	}
	if ttl := cmp.Or(time.Duration(in.TTL)*time.Second, ttlOf(t)); ttl > 0 {
		model.expires = at.Add(ttl).UnixMilli()
	}
	d.request.wipe = wipeAt(model.class, at)
	words := content{}
	if t == nil {
		words = text(in)
		if d.request.content, err = s.sealed(d.request.id, words); err != nil {
			return d, err
		}
	}
	for i, f := range in.Attachments {
		d.files = append(d.files, fileRow{name: f.Name, kind: f.Type, contentID: f.ContentID, data: s.Keys.Seal("mail", fileKey(d.request.id, i), f.Content)})
	}
	return d, s.address(ctx, in, t, words, model, &d)
}

// templateFor finds the request's template, nil for none, and what the messages are by it.
func (s *System) templateFor(ctx context.Context, in sendIn, m *messageRow) (t *compose.Template, err error) {
	m.class = cmp.Or(in.Class, "product")
	if in.Template != "" {
		if s.templates[in.Template] != nil { // it says what Seaworthy has to say, such as where to choose a password
			return nil, badField("template", "reserved", "This is a mail of Seaworthy's own. Send one of your templates.")
		}
		if t, err = s.sendable(ctx, in.Template); err != nil {
			return nil, badField("template", "unknown", "There is no template of this name in use.")
		}
		m.class = t.Class
	} else {
		m.subject = in.Subject
	}
	m.stream = in.stream(m.class)
	return t, nil
}

// address makes the messages, one for each recipient. words are what a request without
// a template says. Files are weighed with the first message: they are the same in all.
func (s *System) address(ctx context.Context, in sendIn, t *compose.Template, words content, model messageRow, d *draft) error {
	var c web.Check
	common, err := parseVars(in.Vars, "vars")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, r := range in.To {
		field := fmt.Sprintf("to.%d", i)
		m := model
		m.id = s.DB.NewID("msg")
		norm, ok := normalAddress(r.Address)
		if !ok || len(r.Address) > maxAddress {
			c.Fault(false, field, "address", "Write one email address, as Ada <ada@example.com>.")
			continue
		}
		c.Fault(!seen[norm], field, "duplicate", "This address is given twice.")
		seen[norm] = true
		m.norm, m.recipient = norm, strings.TrimSpace(r.Address)
		made := compose.Mail{}
		if t == nil {
			c.Fault(len(r.Vars) == 0, field+".vars", "unexpected", "Only a template has variables.")
			made = s.written(m, words)
		} else {
			own, err := parseVars(r.Vars, field+".vars")
			if err != nil {
				return err
			}
			vars := merge(common, own)
			if made, err = s.render(ctx, m.template, vars, s.unsubscribeURL(m)); err != nil {
				c.Fault(false, "vars", codeOf(err), strings.TrimPrefix(err.Error(), "mail "+t.Name+": ")+" ("+field+")")
				continue
			}
			raw, err := json.Marshal(vars)
			if err != nil {
				return err
			}
			m.vars = s.Keys.Seal("mail", m.id, raw)
		}
		with := wrapping{requestRow: d.request}
		if len(d.messages) == 0 {
			with.files = letters(in.Attachments)
		}
		s.deliverable(&c, field, m, made, with)
		d.messages = append(d.messages, m)
	}
	return c.Err()
}

// deliverable says what would keep every provider of the stream from taking a message.
func (s *System) deliverable(c *web.Check, field string, m messageRow, made compose.Mail, with wrapping) {
	out, err := s.compile(m, made, with)
	if err != nil {
		c.Fault(false, field, "address", "Mail cannot be sent to this address: its domain is none.")
		return
	}
	if all, reason := s.able(m, out); len(all) == 0 {
		name := field
		if strings.Contains(reason, "larger") {
			name = "attachments"
		}
		c.Fault(false, name, "undeliverable", strings.ToUpper(reason[:1])+reason[1:]+".")
	}
}

// sender is who a mail is from: the configured sender, or another address of one of
// our domains.
func (s *System) sender(from string) (string, error) {
	if from == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(from)
	if err != nil || len(from) > maxAddress {
		return "", badField("from", "address", "Write one email address, as Acme <hello@example.com>.")
	}
	_, domain, err := wireAddress(from)
	if err == nil && s.domains[strings.ToLower(domain)] {
		return a.String(), nil
	}
	return "", badField("from", "domain", "Mail is sent from the domain of SEAWORTHY_MAIL_FROM and from those of SEAWORTHY_MAIL_DOMAINS alone, which the mail provider has to know too.")
}

// text is what a request without a template says.
func text(in sendIn) content {
	c := content{Subject: in.Subject, HTML: in.HTML, Text: in.Text}
	if c.Text == "" {
		c.Text = plain.Text(in.HTML)
	}
	return c
}

// parseVars reads variables; field names them.
func parseVars(raw []byte, field string) (vars compose.Vars, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if len(raw) > maxVars {
		return nil, badField(field, "too_long", "At most 256 KB.")
	}
	if err := json.Unmarshal(raw, &vars); err != nil {
		return nil, badField(field, "form", `An object of texts and lists, such as {"Name": "Ada", "Lines": [{"What": "Seat", "Amount": "9 EUR"}]}.`)
	}
	return vars, nil
}

// maxVars bounds the variables of a message, in bytes of JSON.
const maxVars = 256 << 10

func merge(common, own compose.Vars) compose.Vars {
	all := compose.Vars{}
	for name, v := range common {
		all[name] = v
	}
	for name, v := range own {
		all[name] = v
	}
	return all
}

// codeOf tells a variable that is not there from one that is wrong.
func codeOf(err error) string {
	var missing *compose.MissingError
	if errors.As(err, &missing) {
		return "required"
	}
	return "form"
}

func ttlOf(t *compose.Template) time.Duration {
	if t == nil {
		return 0
	}
	return t.TTL
}

// letters are files as providers take them.
func letters(all []fileIn) (files []post.Attachment) {
	for _, f := range all {
		files = append(files, post.Attachment{Name: f.Name, Type: f.Type, ContentID: f.ContentID, Data: f.Content})
	}
	return files
}
