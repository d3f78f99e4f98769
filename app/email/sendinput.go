package email

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/email/post"
	"seaworthy/app/web"
)

// sendIn is mail as the app hands it in: a template with its variables, or subject
// and text. Each recipient gets a message of his own.
type sendIn struct {
	To          recipients        `json:"to" doc:"One address, a list of addresses, or a list of objects with address and vars; at most 50"`
	Template    string            `json:"template,omitempty" doc:"Name of a template of yours, in place of subject and words"`
	Vars        jsontext.Value    `json:"vars,omitempty" doc:"Variables of the template: text, or lists of objects of text"`
	Subject     string            `json:"subject,omitempty" doc:"Without a template"`
	HTML        string            `json:"html,omitempty" doc:"Without a template"`
	Text        string            `json:"text,omitempty" doc:"Made from html if left out"`
	From        string            `json:"from,omitempty" doc:"The configured sender if left out"`
	ReplyTo     string            `json:"reply_to,omitempty" doc:"Where answers go"`
	Stream      string            `json:"stream,omitempty" doc:"transactional or broadcast"`
	Class       string            `json:"class,omitempty" doc:"Of mail without a template: security, account, billing, product or marketing"`
	Category    string            `json:"category,omitempty" doc:"That people can unsubscribe from"`
	Tags        few[string]       `json:"tags,omitempty" doc:"To find messages by"`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"Comes back with the message"`
	Headers     map[string]string `json:"headers,omitempty" doc:"Beside those of the message itself"`
	Attachments few[fileIn]       `json:"attachments,omitempty" doc:"Files in base64; one with a content_id is shown by cid:"`
	SendAt      *time.Time        `json:"send_at,omitempty" doc:"Not before"`
	TTL         int               `json:"ttl_seconds,omitempty" doc:"After which it is pointless; the template's if left out"`
	OnUnknown   string            `json:"on_unknown,omitempty" doc:"Where the answer of a provider was lost: hold (a person decides), retry, or failover (the next provider gets it at once)"`
	User        string            `json:"user,omitempty" doc:"Id of the user whom it is about"`
	Org         string            `json:"org,omitempty" doc:"Id of the organization"`
}

// recipient is one who gets a message.
type recipient struct {
	Address string         `json:"address"`        // perhaps with a name: Ada <ada@example.com>
	Vars    jsontext.Value `json:"vars,omitempty"` // his own, beside those of all
}

// recipients may also be written as one address, or as a list of addresses.
type recipients []recipient

// UnmarshalJSONFrom reads any of these forms.
func (r *recipients) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '[' {
		return readFew(d, (*[]recipient)(r), readRecipient)
	}
	*r = make(recipients, 1)
	return readRecipient(d, &(*r)[0])
}

func readRecipient(d *jsontext.Decoder, r *recipient) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &r.Address)
	}
	return json.UnmarshalDecode(d, r)
}

// Bounds of a request.
const (
	maxSendTo   = 50
	maxAddress  = 320 // bytes of an address with its name
	maxSubject  = 500
	maxBody     = 2 << 20 // of HTML, and of text
	maxTags     = 10
	maxMetadata = 20
	maxHeaders  = 20
	maxAhead    = 366 * 24 * time.Hour
	maxTTL      = 30 * 24 * time.Hour
)

var (
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$`)
	metaForm   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)
	headerForm = regexp.MustCompile(`^(?i:X-[A-Za-z0-9-]{1,60}|In-Reply-To|References|List-Id|List-Archive|List-Help|Importance|Priority)$`)
	subjectID  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// classes are what a message can be, the strictest first.
var classes = []string{"security", "account", "billing", "product", "marketing"}

// count refuses more of anything than there may be, before each of them is looked at.
func (in *sendIn) count() error {
	var c web.Check
	c.Fault(len(in.To) <= maxSendTo, "to", "too_many", fmt.Sprintf("At most %d recipients in a request. Send several requests for more.", maxSendTo))
	for _, n := range []struct {
		field     string
		has, most int
	}{{"tags", len(in.Tags), maxTags}, {"metadata", len(in.Metadata), maxMetadata}, {"headers", len(in.Headers), maxHeaders}, {"attachments", len(in.Attachments), maxFiles}} {
		c.Fault(n.has <= n.most, n.field, "too_many", fmt.Sprintf("At most %d.", n.most))
	}
	return c.Err()
}

