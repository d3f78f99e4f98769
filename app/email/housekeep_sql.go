package email

import (
	"time"

	"seaworthy/store"
)

func oneText(r store.Scanner) (s string, err error) { return s, r.Scan(&s) }

// wipeSome deletes what requests say whose time is over, and their files, unless one of
// their messages still waits.
func wipeSome(tx *store.Tx) (int, error) {
	due, err := store.All(tx, oneText, `SELECT id FROM email_request WHERE wipe_at IS NOT NULL AND wipe_at <= ?
		AND NOT EXISTS (SELECT 1 FROM email_message WHERE request_id = email_request.id AND status IN ('queued', 'unknown'))
		ORDER BY wipe_at, id LIMIT ?`, tx.Now().UnixMilli(), houseSlice)
	if err != nil {
		return 0, err
	}
	for _, id := range due {
		if _, err := tx.Exec(`DELETE FROM email_file WHERE request_id = ?`, id); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`UPDATE email_message SET vars = NULL WHERE request_id = ?`, id); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`UPDATE email_request SET content = NULL, wipe_at = NULL WHERE id = ?`, id); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// dropParked deletes events that have waited in vain for their message.
func dropParked(tx *store.Tx) (int, error) {
	n, err := tx.Exec(`DELETE FROM email_event WHERE id IN (SELECT id FROM email_event WHERE message_id IS NULL AND received_at < ? LIMIT ?)`,
		tx.Now().Add(-keepParked).UnixMilli(), houseSlice)
	return int(n), err
}

// dropMessages deletes messages from before a time, but for those that wait. Ids are in
// the order of time.
func dropMessages(tx *store.Tx, before time.Time) (int, error) {
	type old struct {
		id, request string
		created     int64
	}
	rows, err := store.All(tx, func(r store.Scanner) (o old, err error) { return o, r.Scan(&o.id, &o.request, &o.created) },
		`SELECT id, coalesce(request_id, ''), created_at FROM email_message WHERE status <> 'queued' ORDER BY id LIMIT ?`, houseSlice)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, o := range rows {
		if o.created >= before.UnixMilli() {
			break
		}
		n++
		if _, err := tx.Exec(`DELETE FROM email_event WHERE message_id = ?`, o.id); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`DELETE FROM email_message WHERE id = ?`, o.id); err != nil {
			return 0, err
		}
		if err := dropRequest(tx, o.request); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// dropRequest deletes a request of which no message is left.
func dropRequest(tx *store.Tx, id string) error {
	if id == "" {
		return nil
	}
	_, err := tx.Exec(`DELETE FROM email_request WHERE id = ? AND NOT EXISTS (SELECT 1 FROM email_message WHERE request_id = ?)`, id, id)
	return err
}
