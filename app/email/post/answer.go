package post

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxReason = 300            // bytes of what a provider said that are kept
	maxID     = 200            // bytes of a provider's id
	maxWait   = 24 * time.Hour // longest rest that a provider can ask for
)

// line makes one bounded line of a text from outside, without our secrets.
func (a *api) line(text string) string {
	for _, s := range a.secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	text = strings.ToValidUTF8(text, "?")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// fail is what came of an answer that is no acceptance.
func (a *api) fail(class Class, got answer, said string) *Error {
	if said == "" {
		said = http.StatusText(got.status)
	}
	e := &Error{Class: class, Reason: a.line(said), Status: got.status}
	if class == Limited || class == Quota {
		e.RetryAfter = retryAfter(got.header, a.now())
	}
	return e
}

// byStatus sorts an answer by its HTTP status alone.
func byStatus(status int) Class {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Unauthorised
	case status == http.StatusTooManyRequests:
		return Limited
	case status == http.StatusGatewayTimeout:
		return Unknown // whoever answers had handed the request on
	case status == http.StatusRequestTimeout, status >= 500, status >= 300 && status < 400,
		status == http.StatusNotFound, status == http.StatusMethodNotAllowed: // something else answers at the address
		return Temporary
	case status >= 400:
		return Refused
	}
	return Unknown // success that we cannot read
}

// unread is an answer that says success and nothing else that we understand.
func (a *api) unread(got answer) *Error {
	return a.fail(Unknown, got, fmt.Sprintf("the answer cannot be read: the provider may have accepted the message: %.100q", got.body))
}

// retryAfter is how long a provider wants to rest, by Retry-After (RFC 9110 section 10.2.3), which is seconds or a date, or by
// X-RateLimit-Reset, which is a Unix time at SendGrid; 0 if it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	wait := time.Duration(0)
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if at, err := http.ParseTime(v); err == nil {
			wait = at.Sub(now)
		} else if n, err := strconv.ParseUint(v, 10, 31); err == nil {
			wait = time.Duration(n) * time.Second
		}
	} else if n, err := strconv.ParseUint(h.Get("X-RateLimit-Reset"), 10, 40); err == nil {
		wait = time.Unix(int64(n), 0).Sub(now)
	}
	return min(max(wait, 0), maxWait)
}

// decode reads a JSON object. Providers add fields, so that unknown ones are no fault.
func decode(body []byte, into any) bool { return json.Unmarshal(body, into) == nil }

// cleanID is an id from outside that can be stored and compared, or "".
func cleanID(id string) string {
	if len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return id
}
