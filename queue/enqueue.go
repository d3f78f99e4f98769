package queue

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"seaworthy/store"
)

// Ready is the store topic that wakes the workers.
const Ready = "queue.ready"

// maxArgs bounds the JSON of a job's arguments, in bytes. Larger things belong
// in a table that the job points to.
const maxArgs = 256 << 10

// Option says how a job is to run.
type Option func(*spec)

type spec struct {
	queue       string
	runAt       time.Time
	priority    int
	maxAttempts int
	timeout     time.Duration
	uniq        string
	window      time.Duration
}

// On puts the job in a named queue ("default" otherwise).
func On(queue string) Option { return func(s *spec) { s.queue = queue } }

// At runs the job not before t.
func At(t time.Time) Option { return func(s *spec) { s.runAt = t } }

// In runs the job not before d from the transaction's now.
func In(d time.Duration) Option { return func(s *spec) { s.runAt = time.Time{}.Add(d) } }

// Priority orders ready jobs of one queue, higher first; 0 is usual.
func Priority(p int) Option { return func(s *spec) { s.priority = p } }

// MaxAttempts is how often the job may run before it is a dead letter; 20 otherwise.
func MaxAttempts(n int) Option { return func(s *spec) { s.maxAttempts = n } }

// Timeout ends an attempt's context; 1 minute otherwise.
func Timeout(d time.Duration) Option { return func(s *spec) { s.timeout = d } }

// Unique keeps a second job of the same kind and key from being made while one
// is not finished, and for the window after the first was made.
func Unique(key string, window time.Duration) Option {
	return func(s *spec) { s.uniq, s.window = key, window }
}

// Ticket is the receipt for an enqueued job.
type Ticket struct {
	ID        string // of the job; of the earlier one if Duplicate
	Duplicate bool   // Unique found an earlier job, nothing was added
}

// Enqueue adds a job in the caller's transaction: it exists if and only if the
// transaction commits, and workers wake after the commit.
func Enqueue(tx *store.Tx, args Args, opts ...Option) (Ticket, error) {
	s := spec{queue: "default", maxAttempts: 20, timeout: time.Minute}
	if d, ok := args.(interface{ Defaults() []Option }); ok {
		opts = append(d.Defaults(), opts...)
	}
	for _, o := range opts {
		o(&s)
	}
	body, err := json.Marshal(args)
	if err != nil {
		return Ticket{}, fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	if len(body) > maxArgs {
		return Ticket{}, fmt.Errorf("enqueue %s: arguments of %d bytes, at most %d are taken", args.Kind(), len(body), maxArgs)
	}
	var uniq *string
	if s.uniq != "" {
		sum := sha256.Sum256([]byte(args.Kind() + "\x00" + s.uniq))
		text := hex.EncodeToString(sum[:])
		uniq = &text
		switch id, err := duplicate(tx, text); {
		case err == nil:
			return Ticket{ID: id, Duplicate: true}, nil
		case !errors.Is(err, store.ErrNotFound):
			return Ticket{}, fmt.Errorf("enqueue %s: %w", args.Kind(), err)
		}
	}
	row := newJob{
		id: tx.NewID("job"), kind: args.Kind(), args: body, spec: s, uniq: uniq,
		runAt: due(tx.Now(), s.runAt), state: Available, meta: causeJSON(tx),
	}
	if row.runAt.After(tx.Now()) {
		row.state = Scheduled
	} else {
		msg := newMessageID()
		row.msgID = &msg
	}
	if err := insertJob(tx, row); err != nil {
		return Ticket{}, fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	tx.Notify(Ready)
	return Ticket{ID: row.id}, nil
}

// due resolves At and In: In is kept as an offset from the zero time, because
// only the transaction knows its now.
func due(now, at time.Time) time.Time {
	switch {
	case at.IsZero():
		return now
	case at.Year() < 1000:
		return now.Add(at.Sub(time.Time{}))
	}
	return at
}

// causeJSON is the cause of the job, or of the job that enqueues this one.
func causeJSON(tx *store.Tx) string {
	cause, ok := tx.Context().Value(causeKey{}).(Cause)
	if !ok {
		if info, running := FromContext(tx.Context()); running {
			cause = info.Cause
		}
	}
	text, _ := json.Marshal(cause)
	return string(text)
}

// newMessageID has the form of goqite's own default.
func newMessageID() string {
	var b [16]byte
	rand.Read(b[:])
	return "m_" + hex.EncodeToString(b[:])
}
