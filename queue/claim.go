package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"seaworthy/store"
)

// running is one attempt in this process.
type running struct {
	q        *Queue
	info     Info
	args     []byte
	msgID    string
	ckey     string // concurrency key, or ""
	runAt    int64  // unix ms; when it could have started
	started  int64  // unix ms, as stored
	timeout  time.Duration
	handler  *handler
	keep     keepUnique
	finished bool // by Job.Complete
	suspect  bool // the next crash while it runs would be its last
	ctx      context.Context
	cancel   context.CancelCauseFunc

	progress atomic.Int32 // percent
	written  int32        // of progress; the keeper's
	output   []byte       // the handler's, until it returns
	status   int
	snippet  string
}

// holdUnknown is how long a job of an unknown kind waits before it is looked at again.
const holdUnknown = time.Minute

// promote makes jobs available whose time has come, and returns when the next
// one's will. It looks before it writes, so an idle queue costs no commit.
func (q *Queue) promote(ctx context.Context) (next time.Time, err error) {
	const slice = 500
	for {
		at, err := store.Read(ctx, q.db, nextDue)
		if errors.Is(err, store.ErrNotFound) {
			return time.Time{}, nil
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("look for due jobs: %w", err)
		}
		if next = time.UnixMilli(at); next.After(q.db.Now()) {
			return next, nil
		}
		err = q.db.Write(ctx, func(tx *store.Tx) error {
			due, err := dueJobs(tx, slice)
			for _, d := range due {
				if err := makeReady(tx, d); err != nil {
					return err
				}
			}
			return err
		})
		if err != nil {
			return time.Time{}, fmt.Errorf("promote due jobs: %w", err)
		}
	}
}

// claim takes up to free jobs in one transaction, fairly over the queues. next is
// when a rate limit lets through what is ready now; zero: none holds anything back.
func (q *Queue) claim(ctx context.Context, free int) (claimed []*running, next time.Time, err error) {
	var ready []Setting
	err = q.db.Read(ctx, func(tx *store.Tx) (err error) { ready, next, err = q.lanes(tx); return err })
	if err != nil || len(ready) == 0 || free <= 0 {
		return nil, next, err
	}
	q.leastServedFirst(ready)
	claimed, err = store.Write(ctx, q.db, func(tx *store.Tx) ([]*running, error) {
		all, err := q.claimAll(tx, ready, free)
		// Where the transaction after this one begins, so that whoever cancels a job finds it running.
		tx.AfterCommit(func() { q.begun(all) })
		return all, err
	})
	return claimed, next, err
}

// claimAll shares free workers among the queues that are ready.
func (q *Queue) claimAll(tx *store.Tx, ready []Setting, free int) (all []*running, err error) {
	suspected := q.suspectRuns()
	for i, s := range ready {
		// Somebody may have paused or limited it since it was looked at.
		if s, err = SettingOf(tx, s.Queue); err != nil {
			return nil, err
		}
		allowed, _ := s.allowed(tx.Now())
		n := min(max(1, (free-len(all))/(len(ready)-i)), q.room(s), allowed, free-len(all))
		if s.Paused || n <= 0 {
			continue
		}
		got, err := q.claimFrom(tx, s.Queue, n, &suspected)
		if err != nil {
			return nil, fmt.Errorf("claim from %s: %w", s.Queue, err)
		}
		if err := s.spend(tx, len(got)); err != nil {
			return nil, fmt.Errorf("rate of %s: %w", s.Queue, err)
		}
		all = append(all, got...)
	}
	return all, nil
}

// begun makes claimed jobs known as running.
func (q *Queue) begun(claimed []*running) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range claimed {
		r.ctx, r.cancel = context.WithCancelCause(context.WithValue(context.Background(), infoKey{}, r.info))
		q.running[r.info.ID] = r
		q.busy[r.info.Queue]++
		q.last[r.info.Queue] = q.db.Now()
	}
}

