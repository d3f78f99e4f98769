package ops

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"seaworthy/app/launch"
)

// lookedClock is what the check of the clock compares with.
const lookedClock = "clocks of services that are called"

// Timepiece compares this machine's clock with those of services that are called anyway,
// by the Date of their answers (RFC 9110 section 6.6.1).
type Timepiece struct {
	seen atomic.Pointer[reading]
}

// reading is a comparison: how far ours is ahead, as of when.
type reading struct {
	ahead time.Duration
	at    time.Time
}

// Through returns next, whose answers are looked at; http.DefaultTransport for nil.
func (t *Timepiece) Through(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return timed{t, next}
}

type timed struct {
	piece *Timepiece
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	answer, err := t.next.RoundTrip(r)
	if err == nil {
		t.piece.note(answer.Header.Get("Date"), began, time.Now())
	}
	return answer, err
}

// slowest is how long an answer may take to say anything about clocks.
const slowest = 5 * time.Second

func (t *Timepiece) note(date string, began, ended time.Time) {
	theirs, err := http.ParseTime(date)
	if err != nil || ended.Sub(began) > slowest {
		return
	}
	// A Date has whole seconds, cut off: on average half of one is missing.
	middle := began.Add(ended.Sub(began) / 2)
	t.seen.Store(&reading{ahead: middle.Sub(theirs.Add(500 * time.Millisecond)), at: ended})
}

const (
	slightSkew = 3 * time.Second
	worstSkew  = 20 * time.Second // codes of second factors count for 30 s
	readingFor = 24 * time.Hour
)

// Finding is what the last comparison says; ok is false without one of the last day.
func (t *Timepiece) Finding(now time.Time) (f launch.Finding, ok bool) {
	r := t.seen.Load()
	if r == nil || now.Sub(r.at) > readingFor {
		return f, false
	}
	f = launch.Finding{Key: keyClock, State: launch.Done, Detail: "It agrees with those of services that were called.", About: lookedClock}
	off, word := r.ahead.Abs().Round(time.Second), "ahead"
	if r.ahead < 0 {
		word = "behind"
	}
	switch {
	case off > worstSkew:
		f.State, f.Detail = launch.Todo, fmt.Sprintf("It is %s %s of that of a service that was called.", off, word)
	case off > slightSkew:
		f.State, f.Detail = launch.Warn, fmt.Sprintf("It is %s %s of that of a service that was called.", off, word)
	}
	return f, true
}
