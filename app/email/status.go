package email

import (
	"fmt"

	"seaworthy/store"
)

// finality orders what a message can be: a later word counts only if it is more
// final. Providers tell of events in any order, and of some twice. What we decided
// ourselves (expired, failed, …) gives way to proof that the message arrived.
var finality = map[string]int{
	"queued": 0, "deferred": 1, "unknown": 2, "sent": 3, "expired": 4, "cancelled": 4, "suppressed": 4, "failed": 4, "delivered": 5, "bounced": 6, "complained": 7,
}

// statusOf is what a message is after an event; "" where it says nothing of that.
var statusOf = map[EventKind]string{
	Accepted: "sent", Deferred: "deferred", Delivered: "delivered", Bounced: "bounced", Complained: "complained",
	Suppressed: "suppressed", Expired: "expired", Cancelled: "cancelled", Failed: "failed", Unknown: "unknown",
}

// advance moves a message on to what an event makes of it, unless it is further
// already, and reports whether it moved. What a provider tells of has left, also where
// its acceptance never came: the variables are wiped as markSent does it.
func advance(tx *store.Tx, message string, kind EventKind) (bool, error) {
	to := statusOf[kind]
	if to == "" {
		return false, nil
	}
	var from string
	if err := tx.QueryRow(`SELECT status FROM email_message WHERE id = ?`, message).Scan(&from); err != nil {
		return false, fmt.Errorf("advance %s: %w", message, err)
	}
	if finality[to] <= finality[from] {
		return false, nil
	}
	return true, tx.ExecOne(`UPDATE email_message SET status = ?, vars = CASE WHEN request_id IS NULL OR class = 'security' THEN NULL ELSE vars END WHERE id = ?`, to, message)
}
