// Package stripesim is an offline Stripe: enough of the API of version 2023-10-16
// (https://docs.stripe.com/api?api-version=2023-10-16) to sell subscriptions, with a
// clock that a person moves, signed webhooks and faults to switch on. No money moves,
// and what it answers depends on its seed and on what was asked alone.
//
// It imitates what a program that sells can notice, down to the order of events and to
// what is left after a refusal, because that is where such programs go wrong: an invoice
// that is a draft for an hour, a change that waits for its payment, an answer that is
// lost. What it does not imitate it refuses, instead of answering with something made
// up: taxes, Connect, sources other than cards, prices in tiers or by use.
//
// A request comes in by api.go, is one of catalogue.go, and changes objects (object.go),
// which are the API's own JSON. What time brings is in due.go, and what is done then in
// renewal.go and phase.go. What became of an object is told by event.go and sent by
// webhook.go, with what fault.go makes of it. page.go is what people see of it.
//
// It is held to Stripe's own description of its API by the module conform beside it.
package stripesim

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Version is the one API version that is spoken.
const Version = "2023-10-16"

// Options say how a simulator is made.
type Options struct {
	Dir       string           // folder of its file; "": nothing is kept
	Clock     func() time.Time // time.Now if nil
	Log       *slog.Logger     // nothing is logged if nil
	Deliver   Deliver          // nil: no webhook leaves
	Seed      uint64           // of ids
	PublicURL string           // its pages are at <PublicURL>/-/dev/stripe
}

// Deliver posts a webhook and says what was answered.
type Deliver func(ctx context.Context, url string, header http.Header, body []byte) (status int, err error)

// Sim is the simulator. All its methods may be called at the same time.
type Sim struct {
	Pages *web.Pages // set before its routes are served
	Life  Life       // of the program that sells; set before its clock is moved

	o     Options
	api   http.Handler
	db    *store.DB  // nil: in memory alone
	turns sync.Mutex // held by who moves the clock or delivers, so that steps come in order
	wake  chan struct{}

	mu      sync.Mutex // guards all below
	objects map[string]object
	seq     int64             // of the last object made
	offset  time.Duration     // of the virtual clock
	step    time.Time         // the instant that is being worked on; zero: now
	undo    map[string]object // what the running change touched, as it was; nil: new
	moved   bool              // the clock was moved and that is not saved yet
	faults  Faults
	replies map[string]reply // by idempotency key
}

// Life is what goes on beside it while its clock is moved, so that a month passes in a moment
// as it would in a month: each thing at its time, and done before the next.
type Life struct {
	// Due is when something is due next in the program, by the clock here; zero for nothing.
	Due func(ctx context.Context) (time.Time, error)
	// Settled returns when the program has done what it has to do by now.
	Settled func(ctx context.Context) error
}

// New makes a simulator, with what its folder holds.
func New(o Options) (*Sim, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s := &Sim{o: o, wake: make(chan struct{}, 1)}
	s.clear()
	s.api = s.newAPI()
	if o.Dir == "" {
		return s, nil
	}
	if err := s.open(context.Background()); err != nil {
		return nil, fmt.Errorf("open the Stripe simulator: %w", err)
	}
	return s, nil
}

// Close closes its file. Run must have ended.
func (s *Sim) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

func (s *Sim) clear() {
	s.objects, s.replies, s.undo = map[string]object{}, map[string]reply{}, map[string]object{}
	s.seq, s.offset, s.faults = 0, 0, Faults{}
}

// Reset forgets everything but the webhook endpoints, without which nobody would
// hear of what comes next.
func (s *Sim) Reset(ctx context.Context) error {
	s.turns.Lock()
	defer s.turns.Unlock()
	return s.change(ctx, func() error {
		for id, o := range s.objects {
			if o.str("object") != "webhook_endpoint" {
				s.remove(id)
			}
		}
		s.offset, s.moved, s.faults, s.replies = 0, true, Faults{}, map[string]reply{}
		return nil
	})
}

// Now is the virtual time.
func (s *Sim) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now is the instant that is being worked on, else the virtual time, in whole seconds as
// Stripe has it: two things within one second are not told apart by their times.
func (s *Sim) now() time.Time {
	if !s.step.IsZero() {
		return s.step
	}
	return s.o.Clock().Add(s.offset).Truncate(time.Second)
}

// change runs fn; all that it did is kept, or nothing when it fails: a payment that is
// refused halfway must not leave half a subscription. Objects are changed in place, by
// edit, and were remembered before; that is cheaper than a copy of all of them, and a
// preview is the same thing undone.
func (s *Sim) change(ctx context.Context, fn func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seq := s.seq
	err := fn()
	if err == nil {
		err = s.save(ctx)
	}
	if err != nil {
		s.rollback(seq)
	}
	clear(s.undo)
	s.poke()
	return err
}

// rollback takes back what the running change did, ids too, so that a refusal leaves no trace
// in what comes after.
func (s *Sim) rollback(seq int64) {
	for id, was := range s.undo {
		if was == nil {
			delete(s.objects, id)
		} else {
			s.objects[id] = was
		}
	}
	s.seq = seq
}

// poke has Run look at what is due.
func (s *Sim) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// all are the objects of a kind, newest first, as Stripe lists them.
func (s *Sim) all(kind string) []object {
	var found []object
	for _, o := range s.objects {
		if o.str("object") == kind {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b object) int { return cmp.Compare(b.num("_seq"), a.num("_seq")) })
	return found
}
