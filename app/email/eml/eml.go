// Package eml reads mail as it comes from outside: RFC 5322 heads, MIME bodies
// (RFC 2045 to 2049), whatever charset, however broken. It never refuses a message.
// What it cannot read it shows as it stands and names the fault, so that whoever
// looks sees what the sender did wrong.
package eml

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"time"
)

// The bounds of what is read of one message. What lies beyond stays in its source.
const (
	maxHead    = 256 << 10 // bytes of one head
	maxHeaders = 1000      // lines of one head
	maxParts   = 300       // of a whole message
	maxDepth   = 20        // of multiparts within each other
	maxText    = 1 << 20   // bytes of text, and of HTML, as UTF-8
	maxFaults  = 20        // that are named
)

// Header is one line of the head, its continuations joined and its encoded words
// (RFC 2047) read.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Letter is a message as people see it. All text is valid UTF-8.
type Letter struct {
	Headers          []Header
	From, To         string // as in the head, "" without
	Cc, ReplyTo      string
	Subject          string
	MessageID        string
	Date             time.Time // zero without a valid one
	HTML, Text       string
	Parts            []Part   // attachments and inline images, in their order
	Faults           []string // what is not as the standards say
	HasHTML, HasText bool
}

// Part is an attachment, or an image that the HTML shows.
type Part struct {
	Name      string // of the file; made up when it has none
	Type      string // media type, lower case, as the sender says; "application/octet-stream" if that is none
	ContentID string // without angle brackets; "" for none
	Inline    bool   // shown within the HTML, rather than attached
	Body      []byte // decoded
}

// Read reads a message. The head ends at the first empty line, or at the first line
// that cannot be part of one.
func Read(raw []byte) Letter {
	r := &reader{}
	head, body := r.head(raw)
	l := &r.letter
	for _, h := range head {
		l.Headers = append(l.Headers, Header{h.name, decodeWords(h.value)})
	}
	l.From, l.To, l.Cc, l.ReplyTo = addresses(head, "From"), addresses(head, "To"), addresses(head, "Cc"), addresses(head, "Reply-To")
	l.Subject = oneLine(decodeWords(head.get("Subject")))
	l.MessageID = oneLine(clean(head.get("Message-Id")))
	if text := head.get("Date"); text != "" {
		var err error
		if l.Date, err = mail.ParseDate(text); err != nil {
			r.fault("The date cannot be read.")
		}
	}
	for _, name := range []string{"From", "Date"} { // RFC 5322 section 3.6: these two are demanded
		if n := head.count(name); n != 1 {
			r.fault(map[bool]string{true: "There is no " + name + " header.", false: "There is more than one " + name + " header."}[n == 0])
		}
	}
	for _, name := range []string{"To", "Cc", "Subject", "Reply-To", "Message-Id"} {
		if head.count(name) > 1 {
			r.fault("There is more than one " + name + " header.")
		}
	}
	r.entity(head, body, 0, false)
	return *l
}

// Body reads one part of a message again; ok is false if there is none of that
// number, from 0.
func Body(raw []byte, n int) (p Part, ok bool) {
	all := Read(raw).Parts
	if n < 0 || n >= len(all) {
		return Part{}, false
	}
	return all[n], true
}

// reader is the reading of one message.
type reader struct {
	letter Letter
	parts  int // seen so far, of all kinds
}

// fault names something once.
func (r *reader) fault(text string) {
	for _, known := range r.letter.Faults {
		if known == text {
			return
		}
	}
	if len(r.letter.Faults) < maxFaults {
		r.letter.Faults = append(r.letter.Faults, text)
	}
}

