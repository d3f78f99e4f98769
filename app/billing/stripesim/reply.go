package stripesim

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// reply is an answer. That to a key is kept for a day and given again to who asks with
// the same one, errors too: this is what lets a program ask again after an answer was
// lost, and it is proven here that ours does (docs.stripe.com/api/idempotent_requests).
// They are in memory alone; after a restart a key counts as new.
type reply struct {
	asked  string
	status int
	body   []byte
	id     string
	at     time.Time
}

// once runs a call, or gives the answer that its key had before. The answer is made and
// kept under the lock that the call runs under, so that of two requests with one key
// the second never runs as well.
func (s *Sim) once(r *http.Request, c *call, asked string, e endpoint, stale bool) reply {
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost {
		key = "" // GET changes nothing, and DELETE cannot do twice what it does
	}
	var out reply
	err := s.change(r.Context(), func() error {
		before, known := s.replies[key]
		switch {
		case key == "" || !known || s.now().Sub(before.at) >= keepReply:
			out = s.answer(c, asked, e)
			s.keep(key, out)
		case before.asked != asked:
			out = told(asked, nil, &Error{Status: 400, Type: "idempotency_error", Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + key + "' if you meant to execute a different request."})
		default:
			out = before
		}
		return nil
	})
	if err != nil { // what was done is undone, and so is that it was answered
		s.o.Log.Error("the Stripe simulator could not save", "err", err)
		s.mu.Lock()
		delete(s.replies, key)
		s.mu.Unlock()
		return told(asked, nil, &Error{Status: 500, Type: "api_error", Message: "The simulator could not save."})
	}
	if stale {
		out.body = s.stale(asked, out.body)
	}
	return out
}

// answer runs a call. What failed leaves nothing, but for a payment that was tried: that
// stays written down, as at Stripe.
func (s *Sim) answer(c *call, asked string, e endpoint) reply {
	request := s.newID("req")
	seq := s.seq
	c.clockOf()
	defer func() { s.step = time.Time{} }()
	out, bad := e.run(c)
	if bad != nil && !bad.keep || c.dryRun {
		s.rollback(seq)
		clear(s.undo)
	}
	if bad == nil {
		out = s.show(out, c.f.texts("expand")...)
	}
	made := told(asked, out, bad)
	made.id, made.at = request, s.now()
	return made
}

// told is an answer as it is sent.
func told(asked string, out object, bad *Error) reply {
	status := http.StatusOK
	if bad != nil {
		status, out = bad.Status, bad.body()
	}
	body, err := json.Marshal(out)
	if err != nil {
		status, body = 500, []byte(`{"error":{"type":"api_error","message":"The simulator could not answer."}}`)
	}
	return reply{asked: asked, status: status, body: body}
}

// mostReplies bounds how many answers are kept before those that are too old are dropped.
const mostReplies = 5000

// keep keeps the answer to a key, and forgets those of yesterday once there are many.
func (s *Sim) keep(key string, made reply) {
	if key == "" {
		return
	}
	if len(s.replies) >= mostReplies {
		maps.DeleteFunc(s.replies, func(_ string, old reply) bool { return s.now().Sub(old.at) >= keepReply })
	}
	s.replies[key] = made
}
