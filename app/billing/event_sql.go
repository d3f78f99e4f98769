package billing

import (
	"time"

	"seaworthy/store"
)

// States of an event.
const (
	eventQueued = "queued"
	eventDone   = "done"
	eventParked = "parked"
)

// eventRow is a row of billing_event.
type eventRow struct {
	id, typ, objectType, object, customer, version, source, state, note string
	fetch                                                               int64
	created, received, done                                             time.Time
}

// insertEvent adds an event, and reports whether it was not known yet.
func insertEvent(tx *store.Tx, e eventRow) (fresh bool, err error) {
	n, err := tx.Exec(`INSERT INTO billing_event (id, type, object_type, object_id, customer_id, api_version, source, state, note, fetch_no, job_id, created_at, received_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', '', 0, '', ?, ?) ON CONFLICT (id) DO NOTHING`,
		e.id, e.typ, e.objectType, e.object, e.customer, e.version, e.source, max(e.created.UnixMilli(), 0), e.received.UnixMilli())
	return n == 1, err
}

const eventColumns = `SELECT id, type, object_type, object_id, customer_id, api_version, source, state, note, fetch_no, created_at, received_at, coalesce(done_at, 0) FROM billing_event `

func scanEvent(r store.Scanner) (e eventRow, err error) {
	var created, received, done int64
	err = r.Scan(&e.id, &e.typ, &e.objectType, &e.object, &e.customer, &e.version, &e.source, &e.state, &e.note, &e.fetch, &created, &received, &done)
	e.created, e.received, e.done = at(created), at(received), at(done)
	return e, err
}

func eventByID(tx *store.Tx, id string) (eventRow, error) {
	return scanEvent(tx.QueryRow(eventColumns+`WHERE id = ?`, id))
}

// endEvent says what became of an event. The alarm about what it is about ends, which is told of
// that and not of a customer where whose it is was not known.
func endEvent(tx *store.Tx, e eventRow, state, note string) error {
	return firstOf(tx.ExecOne(`UPDATE billing_event SET state = ?, note = ?, done_at = ? WHERE id = ?`, state, note, tx.Now().UnixMilli(), e.id), clearAlarm(tx, alarmLeft, e.object), clearAlarm(tx, alarmMissing, e.object))
}

// waitingEvent is one of a customer that no fetch has covered yet.
func waitingEvent(tx *store.Tx, customer string) (eventRow, error) {
	if customer == "" {
		return eventRow{}, store.ErrNotFound
	}
	return scanEvent(tx.QueryRow(eventColumns+`WHERE customer_id = ? AND state = 'queued' ORDER BY id LIMIT 1`, customer))
}

// endWith ends an event without a fetch, and all that wait with it for the same
// customer: they have no job of their own. "" for one of nobody's.
func endWith(tx *store.Tx, e eventRow, customer, state, note string) error {
	if err := endEvent(tx, e, state, note); err != nil || customer == "" {
		return err
	}
	_, err := tx.Exec(`UPDATE billing_event SET state = ?, note = ?, done_at = ? WHERE customer_id = ? AND state = 'queued'`, state, note, tx.Now().UnixMilli(), customer)
	return firstOf(err, clearAlarm(tx, alarmLeft, customer))
}

// nameCustomer says whom an event is about, once that is known.
func nameCustomer(tx *store.Tx, id, customer string) error {
	return tx.ExecOne(`UPDATE billing_event SET customer_id = ? WHERE id = ?`, customer, id)
}
