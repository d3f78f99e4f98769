package audit

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// keepRequests is how long a repeat of a request gets the first answer.
const keepRequests = 7 * 24 * time.Hour

var errKeyReused = &web.Error{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_reused",
	Public: "This Idempotency-Key came before with another request. Use a new key for a new event."}

// earlier is the event that a request with this key made before, and whether it
// was the same request; store.ErrNotFound if the key is new.
func earlier(tx *store.Tx, source, key string, fingerprint []byte) (event string, same bool, err error) {
	var before []byte
	err = tx.QueryRow(`SELECT fingerprint, event FROM audit_idempotency WHERE source = ? AND idem = ?`, source, key).Scan(&before, &event)
	return event, bytes.Equal(before, fingerprint), err
}

func remember(tx *store.Tx, source, key string, fingerprint []byte, event string) error {
	_, err := tx.Exec(`INSERT INTO audit_idempotency (source, idem, fingerprint, event, created_at) VALUES (?, ?, ?, ?, ?)`,
		source, key, fingerprint, event, tx.Now().UnixMilli())
	return err
}

// forgetRequests drops what is too old to be repeated, in slices.
func (s *System) forgetRequests(ctx context.Context) error {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) {
			return tx.Exec(`DELETE FROM audit_idempotency WHERE (source, idem) IN
				(SELECT source, idem FROM audit_idempotency WHERE created_at < ? LIMIT 500)`, tx.Now().Add(-keepRequests).UnixMilli())
		})
		if err != nil || n < 500 {
			return err
		}
	}
}
