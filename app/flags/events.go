package flags

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"seaworthy/app/web"
)

// A stream of events says something at least every pulse, so that a client that went
// away is noticed. One that takes nothing for a while is dropped.
const (
	eventPulse = 30 * time.Second
	eventWait  = 10 * time.Second
	// eventGap is how far apart changes are told: whoever hears of one asks for all flags.
	eventGap = 100 * time.Millisecond
	// eventUnsent is how much may wait for a client that reads nothing, in bytes.
	eventUnsent = 4 << 10
	// eventSpread is over how long listeners are sent for a new ticket, so that they do not come all at once.
	eventSpread = 10 * time.Minute
)

// refetch is OFREP's one event: flags changed, ask again (service/event-streams.yaml).
const refetch = `{"type":"refetchEvaluation"}`

// events tells a client that flags changed, as server-sent events. One that missed
// something, because it was away or before it came, is told at once.
func (s *System) events(w http.ResponseWriter, r *http.Request) error {
	t, ok := s.tickets.read(r.URL.Query().Get("token"), s.DB.Now())
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	leave, err := s.listeners.enter(s.holders(t, r)...)
	if err != nil {
		return err
	}
	defer leave()
	e := openEvents(w, r)
	id, changed := s.news.now()
	last := r.Header.Get("Last-Event-ID")
	if last == "" { // the first time: what the client has is of then
		last = r.URL.Query().Get("since")
	}
	if e.say("retry: 2000\nid: %s\n\n", id) && (last == "" || last == id || e.tell(id)) {
		s.follow(e, r, t.until, id, changed)
	}
	return nil
}

// follow tells of changes until the ticket, the client or the process ends.
func (s *System) follow(e events, r *http.Request, until time.Time, id string, changed <-chan struct{}) {
	pulse := time.NewTicker(eventPulse)
	defer pulse.Stop()
	// Before the ticket ends the client asks for all flags once more, and gets the next.
	left := until.Sub(s.DB.Now())
	renew, end := time.NewTimer(left-eventSpread+rand.N(eventSpread/2)), time.NewTimer(left)
	defer renew.Stop()
	defer end.Stop()
	var next <-chan struct{}
	var gap <-chan time.Time
	stop := web.OriginOf(r.Context()).Stop
	for ok := true; ok; {
		select {
		case <-changed:
			id, next = s.news.now()
			changed, gap = nil, time.After(eventGap)
			ok = e.tell(id)
		case <-gap: // what came within it is one change, and next is closed
			changed, gap = next, nil
		case <-renew.C:
			ok = e.tell(id)
		case <-pulse.C:
			ok = e.say(":\n\n")
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		case <-stop:
			return
		}
	}
}

// events is a stream that is open.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func openEvents(w http.ResponseWriter, r *http.Request) events {
	web.BoundUnsent(r.Context(), eventUnsent)
	return events{w, web.BeginStream(w, r)}
}

// say reports whether the client takes what it is sent.
func (e events) say(format string, args ...any) bool {
	e.control.SetWriteDeadline(time.Now().Add(eventWait))
	_, err := fmt.Fprintf(e.w, format, args...)
	return err == nil && e.control.Flush() == nil
}

func (e events) tell(id string) bool {
	return e.say("event: message\nid: %s\ndata: %s\n\n", id, refetch)
}
