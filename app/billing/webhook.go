package billing

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// maxHook is the most that Stripe sends in one request, in bytes.
const maxHook = 1 << 20

// hookRead is how long a body may take to arrive.
const hookRead = 10 * time.Second

func (s *System) webhookRoutes() []web.Route {
	return []web.Route{{Method: "POST", Pattern: "/-/webhooks/stripe", Access: web.Public, Anywhere: true, Body: maxHook, Handler: s.hook,
		Exempt: "an event is only a hint; the job that fetches what it hints at records what changed"}}
}

// hook takes an event: it is verified, then stored with the job that looks at what
// it is about, in one transaction; 200 is said only after the commit.
func (s *System) hook(w http.ResponseWriter, r *http.Request) error {
	body, err := s.hookBody(w, r)
	if err != nil {
		return s.refuseHook(r, err)
	}
	label, err := verify(s.secrets(), body, r.Header.Get("Stripe-Signature"), s.DB.Now())
	if err != nil {
		return s.refuseHook(r, err)
	}
	e, err := readEnvelope(body)
	if err != nil {
		return s.refuseHook(r, err)
	}
	s.counts.add("secret", label)
	outcome, err := s.take(r.Context(), &e)
	if err != nil {
		return s.refuseHook(r, err)
	}
	s.counts.add("taken", outcome)
	return web.JSON(w, http.StatusOK, map[string]string{"event": outcome})
}

// hookBody is all of the body, within its size and its time.
func (s *System) hookBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "" { // a small body could hold a large one
		return nil, web.BadRequest("encoded", "Send the body as it is, without Content-Encoding.")
	}
	if len(s.secrets()) == 0 {
		return nil, web.ErrNotFound
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(s.hookRead)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, &web.Error{Status: http.StatusRequestTimeout, Code: "too_slow", Public: "The body took too long.", Err: err}
	case err != nil:
		return nil, &web.Error{Status: http.StatusBadRequest, Code: "incomplete_body", Public: "The body ended early.", Err: err}
	}
	control.SetReadDeadline(time.Time{})
	return body, nil
}

// take stores an event and its job. What is none of our business is counted alone.
func (s *System) take(ctx context.Context, e *envelope) (outcome string, err error) {
	switch {
	case e.Account != "":
		return "of another account", nil
	case e.Live != s.live():
		s.Log.WarnContext(ctx, "an event of Stripe's other mode came: the endpoint is set up there too", "event", e.ID, "live", e.Live)
		return "of the other mode", s.DB.Write(ctx, func(tx *store.Tx) error {
			return raise(tx, alarm{Kind: alarmMode, About: "Events of " + modeWord(e.Live) + " come to this installation, which works with " + modeWord(s.live()) + ". They are left alone."})
		})
	}
	what := e.subject()
	if what == nothing {
		return "of no use", nil
	}
	row := eventRow{id: e.ID, typ: e.Type, objectType: e.Contents.Object.Object, object: e.about(), customer: e.customer(), version: e.Version, source: "webhook", created: e.createdAt()}
	fresh, err := store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) { return s.store(tx, row, what) })
	if err == nil && !fresh {
		return "known", nil
	}
	return "taken", err
}

// store adds an event that is not known yet, with its job.
func (s *System) store(tx *store.Tx, row eventRow, what subject) (fresh bool, err error) {
	row.received = tx.Now()
	fresh, err = insertEvent(tx, row)
	if err != nil || !fresh {
		return fresh, err
	}
	if row.version != "" && row.version != stripe.APIVersion {
		if err := raise(tx, alarm{Kind: alarmVersion, About: "Stripe sends events of version " + row.version + " of its API instead of " + stripe.APIVersion +
			". They still work. Make the endpoint anew, or let it be made here, so that it is pinned."}); err != nil {
			return false, err
		}
	}
	how := []queue.Option{queue.Key(lockOf(row, what), 1)}
	if what == aCustomer && row.customer != "" {
		// A job that has yet to begin fetches all that this event can tell of. One that
		// runs may have asked before it came, and one that waits for its next try would
		// keep it waiting: beside those there is a new one.
		how = append(how, queue.Unique(row.customer, 0), queue.UniqueAmong(queue.Available, queue.Blocked))
	}
	_, err = queue.Enqueue(tx, Look{Event: row.id}, how...)
	return true, err
}

// lockOf is the key under which jobs of one customer wait for each other.
func lockOf(row eventRow, what subject) string {
	if row.customer != "" && what != aPrice {
		return "billing:" + row.customer
	}
	return "billing:" + row.object
}

// refuseHook says why an event was not taken, to the figures and by the status:
// what Stripe is to send again is a 503.
func (s *System) refuseHook(r *http.Request, err error) error {
	e := web.AsError(err)
	if e.Status >= 500 || e.Status == 499 {
		e = &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: 5 * time.Second, Err: err,
			Public: "The event was not stored. Send it again."}
	}
	s.counts.add("refused", e.Code)
	s.Log.WarnContext(r.Context(), "an event from Stripe was refused", "status", e.Status, "code", e.Code, "err", err)
	return e
}

func modeWord(live bool) string {
	if live {
		return "live mode"
	}
	return "test mode"
}
