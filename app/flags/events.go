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
	o := web.OriginOf(r.Context())
	o.Streams = true
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold it back
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{}) // that of the request would end the stream
	say := func(format string, args ...any) bool {
		control.SetWriteDeadline(time.Now().Add(eventWait))
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && control.Flush() == nil
	}
	id, changed := s.news.now()
	ok = say("retry: 2000\nid: %s\n\n", id)
	last := r.Header.Get("Last-Event-ID")
	if last == "" { // the first time: what the client has is of then
		last = r.URL.Query().Get("since")
	}
	if ok && last != "" && last != id {
		ok = say("event: message\nid: %s\ndata: %s\n\n", id, refetch)
	}
	pulse := time.NewTicker(eventPulse)
	defer pulse.Stop()
	// Before the ticket ends the client asks for all flags once more, and gets the next.
	renew := time.NewTimer(t.until.Sub(s.DB.Now()) - eventSpread + rand.N(eventSpread/2))
	defer renew.Stop()
	end := time.NewTimer(t.until.Sub(s.DB.Now()))
	defer end.Stop()
	for ok {
		select {
		case <-changed:
			id, changed = s.news.now()
			ok = say("event: message\nid: %s\ndata: %s\n\n", id, refetch)
		case <-renew.C:
			ok = say("event: message\nid: %s\ndata: %s\n\n", id, refetch)
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
