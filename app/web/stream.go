package web

import (
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"
)

// eventStream is the media type of server-sent events.
const eventStream = "text/event-stream"

// maxStreams bounds how many pages listen to a Server at once: each holds a connection.
const maxStreams = 100

var errTooManyStreams = &Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: time.Minute, Public: "Too many pages are live at once. Reload to see what is new."}

// A stream says something at least every streamPulse, so that a client that went
// away is noticed, and ends after streamLife: the browser asks again and shows once more
// who it is.
const (
	streamPulse = 15 * time.Second
	streamLife  = 5 * time.Minute
)

// BeginStream has an answer go on as server-sent events, each of which is on its way once
// it is flushed, whatever the client accepts.
func BeginStream(w http.ResponseWriter, r *http.Request) *http.ResponseController {
	OriginOf(r.Context()).Streams = true
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")           // nginx would hold it back
	if r.Header.Get("Accept") != eventStream { // else compression is not in between
		h.Set(gzhttp.HeaderNoCompression, "1") // which it takes away itself
	}
	return http.NewResponseController(w)
}

// Stream tells a page that what it shows has changed, as server-sent events (WHATWG
// HTML section 9.2) named "change" without data, one a second at most. It ends
// when the client goes, the process stops, or after a few minutes.
func Stream(w http.ResponseWriter, r *http.Request, changed <-chan struct{}) error {
	return StreamEvery(w, r, changed, time.Second)
}

// StreamEvery is Stream with one event at most in each pace, for pages that cost more, or whose
// figures change with every commit.
func StreamEvery(w http.ResponseWriter, r *http.Request, changed <-chan struct{}, pace time.Duration) error {
	o := OriginOf(r.Context())
	if o.seats != nil {
		select {
		case o.seats <- struct{}{}:
			defer func() { <-o.seats }()
		default:
			return errTooManyStreams
		}
	}
	control := BeginStream(w, r)
	say := func(text string) bool {
		control.SetWriteDeadline(time.Now().Add(2 * streamPulse))
		_, err := io.WriteString(w, text)
		return err == nil && control.Flush() == nil
	}
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	for ok := say("retry: 3000\n\n"); ok; {
		select {
		case <-changed:
			ok = say("event: change\ndata:\n\n")
			select { // what comes within the pace is one change
			case <-time.After(pace):
			case <-r.Context().Done():
				return nil
			case <-o.Stop:
				return nil
			}
		case <-pulse.C:
			ok = say(":\n\n")
		case <-end.C:
			return nil
		case <-r.Context().Done():
			return nil
		case <-o.Stop:
			return nil
		}
	}
	return nil
}