// claimFrom takes up to n jobs of one queue. suspected tells whether a suspect
// runs or was claimed already; see suspect.go.
func (q *Queue) claimFrom(tx *store.Tx, queue string, n int, suspected *bool) ([]*running, error) {
	messages, err := receiveMessages(tx, queue, n, q.o.Lease)
	if err != nil {
		return nil, err
	}
	var claimed []*running
	for _, m := range messages {
		j, err := markRunning(tx, m.jobID, q.lease)
		if errors.Is(err, store.ErrNotFound) {
			if j, err = q.redelivered(tx, m); errors.Is(err, errSkip) {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		r := q.attempt(j, m.id)
		if r.handler == nil {
			if err := q.holdUnknown(tx, j, r); err != nil {
				return nil, err
			}
			continue
		}
		if r.suspect {
			if wait := q.suspectWaits(tx.Now(), *suspected); wait > 0 {
				if err := r.postpone(tx, wait); err != nil {
					return nil, err
				}
				continue
			}
			*suspected = true
		}
		claimed = append(claimed, r)
	}
	return claimed, nil
}

func (q *Queue) attempt(j jobRow, msgID string) *running {
	return &running{
		q: q, args: j.args, msgID: msgID, handler: q.handlerOf(j), started: deref(j.started), ckey: j.ckey, runAt: j.runAt, keep: j.keepUnique,
		timeout: time.Duration(j.timeoutMS) * time.Millisecond,
		suspect: j.crashes > 0 && j.crashes+1 >= q.o.MaxCrashes,
		info:    j.info(),
	}
}

// info is what a handler, and who is told of a failure, knows of the job.
func (j jobRow) info() Info {
	var cause Cause
	json.Unmarshal([]byte(j.meta), &cause) // our own text; empty is fine
	return Info{ID: j.id, Kind: j.kind, Queue: j.queue, Endpoint: j.endpoint, Attempt: j.attempt, MaxAttempts: j.maxAttempts, Snoozes: j.snoozes,
		Enqueued: time.UnixMilli(j.created).UTC(), Cause: cause}
}

func deref(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

var errSkip = errors.New("nothing to run")

// redelivered handles a message whose job is not available: one we are running
// ourselves (its lease ran out in a pause of the machine), one whose worker was
// lost, or a message without a job. errSkip: there is nothing to run.
func (q *Queue) redelivered(tx *store.Tx, m message) (jobRow, error) {
	j, err := jobByID(tx, m.jobID)
	if errors.Is(err, store.ErrNotFound) || err == nil && State(j.state) != Running {
		if err := deleteMessage(tx, m.id); err != nil {
			return j, err
		}
		return j, errSkip
	}
	if err != nil {
		return j, err
	}
	q.mu.Lock()
	ours := q.running[j.id]
	q.mu.Unlock()
	if ours != nil && ours.info.Attempt == j.attempt {
		return j, errSkip // receiving it has extended its lease
	}
	j.msgID = &m.id
	state, err := q.takeBack(tx, j, result{outcome: "lost", err: "the worker fell silent"})
	if err != nil {
		return j, err
	}
	if state != Available {
		return j, errSkip
	}
	return markRunning(tx, j.id, q.lease)
}

// holdUnknown keeps a job whose kind this binary does not know, as after a
// downgrade: no attempt is burned, and only after a day does it become a dead letter.
func (q *Queue) holdUnknown(tx *store.Tx, j jobRow, r *running) error {
	since := tx.Now().UnixMilli()
	if j.heldSince != nil {
		since = *j.heldSince
	}
	res := result{state: Scheduled, outcome: "unknown_kind", err: "no handler for kind " + j.kind,
		runAt: tx.Now().Add(holdUnknown), refund: true, heldSince: &since}
	if tx.Now().Sub(time.UnixMilli(since)) > q.o.MaxUnknown {
		res.state, res.refund = Dead, false
	}
	tx.AfterCommit(func() {
		q.log.Warn("held a job of an unknown kind", "job", j.id, "kind", j.kind, "state", res.state)
		q.tell(r.info, res)
	})
	_, err := r.finish(tx, res)
	return err
}
