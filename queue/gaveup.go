package queue

import (
	"encoding/json"
	"fmt"

	"seaworthy/store"
)

// GaveUp has fn run in the transaction in which a job of the kind becomes dead, so that what
// counted on it can be seen to in another way. What fn wrote before it failed is not kept, and
// the job is dead all the same.
func GaveUp[T Args](fn func(tx *store.Tx, args T, info Info) error) HandleOption {
	return func(h *handler) {
		h.gaveUp = func(tx *store.Tx, raw []byte, info Info) error {
			var args T
			if err := json.Unmarshal(raw, &args); err != nil {
				return fmt.Errorf("arguments of %s: %w", info.Kind, err)
			}
			return fn(tx, args, info)
		}
	}
}

// died runs what GaveUp was given for a job that the transaction has made dead.
func (q *Queue) died(tx *store.Tx, h *handler, args []byte, info Info) error {
	if h == nil || h.gaveUp == nil {
		return nil
	}
	if _, err := tx.Exec(`SAVEPOINT gave_up`); err != nil {
		return err
	}
	if err := h.gaveUp(tx, args, info); err != nil {
		q.log.Error("what counts on a dead job could not be seen to", "job", info.ID, "kind", info.Kind, "err", err)
		if _, err := tx.Exec(`ROLLBACK TO gave_up`); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`RELEASE gave_up`)
	return err
}
