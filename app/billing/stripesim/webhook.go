package stripesim

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"
)

// pauses are those between the attempts of a webhook: three days in all, ever longer, as
// Stripe does in live mode (docs.stripe.com/webhooks#retries; the steps are not told).
func pauses() []time.Duration {
	return []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 25 * time.Hour}
}

// nextDelivery is the webhook that is due first.
func (s *Sim) nextDelivery() object {
	var first object
	for _, d := range s.objects {
		if d.str("object") == "_delivery" && d.str("state") == "waiting" && (first == nil || d.num("due") < first.num("due")) {
			first = d
		}
	}
	return first
}

// deliver sends what is due at an instant, in the order in which it happened or, by a
// fault, in another.
func (s *Sim) deliver(ctx context.Context, at time.Time) error {
	s.mu.Lock()
	var due []object
	for _, d := range s.objects {
		if d.str("object") == "_delivery" && d.str("state") == "waiting" && d.num("due") <= at.Unix() {
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(a, b object) int { return cmp.Compare(a.num("_seq"), b.num("_seq")) })
	f := s.faults
	s.mu.Unlock()
	if f.Reorder > 1 {
		for chunk := range slices.Chunk(due, f.Reorder) {
			slices.Reverse(chunk)
		}
	}
	for _, d := range due {
		if err := s.sendOne(ctx, d.str("id"), at); err != nil {
			return err
		}
	}
	return nil
}

// sendOne sends one webhook. The lock is given back while the other side answers, because
// it may ask something of the API before it does.
func (s *Sim) sendOne(ctx context.Context, id string, at time.Time) error {
	s.mu.Lock()
	d, f := s.objects[id], s.faults
	if d == nil {
		s.mu.Unlock()
		return nil
	}
	to, e := s.objects[d.str("endpoint")], s.objects[d.str("event")]
	drop := f.Drop > 0
	if drop {
		s.faults.Drop--
	}
	var body []byte
	var header http.Header
	var err error
	if to != nil && e != nil {
		body, header, err = s.letter(e, to, f)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	status, failure := 0, error(nil)
	for range 1 + map[bool]int{true: 1}[f.Duplicate] {
		if to == nil || e == nil || drop || s.o.Deliver == nil {
			break
		}
		status, failure = s.o.Deliver(ctx, to.str("url"), header, body)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.change(ctx, func() error {
		if d := s.edit(id); d != nil {
			s.record(d, at, status, failure, drop || to == nil)
		}
		return nil
	})
}

// record notes what became of an attempt. Anything but 2xx is a no, redirects too, and is
// tried again until the pauses are used up.
func (s *Sim) record(d object, at time.Time, status int, failure error, lost bool) {
	n := int(d.num("attempts"))
	d["attempts"], d["status"], d["error"] = int64(n+1), int64(status), nil
	if failure != nil {
		d["error"] = failure.Error()
	}
	switch {
	case lost:
		d["state"] = "dropped"
	case failure == nil && status >= 200 && status < 300:
		d["state"] = "delivered"
		if e := s.edit(d.str("event")); e != nil {
			e["pending_webhooks"] = max(0, e.num("pending_webhooks")-1)
		}
	case n < len(pauses()):
		d["due"] = at.Add(pauses()[n]).Unix()
	default:
		d["state"] = "failed"
	}
}

// Redeliver sends an event again, as the button of the dashboard does.
func (s *Sim) Redeliver(ctx context.Context, event string) error {
	return s.change(ctx, func() error {
		for _, d := range s.all("_delivery") {
			if d.str("event") == event {
				d = s.edit(d.str("id"))
				d["state"], d["due"], d["attempts"] = "waiting", s.now().Unix(), int64(0)
			}
		}
		return nil
	})
}
