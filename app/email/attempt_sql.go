package email

import "seaworthy/store"

// Classes of attempts that are none of a provider's answers.
const (
	classAccepted = "accepted"
	classLost     = "lost"    // the process died in it
	classStopped  = "stopped" // the process ended before anything was sent
)

// attempt is one call of a provider.
type attempt struct {
	id, provider, class string
	started, ended      int64 // 0: it goes on, or its process died
}

// attemptsOf are the newest calls for a message.
func attemptsOf(tx *store.Tx, message string) ([]attempt, error) {
	return store.All(tx, func(r store.Scanner) (a attempt, err error) {
		return a, r.Scan(&a.id, &a.provider, &a.class, &a.started, &a.ended)
	}, `SELECT id, provider, class, started_at, coalesce(ended_at, 0) FROM email_attempt WHERE message_id = ? ORDER BY id DESC LIMIT 100`, message)
}

func insertAttempt(tx *store.Tx, id, message, provider string) error {
	_, err := tx.Exec(`INSERT INTO email_attempt (id, message_id, provider, started_at, class) VALUES (?, ?, ?, ?, '')`, id, message, provider, tx.Now().UnixMilli())
	return err
}

func endAttempt(tx *store.Tx, id, class string) error {
	_, err := tx.Exec(`UPDATE email_attempt SET ended_at = ?, class = ? WHERE id = ?`, tx.Now().UnixMilli(), class, id)
	return err
}
