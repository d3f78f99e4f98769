package post

import (
	"fmt"
	"slices"
	"strings"
)

// fields are the headers that the other fields of a Message make.
var fields = []string{"From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "Date", "Message-Id", "Mime-Version",
	"Content-Type", "Content-Transfer-Encoding", "Dkim-Signature", "Received", "Return-Path"}

// check finds what no provider should be asked to do. A line break in a header is refused here too, whatever was checked
// before: the providers write the header, and how they take one is theirs to know.
func (m Message) check(limit int64) error {
	refuse := func(format string, args ...any) error {
		return &Error{Class: Refused, Reason: fmt.Sprintf(format, args...)}
	}
	for _, f := range [][2]string{{"subject", m.Subject}, {"tag", m.Tag}, {"message id", m.MessageID}, {"id", m.ID}, {"stream", m.Stream}} {
		if strings.ContainsAny(f[1], "\r\n\x00") {
			return refuse("%s: it must be one line", f[0])
		}
	}
	for _, h := range m.Headers {
		switch {
		case h.Name == "" || strings.ContainsFunc(h.Name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }):
			return refuse("headers: %q cannot be a header's name", h.Name)
		case strings.ContainsAny(h.Value, "\r\n\x00"):
			return refuse("headers: %s must be one line", h.Name)
		case slices.ContainsFunc(fields, func(f string) bool { return strings.EqualFold(f, h.Name) }):
			return refuse("headers: %s is made from the message's other fields", h.Name)
		}
	}
	for _, a := range m.Attachments {
		if strings.ContainsAny(a.Name+a.Type+a.ContentID, "\r\n\x00") {
			return refuse("attachments: names, types and content ids must be one line")
		}
		if len(a.Name) > 255 || len(a.Type) > 255 || len(a.ContentID) > 255 { // each goes into one line of the head
			return refuse("attachments: names, types and content ids must have at most 255 bytes")
		}
	}
	if size := m.size(); size > limit {
		return refuse("the message has %.1f MB; the provider takes %.1f", float64(size)/1e6, float64(limit)/1e6)
	}
	return nil
}

// size is the bytes of the whole message, or a little less than they are going to be.
func (m Message) size() int64 {
	if len(m.Raw) > 0 {
		return int64(len(m.Raw))
	}
	size := len(m.HTML) + len(m.Text)
	for _, a := range m.Attachments {
		size += (len(a.Data) + 2) / 3 * 4
	}
	return int64(size)
}

// idKey is the name under which our id goes along with a message and comes back with its events.
const idKey = "seaworthy_id"

// cut is at most n bytes of s, in whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