// check finds what is wrong with the form of a request; what depends on the rest of
// the system is seen to by draft.
func (in *sendIn) check(now time.Time) error {
	var c web.Check
	c.Fault(len(in.To) > 0, "to", "required", "Name a recipient.")
	if in.Template != "" {
		c.Fault(in.Subject+in.HTML+in.Text == "", "template", "both", "Give a template, or subject and text; not both.")
		c.Fault(in.Class == "", "class", "unexpected", "The template says which class it is.")
	} else {
		in.Subject = c.Text("subject", in.Subject, 1, maxSubject)
		c.Fault(in.HTML+in.Text != "", "text", "required", "Give html, text, or both; or name a template.")
		c.Fault(len(in.Vars) == 0, "vars", "unexpected", "Only a template has variables.")
		c.Fault(in.Category != "" || !strings.Contains(in.HTML, unsubscribeMark) && !strings.Contains(in.Text, unsubscribeMark), "category", "required",
			"Name the category that "+unsubscribeMark+" ends for its reader.")
		c.Fault(len(in.HTML) <= maxBody, "html", "too_long", "At most 2 MB.")
		c.Fault(len(in.Text) <= maxBody, "text", "too_long", "At most 2 MB.")
		c.Fault(in.Class == "" || slices.Contains(classes, in.Class), "class", "choice", "Choose one of "+strings.Join(classes, ", ")+".")
	}
	c.Fault(in.Stream == "" || slices.Contains(streams, in.Stream), "stream", "choice", "Choose transactional or broadcast.")
	c.Fault(in.OnUnknown == "" || slices.Contains([]string{onUnknownHold, onUnknownRetry, onUnknownFailover}, in.OnUnknown), "on_unknown", "choice", "Choose hold, retry or failover.")
	in.checkNotes(&c)
	for i, f := range in.Attachments {
		f.check(&c, fmt.Sprintf("attachments.%d", i))
		in.Attachments[i].Type = f.kind()
	}
	checkFiles(&c, in.Attachments)
	c.Fault(in.SendAt == nil || in.SendAt.Before(now.Add(maxAhead)) && in.SendAt.Year() >= 1970, "send_at", "range", "A time since 1970, at most 366 days ahead.")
	c.Fault(in.TTL >= 0 && in.TTL <= int(maxTTL/time.Second), "ttl_seconds", "range", "From 1 second to 30 days.")
	c.Fault(in.User == "" || subjectID.MatchString(in.User), "user", "form", "The id of a user.")
	c.Fault(in.Org == "" || subjectID.MatchString(in.Org), "org", "form", "The id of an org.")
	return c.Err()
}

// checkNotes looks at what goes along with the text.
func (in *sendIn) checkNotes(c *web.Check) {
	for i, tag := range in.Tags {
		c.Fault(tagForm.MatchString(tag), fmt.Sprintf("tags.%d", i), "form", "Up to 64 letters, digits and _ . : / -, the first a letter or digit. The first tag is shown to the provider: put nothing personal in it.")
		c.Fault(!slices.Contains(in.Tags[:i], tag), fmt.Sprintf("tags.%d", i), "duplicate", "This tag is given twice.")
	}
	for name, value := range in.Metadata {
		c.Fault(metaForm.MatchString(name), "metadata", "name", "Names have up to 40 letters, digits and _ . -.")
		c.Fault(len(value) <= 500, "metadata."+web.CleanText(name, 40), "too_long", "At most 500 bytes.")
	}
	for name, value := range in.Headers {
		field := "headers." + web.CleanText(name, 64)
		c.Fault(headerForm.MatchString(name) && !strings.EqualFold(name, "X-Entity-Ref-ID"), field, "name", "Only X-…, In-Reply-To, References, List-Id, List-Archive, List-Help, Importance and Priority can be set; the rest is made from the other fields.")
		c.Fault(len(value) <= 900 && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }), field, "characters", "One line of at most 900 printable ASCII characters.")
	}
}

// stream is the stream that a request goes by.
func (in *sendIn) stream(class string) string {
	switch {
	case in.Stream != "":
		return in.Stream
	case class == "marketing":
		return post.Broadcast
	}
	return post.Transactional
}
