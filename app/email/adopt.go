package email

import (
	"fmt"

	"seaworthy/store"
)

// adopt gives a message the events that came before it was known under this id at
// the provider, and brings its status to where all its events say. It is called
// right after the provider's acceptance was stored, which may come after a bounce.
func (s *System) adopt(tx *store.Tx, message, provider, providerID string) error {
	if providerID != "" {
		if _, err := tx.Exec(`UPDATE email_event SET message_id = ? WHERE provider = ? AND provider_id = ? AND message_id IS NULL`, message, provider, providerID); err != nil {
			return fmt.Errorf("adopt events of %s: %w", message, err)
		}
	}
	// What is said from outside alone: our own events have been heeded.
	kinds, err := store.All(tx, func(r store.Scanner) (k EventKind, err error) { return k, r.Scan(&k) },
		`SELECT kind FROM email_event WHERE message_id = ? AND provider = ? AND provider <> '' ORDER BY id LIMIT 200`, message, provider)
	if err != nil {
		return fmt.Errorf("adopt events of %s: %w", message, err)
	}
	for _, k := range kinds {
		if _, err := advance(tx, message, k); err != nil {
			return err
		}
	}
	return nil
}
