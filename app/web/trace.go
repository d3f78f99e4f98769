package web

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// traceOf reads to which trace a request belongs and which span made it, from
// traceparent (W3C Trace Context, section 3.2), else sentry-trace. What is malformed
// counts as absent; a request without begins a trace of its own.
func traceOf(h http.Header) (trace, parent string) {
	if values := h["Traceparent"]; len(values) == 1 {
		if trace, parent, ok := parseTraceparent(values[0]); ok {
			return trace, parent
		}
	}
	if trace, rest, _ := strings.Cut(h.Get("Sentry-Trace"), "-"); isHex(trace, 32) {
		if parent, _, _ = strings.Cut(rest, "-"); isHex(parent, 16) {
			return trace, parent
		}
	}
	return NewTrace(), ""
}

// parseTraceparent reads "version-trace-parent-flags". A later version may add fields.
func parseTraceparent(s string) (trace, parent string, ok bool) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return "", "", false
	}
	version, trace, parent := s[:2], s[3:35], s[36:52]
	if !hexDigits(version) || version == "ff" || version == "00" && len(s) != 55 || len(s) > 55 && s[55] != '-' || !hexDigits(s[53:55]) {
		return "", "", false
	}
	return trace, parent, isHex(trace, 32) && isHex(parent, 16)
}

// isHex reports whether s is an id of n lower case hexadecimal digits, not all zero.
func isHex(s string, n int) bool {
	return len(s) == n && hexDigits(s) && strings.Trim(s, "0") != ""
}

func hexDigits(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// NewTrace makes the id of a trace. It is no secret.
func NewTrace() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64()|1)
	return hex.EncodeToString(b[:])
}

// TraceFor is the trace of something that belongs to no other, the same each time, such as
// the attempts of a job.
func TraceFor(id string) string {
	sum := sha256.Sum256([]byte("trace:" + id))
	return hex.EncodeToString(sum[:16])
}

// NewSpan makes the id of a span.
func NewSpan() string {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], rand.Uint64()|1)
	return hex.EncodeToString(b[:])
}

// Traceparent is the header that says so to who is called (W3C Trace Context, section 3.2).
func Traceparent(trace, span string) string { return "00-" + trace + "-" + span + "-01" }
