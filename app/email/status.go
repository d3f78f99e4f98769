package email

import (
	"slices"

	"seaworthy/store"
)

// finality is the order in which a message's states come: it never goes back, so
// that "delivered, then bounced" ends as bounced, and a late "deferred" changes nothing.
var finality = []string{"queued", "deferred", "unknown", "sent", "delivered", "bounced", "complained"}

// advance moves a message to the state that an event of it says.
func advance(tx *store.Tx, message string, kind EventKind) error {
	var now string
	if err := tx.QueryRow(`SELECT status FROM email_message WHERE id = ?`, message).Scan(&now); err != nil {
		return err
	}
	to := string(kind)
	if kind == Accepted {
		to = "sent"
	}
	if slices.Index(finality, to) <= slices.Index(finality, now) || !slices.Contains(finality, now) {
		return nil
	}
	return tx.ExecOne(`UPDATE email_message SET status = ? WHERE id = ?`, to, message)
}
