package email

import (
	"context"
	"strings"

	"seaworthy/app/find"
	"seaworthy/store"
)

// FindMessages finds messages by how the recipient's address or their id begins.
func FindMessages(_ context.Context, tx *store.Tx, q find.Query) ([]find.Hit, error) {
	if strings.HasPrefix(q.Lower, "msg_") {
		return store.All(tx, scanHit, hitColumns+`WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?`, q.Lower, find.End(q.Lower), q.Limit)
	}
	return store.All(tx, scanHit, hitColumns+`WHERE recipient_norm >= ? AND recipient_norm < ? ORDER BY recipient_norm DESC, id DESC LIMIT ?`, q.Lower, find.End(q.Lower), q.Limit)
}

const hitColumns = `SELECT id, recipient, coalesce(subject, ''), template, status FROM email_message `

func scanHit(r store.Scanner) (h find.Hit, err error) {
	var template string
	err = r.Scan(&h.ID, &h.Title, &h.Detail, &template, &h.Word)
	if h.Detail == "" {
		h.Detail = template
	}
	h.Path, h.Kind = consoleBase+"/messages/"+h.ID, "quiet"
	switch h.Word {
	case "sent", "delivered":
		h.Kind = "ok"
	case "failed", "bounced", "complained":
		h.Kind = "danger"
	case "deferred", "unknown", "suppressed", "expired":
		h.Kind = "warn"
	}
	return h, err
}
