// Package sentry reads what the SDKs of Sentry send: envelopes, events, who sent them,
// compressed or not (develop.sentry.dev/sdk/data-model/envelopes). It knows no database.
//
// What comes in is anybody's: everything is bounded before it is kept, and read leniently
// where SDKs differ, strictly where the form itself is broken.
package sentry

import "errors"

// Errors of what was sent, which its sender may know.
var (
	// ErrTooLarge is a body that is too large, or grows too much when it is unpacked.
	ErrTooLarge = errors.New("the body is too large")
	// ErrEncoding is a Content-Encoding that is not known here.
	ErrEncoding = errors.New("the content encoding is not known here")
	// ErrMalformed is a body that does not have the form.
	ErrMalformed = errors.New("the body is malformed")
)

// Limits of one request, in bytes.
const (
	MaxBody     = 20 << 20 // as it is sent
	MaxInflated = 50 << 20 // unpacked
	MaxRatio    = 100      // unpacked to sent
	MaxEvent    = 1 << 20  // of one item that is kept
	maxKept     = 4 << 20  // of all items that are kept, with their headers
	maxHeader   = 64 << 10 // of a line of headers
	maxItems    = 1000
)
