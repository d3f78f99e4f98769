package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"seaworthy/store"
)

// Error is a failure with what the client may know of it. Public is shown; Err
// is for the log alone.
type Error struct {
	Status     int
	Code       string // stable, for programs: "email_taken"
	Public     string // a sentence for people
	Fields     []Field
	RetryAfter time.Duration // sent as Retry-After when not 0
	Challenge  string        // of a 401 or 403, sent as WWW-Authenticate
	Lacks      string        // permission that was missing, of a 403
	Org        string        // where it was missing; "" for the whole instance
	Instead    string        // page that people are led to instead, with ?next= to come back; "" for none
	Link       string        // where something can be done about it, with LinkText; "" for nowhere
	LinkText   string
	Err        error
}

// Field is what is wrong with one field of the input.
type Field struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Public)
	}
	return fmt.Sprintf("%d %s: %v", e.Status, e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Expected implements trail.Expected: what the client is to blame for, or sent away with on
// purpose, is an answer and no fault.
func (e *Error) Expected() bool {
	return e.Status < 500 || e.Err == nil && e.Status != http.StatusInternalServerError
}

// The errors that need no words of their own.
var (
	ErrNotFound  = &Error{Status: http.StatusNotFound, Code: "not_found", Public: "There is nothing at this address."}
	ErrSignedOut = &Error{Status: http.StatusUnauthorized, Code: "signed_out", Public: "Sign in first.", Instead: "/-/login"}
	// ErrStale is the step-up challenge of RFC 9470: a sign-in that is older than
	// Freshness, or weaker than its user can make it.
	ErrStale = &Error{Status: http.StatusUnauthorized, Code: "confirm_first", Instead: "/-/confirm",
		Challenge: fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description="Confirm who you are first", max_age="%d"`, int(Freshness.Seconds())),
		Public:    "Confirm who you are first: this can do harm, and it is a while since you did."}
)

// clientGone is the status, of nginx's making, of a request that its client gave up.
const clientGone = 499

// Freshness is for how long somebody who has proved who he is may do what is dangerous.
const Freshness = 15 * time.Minute

// Forbidden says which permission is missing.
func Forbidden(permission string) *Error {
	return &Error{Status: http.StatusForbidden, Code: "forbidden", Lacks: permission,
		Public: "This needs the permission " + permission + ". Somebody who manages roles can give it to you."}
}

// Invalid is the 422 for input that was understood and refused.
func Invalid(fields ...Field) *Error {
	public := "Some fields need another look."
	if len(fields) == 1 {
		public = "One field needs another look."
	}
	return &Error{Status: http.StatusUnprocessableEntity, Code: "invalid", Public: public, Fields: fields}
}

// BadRequest is the 400 for input that could not be understood.
func BadRequest(code, public string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Public: public}
}

// TooMany is the 429.
func TooMany(retry time.Duration) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: "too_many_requests", RetryAfter: retry,
		Public: "Too many attempts. Try again in " + wait(retry) + "."}
}

func wait(d time.Duration) string {
	n, unit := max(wholeSeconds(d), 1), "second"
	if n >= 60 {
		n, unit = (n+59)/60, "minute"
	}
	if n > 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// wholeSeconds rounds up, so that nobody comes too early.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// AsError gives any error its status and public words. What is not known is a
// 500 that says nothing.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Err: err,
			Public: fmt.Sprintf("The request is larger than the %d bytes taken here.", tooLarge.Limit)}
	case store.Uncertain(err):
		return &Error{Status: http.StatusServiceUnavailable, Code: "outcome_unknown", RetryAfter: 5 * time.Second, Err: err,
			Public: "The server's disk failed, and it is not certain whether this was saved. Look before you try again."}
	case errors.Is(err, store.ErrNotFound):
		return &Error{Status: ErrNotFound.Status, Code: ErrNotFound.Code, Public: ErrNotFound.Public, Err: err}
	case errors.Is(err, store.ErrConflict):
		return &Error{Status: http.StatusConflict, Code: "conflict", Public: "That is already taken, or somebody changed it meanwhile.", Err: err}
	case errors.Is(err, store.ErrFull):
		return &Error{Status: http.StatusInsufficientStorage, Code: "storage_full", RetryAfter: 30 * time.Second, Err: err,
			Public: "Nothing was saved: the server's disk is full. Its operator has to make room."}
	case errors.Is(err, errUnsent), errors.Is(err, context.Canceled):
		return &Error{Status: clientGone, Code: "gone", Public: "The request was given up.", Err: err}
	case store.Retryable(err):
		return &Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: time.Second, Err: err,
			Public: "Nothing was saved: the server cannot write at the moment. Try again shortly."}
	}
	return &Error{Status: http.StatusInternalServerError, Code: "internal", Err: err,
		Public: "Something went wrong on our side, and nothing was changed."}
}

// FieldMessage is the message for one field, for pages that show the form again.
func (e *Error) FieldMessage(field string) string {
	for _, f := range e.Fields {
		if f.Field == field {
			return f.Message
		}
	}
	return ""
}