// entity reads a message or one of its parts, and what is in it. related is true
// within multipart/related, whose parts belong to the HTML (RFC 2387).
func (r *reader) entity(head head, body []byte, depth int, related bool) {
	if r.parts++; r.parts > maxParts {
		r.fault("The message has more than 300 parts. The rest is only in the source.")
		return
	}
	kind, params := r.mediaType(head)
	if strings.HasPrefix(kind, "multipart/") && depth < maxDepth && params["boundary"] != "" {
		r.multipart(kind, params["boundary"], body, depth)
		return
	}
	if strings.HasPrefix(kind, "multipart/") {
		if depth >= maxDepth {
			r.fault("The parts are nested deeper than 20 levels.")
		} else {
			r.fault("A multipart has no boundary, so it is shown as one piece.")
			kind = "text/plain"
		}
	}
	disposition, how, _ := mime.ParseMediaType(head.get("Content-Disposition"))
	name := fileName(how["filename"], params["name"])
	data := r.decode(head.get("Content-Transfer-Encoding"), body)
	attached := strings.EqualFold(disposition, "attachment") || name != ""
	switch {
	case kind == "text/plain" && !attached:
		r.letter.HasText = true
		r.letter.Text = r.append(r.letter.Text, r.text(data, params["charset"]))
	case kind == "text/html" && !attached:
		r.letter.HasHTML = true
		r.letter.HTML = r.append(r.letter.HTML, r.text(data, params["charset"]))
	default:
		id := strings.Trim(strings.TrimSpace(clean(head.get("Content-Id"))), "<>")
		inline := id != "" && (related || strings.EqualFold(disposition, "inline"))
		if name == "" {
			name = unnamed(kind, len(r.letter.Parts)+1)
		}
		r.letter.Parts = append(r.letter.Parts, Part{Name: name, Type: kind, ContentID: id, Inline: inline, Body: data})
	}
}

// append joins the texts of a message that has several, as mailing lists make them.
func (r *reader) append(before, more string) string {
	if before != "" && more != "" {
		before = strings.TrimSuffix(before, "\n") + "\n\n"
	}
	if len(before)+len(more) > maxText {
		r.fault("The text is longer than 1 MB. The rest is only in the source.")
		return strings.ToValidUTF8((before + more)[:maxText], "")
	}
	return before + more
}

// mediaType is what a part says that it is.
func (r *reader) mediaType(head head) (string, map[string]string) {
	said := head.get("Content-Type")
	if said == "" {
		return "text/plain", nil // RFC 2045 section 5.2
	}
	kind, params, err := mime.ParseMediaType(said)
	if err == nil || kind != "" && params != nil {
		return kind, params
	}
	// Parameters that are broken leave the type, and often the boundary, readable.
	r.fault("A Content-Type cannot be read: " + oneLine(short(clean(said), 100)))
	kind, rest, _ := strings.Cut(said, ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); !token(strings.Replace(kind, "/", "", 1)) || !strings.Contains(kind, "/") {
		return "text/plain", nil
	}
	params = map[string]string{}
	if _, after, ok := strings.Cut(rest, "boundary="); ok {
		after, _, _ = strings.Cut(after, ";")
		params["boundary"] = strings.Trim(strings.TrimSpace(after), `"`)
	}
	return kind, params
}

// multipart reads the parts between the boundaries (RFC 2046 section 5.1.1).
func (r *reader) multipart(kind, boundary string, body []byte, depth int) {
	parts, closed := split(body, boundary)
	if !closed {
		r.fault("A multipart does not end with its closing boundary.")
	}
	if len(parts) == 0 {
		r.fault("A multipart has no parts.")
		r.letter.Text, r.letter.HasText = r.append(r.letter.Text, r.text(body, "")), true
		return
	}
	for _, part := range parts {
		if r.parts > maxParts {
			return
		}
		head, body := r.head(part)
		r.entity(head, body, depth+1, kind == "multipart/related")
	}
}

// split cuts a body at the lines that are its boundary; closed says whether the
// last one came.
func split(body []byte, boundary string) (parts [][]byte, closed bool) {
	mark, start := []byte("--"+boundary), -1
	for at := 0; at < len(body) && len(parts) <= maxParts; {
		end := len(body)
		if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		rest, ok := bytes.CutPrefix(body[at:end], mark)
		rest = bytes.TrimRight(rest, " \t\r\n")
		if last := string(rest) == "--"; ok && (len(rest) == 0 || last) {
			if start >= 0 {
				parts = append(parts, withoutBreak(body[start:at]))
			}
			if start = end; last {
				return parts, true
			}
		}
		at = end
	}
	if start >= 0 && start <= len(body) {
		parts = append(parts, body[start:])
	}
	return parts, false
}

// withoutBreak takes off the line break that belongs to the boundary after it.
func withoutBreak(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}
