package email

import (
	"context"
	"errors"

	"seaworthy/queue"
	"seaworthy/store"
)

// wake is the job that has mail look again whether it can be sent now, after a
// provider came back.
type wake struct{}

// Kind implements queue.Args.
func (wake) Kind() string { return "email.wake" }

// Defaults implements queue's defaults.
func (wake) Defaults() []queue.Option { return []queue.Option{queue.On("mail"), queue.Priority(6)} }

// wakeSlice is how many messages are woken in a transaction.
const wakeSlice = 200

func (s *System) wake(ctx context.Context, job queue.Job[wake]) error {
	for after := ""; ; {
		last, err := store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) { return wakeSome(tx, after) })
		if err != nil {
			return err
		}
		if last == "" {
			return nil
		}
		after = last
	}
}

// wakeSome wakes messages behind an id, and returns the last one's; "" after the last.
// What is scheduled stays so.
func wakeSome(tx *store.Tx, after string) (last string, err error) {
	rows, err := store.All(tx, twoTexts,
		`SELECT id, job_id FROM email_message WHERE status = 'queued' AND id > ? AND job_id IS NOT NULL AND (send_at IS NULL OR send_at <= ?) ORDER BY id LIMIT ?`,
		after, tx.Now().UnixMilli(), wakeSlice)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if err := queue.Hasten(tx, row[1]); err != nil && !errors.Is(err, store.ErrConflict) && !isGone(err) {
			return "", err
		}
	}
	if len(rows) < wakeSlice {
		return "", nil
	}
	return rows[len(rows)-1][0], nil
}
