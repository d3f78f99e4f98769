// Package post hands mail to those who deliver it: Postmark, Amazon SES and SendGrid over plain HTTP. It knows the wire and
// no database: what was sent, when to try again and through whom else is the business of the package above it.
//
// An answer means the same whoever gave it: nil is an accepted message, *Error says what to do about one that was not, and
// any other error is a temporary failure. Signer adds the DKIM signature of the mail that leaves by SMTP.
package post

import (
	"context"
	"time"
)

// Message is one mail to one or several recipients.
type Message struct {
	ID                string // of email_message: goes along with the mail, so that an event that comes back names it
	Stream            string // Transactional or Broadcast; "" is taken as Transactional
	From, To, ReplyTo string // RFC 5322 addresses, with or without a display name; To may be a list
	Subject           string
	HTML, Text        string
	Headers           []Header // beyond those that the other fields make, such as List-Unsubscribe
	Tag               string   // for the provider's own statistics; "" means none
	MessageID         string   // RFC 5322 Message-ID, with its angle brackets
	Raw               []byte   // the whole message, signed where we sign
	Attachments       []Attachment
}

// The streams of mail: what somebody waits for, and what goes to many. A provider may keep them apart, so that complaints about
// the second do not delay the first.
const (
	Transactional = "transactional"
	Broadcast     = "broadcast"
)

// Header is one header line. Neither half holds a line break.
type Header struct{ Name, Value string }

// Attachment is a file that goes along. One with a ContentID is shown where the HTML says cid:ContentID.
type Attachment struct {
	Name, Type, ContentID string
	Data                  []byte
}

// Receipt is what a provider answered to a message it accepted.
type Receipt struct {
	ProviderID string // the provider's own name for the message; "" where it gave none
	MessageID  string // the Message-ID the recipient will see, with its angle brackets
}

// Provider accepts mail for delivery. It is safe for concurrent use and does not retry: it says what came of one attempt.
type Provider interface {
	// Name is the provider's in configuration and in the database, such as "postmark".
	Name() string
	// Limit is the most bytes of a whole message that it takes.
	Limit() int64
	// Send hands m over. See Error for what may come back.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Class says what may be done about a message that was not accepted.
type Class string

// The classes of failure.
const (
	Refused      Class = "refused"      // the message itself is refused, now and later
	Suppressed   Class = "suppressed"   // the provider sends nothing to this recipient any more
	Limited      Class = "limited"      // too many at once: the provider rests, the message waits
	Quota        Class = "quota"        // the day's or month's allowance is used up
	Unauthorised Class = "unauthorised" // our key is refused: nothing gets through until a person mends it
	Temporary    Class = "temporary"    // the same may succeed later
	Unknown      Class = "unknown"      // the request went out whole and no answer came: it may have been accepted
)

// Error is a message that was not accepted, or of which nobody knows.
type Error struct {
	Class      Class
	Reason     string        // for people: what the provider said, bounded, in one line, without secrets
	Status     int           // of HTTP or SMTP; 0: there was no answer
	RetryAfter time.Duration // of Limited and Quota; 0: not said
	Err        error         // what lies beneath; may be nil
}

// Error says what came of it, in one line.
func (e *Error) Error() string {
	text := string(e.Class)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what lies beneath.
func (e *Error) Unwrap() error { return e.Err }
