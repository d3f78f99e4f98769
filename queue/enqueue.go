package queue

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"seaworthy/store"
)

// Ready is the store topic that wakes the workers.
const Ready = "queue.ready"

// MaxArgs bounds the JSON of a job's arguments, in bytes. Larger things belong
// in a table that the job points to.
const MaxArgs = 256 << 10

// Ticket is the receipt for an enqueued job.
type Ticket struct {
	ID        string // of the job; of the earlier one if Duplicate
	Duplicate bool   // Unique or From found an earlier job, nothing was added
}

// Enqueue adds a job in the caller's transaction: it exists if and only if the
// transaction commits, and workers wake after the commit.
func Enqueue(tx *store.Tx, args Args, opts ...Option) (Ticket, error) {
	if d, ok := args.(interface{ Defaults() []Option }); ok {
		opts = append(d.Defaults(), opts...)
	}
	body, err := json.Marshal(args)
	if err != nil {
		return Ticket{}, fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return EnqueueRaw(tx, args.Kind(), body, opts...)
}

// EnqueueRaw is Enqueue for a kind and JSON that are known only at run time.
func EnqueueRaw(tx *store.Tx, kind string, args json.RawMessage, opts ...Option) (Ticket, error) {
	s := spec{queue: "default", maxAttempts: 20, timeout: time.Minute}
	for _, o := range opts {
		o(&s)
	}
	t, err := s.enqueue(tx, kind, args)
	if err != nil {
		return Ticket{}, fmt.Errorf("enqueue %s: %w", kind, err)
	}
	return t, nil
}

func (s *spec) enqueue(tx *store.Tx, kind string, args []byte) (Ticket, error) {
	if len(args) > MaxArgs {
		return Ticket{}, fmt.Errorf("arguments of %d bytes, at most %d are taken", len(args), MaxArgs)
	}
	if !json.Valid(args) {
		return Ticket{}, errors.New("the arguments are not JSON")
	}
	row := newJob{spec: *s, kind: kind, args: args, uniq: s.uniqueHash(kind)}
	earlier, err := row.earlier(tx)
	if err != nil || earlier != "" {
		return Ticket{ID: earlier, Duplicate: earlier != ""}, err
	}
	row.id, row.runAt = tx.NewID("job"), due(tx.Now(), s.runAt)
	row.meta, row.org = causeOf(tx)
	if row.runAt.After(tx.Now()) {
		row.state = Scheduled
	} else if row.state, err = admit(tx, s.ckey, s.climit); err != nil {
		return Ticket{}, err
	}
	if row.state == Available {
		msg := newMessageID()
		row.msgID = &msg
	}
	if err := insertJob(tx, row); err != nil {
		return Ticket{}, err
	}
	tx.Notify(Ready)
	return Ticket{ID: row.id}, nil
}

// earlier is the id of a job that stands for this one, or "".
func (j *newJob) earlier(tx *store.Tx) (string, error) {
	if j.idem != "" {
		id, fingerprint, err := bySourceKey(tx, j.source, j.idem)
		switch {
		case err == nil && !bytes.Equal(fingerprint, j.fingerprint):
			return "", ErrFingerprint
		case err == nil:
			return id, nil
		case !errors.Is(err, store.ErrNotFound):
			return "", err
		}
	}
	if j.uniq == nil {
		return "", nil
	}
	id, err := duplicate(tx, *j.uniq)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return id, err
}

// uniqueHash hides what is in a key, and bounds it. Nil: the job need not be unique.
func (s *spec) uniqueHash(kind string) *string {
	if s.uniq == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(kind + "\x00" + s.uniq))
	text := hex.EncodeToString(sum[:])
	return &text
}

// uniqueStates is how UniqueAmong is stored.
func (s *spec) uniqueStates() string {
	if len(s.uniqAmong) == 0 {
		return "scheduled blocked available running retryable"
	}
	words := make([]string, len(s.uniqAmong))
	for i, state := range s.uniqAmong {
		words[i] = string(state)
	}
	return strings.Join(words, " ")
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

// causeOf is the cause of the job, as JSON, and its org: that of the request, or of the job
// that enqueues this one.
func causeOf(tx *store.Tx) (text, org string) {
	cause, ok := tx.Context().Value(causeKey{}).(Cause)
	if !ok {
		if info, running := FromContext(tx.Context()); running {
			cause = info.Cause
		}
	}
	raw, _ := json.Marshal(cause) // strings
	return string(raw), cause.Org
}

// newMessageID has the form of goqite's own default.
func newMessageID() string {
	var b [16]byte
	rand.Read(b[:])
	return "m_" + hex.EncodeToString(b[:])
}
