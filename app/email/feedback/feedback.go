// Package feedback reads what mail providers tell of messages: it verifies who
// speaks, and turns Postmark's, Amazon SES's and SendGrid's words into one
// vocabulary (spec/email.md section 4). It knows no database.
package feedback

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what happened, in the words of email.EventKind.
type Kind string

// The kinds that providers tell of.
const (
	Accepted     Kind = "accepted"
	Deferred     Kind = "deferred"
	Delivered    Kind = "delivered"
	Bounced      Kind = "bounced"
	Complained   Kind = "complained"
	Unsubscribed Kind = "unsubscribed"
	Responded    Kind = "autoresponded"
	Suppressed   Kind = "suppressed" // the provider did not even try: it has a list of its own
	Failed       Kind = "failed"
)

// Effect is what an event means for further mail to the address.
type Effect int

// The effects. Only Dead says that the mailbox does not exist: what is blocked,
// full or on the provider's own list may work tomorrow.
const (
	None Effect = iota
	Dead
	Complaint
	OptOut
)

// Event is something that a provider says happened to a message for one recipient.
type Event struct {
	Kind       Kind
	Effect     Effect
	Provider   string
	ProviderID string         // the provider's id of the message
	MessageID  string         // RFC 5322, with angle brackets; "" if not told
	Ours       string         // what we sent along as seaworthy_id; "" if not told
	Dedupe     string         // the same for each telling of the same event
	Recipient  string         // normalised
	Details    map[string]any // type, subtype, status, reason: what there is of them
	At         time.Time
	Raw        []byte // this event as the provider sent it
}

// What is wrong with a request. Unauthorized is told as 401, never 403: Postmark
// stops for good at a 403.
var (
	ErrUnauthorized = errors.New("feedback: not signed as it should be")
	ErrForeign      = errors.New("feedback: another sender's topic")
	ErrMalformed    = errors.New("feedback: not what this provider sends")
)

// The bounds of what is kept of foreign text, in bytes.
const (
	maxID     = 255
	maxReason = 1000
	maxRaw    = 32 << 10
)

// Normal is an address as it is compared: lower case, without its name and blanks.
// What has no @ is "".
func Normal(address string) string {
	address = strings.TrimSpace(address)
	if i := strings.LastIndexByte(address, '<'); i >= 0 && strings.HasSuffix(address, ">") {
		address = address[i+1 : len(address)-1]
	}
	if len(address) > 320 || strings.Count(address, "@") == 0 || strings.ContainsAny(address, " \t\r\n\x00") || !utf8.ValidString(address) {
		return ""
	}
	return strings.ToLower(address)
}

// clip bounds foreign text and takes control characters out of it.
func clip(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t' || c == '\r':
			return ' '
		case c < ' ' || c == 0x7f || c == utf8.RuneError:
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, ""))
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// facts are the details of an event: pairs of name and value, those that are not
// empty.
func facts(pairs ...string) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := clip(pairs[i+1], maxReason); v != "" {
			m[pairs[i]] = v
		}
	}
	return m
}

// keyOf is the key of an event without one of its own: a hash of what makes it
// this one.
func keyOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// kept is the raw event, if it is of a size that is worth keeping.
func kept(raw []byte) []byte {
	if len(raw) > maxRaw {
		return nil
	}
	return raw
}

// when reads the time forms of the three; zero if it is none, and then the time of
// arrival counts.
func when(s string) time.Time {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999Z0700"} {
		if t, err := time.Parse(form, s); err == nil && t.Year() > 2000 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}
