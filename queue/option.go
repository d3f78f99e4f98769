package queue

import (
	"errors"
	"time"
)

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
	uniqAmong   []State
	ckey        string
	climit      int
	source      string
	idem        string
	fingerprint []byte
	endpoint    string
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

// UniqueAmong names the states in which a Unique job keeps others out, instead of
// all that are not final. Without Running, one more job may wait while one runs;
// with Completed, nothing is done twice for as long as finished jobs are kept.
func UniqueAmong(states ...State) Option { return func(s *spec) { s.uniqAmong = states } }

// Key lets at most limit jobs of one key, whatever their kind and queue, be ready
// or run at once. Those beyond are blocked and let in one by one, by priority and
// then age.
func Key(key string, limit int) Option {
	return func(s *spec) { s.ckey, s.climit = key, max(1, limit) }
}

// From makes the enqueue idempotent: a second job with the same source and key is
// not made as long as the first is kept, at least seven days after its end. The
// fingerprint is of the request; see ErrFingerprint.
func From(source, key string, fingerprint []byte) Option {
	return func(s *spec) { s.source, s.idem, s.fingerprint = source, key, fingerprint }
}

// ErrFingerprint says that an idempotency key was used before for another request.
var ErrFingerprint = errors.New("queue: the idempotency key belongs to another request")

// ToEndpoint makes the job one of the customer's app: not a handler of its kind
// runs it but the one of HandleEndpoint.
func ToEndpoint(id string) Option { return func(s *spec) { s.endpoint = id } }
