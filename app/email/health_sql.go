package email

import (
	"time"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

// healthOf is how a provider does; one without a row works.
func healthOf(tx *store.Tx, name string) (h health, err error) {
	h, err = scanHealth(tx.QueryRow(healthColumns+`WHERE name = ?`, name))
	if isGone(err) {
		return health{name: name, state: stateWorking}, nil
	}
	return h, err
}

const healthColumns = `SELECT name, state, until, probe_until, failures, trips, slow, slow_until, error, error_at, changed_at FROM email_provider `

func scanHealth(r store.Scanner) (h health, err error) {
	err = r.Scan(&h.name, &h.state, &h.until, &h.probeUntil, &h.failures, &h.trips, &h.slow, &h.slowUntil, &h.lastError, &h.lastErrorAt, &h.lastChange)
	return h, err
}

func putHealth(tx *store.Tx, h health) error {
	_, err := tx.Exec(`INSERT INTO email_provider (name, state, until, probe_until, failures, trips, slow, slow_until, error, error_at, changed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET state = excluded.state, until = excluded.until, probe_until = excluded.probe_until, failures = excluded.failures,
			trips = excluded.trips, slow = excluded.slow, slow_until = excluded.slow_until, error = excluded.error, error_at = excluded.error_at, changed_at = excluded.changed_at`,
		h.name, h.state, h.until, h.probeUntil, h.failures, h.trips, h.slow, h.slowUntil, h.lastError, h.lastErrorAt, h.lastChange)
	return err
}

// probeAgain lets one message try each provider that was stopped, when the program
// starts: most often it was started because somebody mended the configuration.
func probeAgain(tx *store.Tx, name string) error {
	_, err := tx.Exec(`UPDATE email_provider SET state = 'open', until = ?, probe_until = 0 WHERE name = ? AND state = 'stopped'`, tx.Now().UnixMilli(), name)
	return err
}

const countSlot = 5 * time.Minute

// countCall counts what came of a call. What was refused is the message's fault and
// counts as a failure all the same: somebody did not get his mail.
func countCall(tx *store.Tx, provider string, failed *post.Error) error {
	sent, bad := 1, 0
	if failed != nil {
		sent, bad = 0, 1
	}
	slot := tx.Now().Truncate(countSlot).UnixMilli()
	if _, err := tx.Exec(`INSERT INTO email_count (provider, slot, sent, failed) VALUES (?, ?, ?, ?)
		ON CONFLICT (provider, slot) DO UPDATE SET sent = email_count.sent + excluded.sent, failed = email_count.failed + excluded.failed`, provider, slot, sent, bad); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM email_count WHERE provider = ? AND slot < ?`, provider, tx.Now().Add(-48*time.Hour).UnixMilli())
	return err
}

func nextSlot(tx *store.Tx, provider, stream string) (next int64, err error) {
	err = tx.QueryRow(`SELECT next FROM email_bucket WHERE provider = ? AND stream = ?`, provider, stream).Scan(&next)
	if isGone(err) {
		return 0, nil
	}
	return next, err
}

func putSlot(tx *store.Tx, provider, stream string, next int64) error {
	_, err := tx.Exec(`INSERT INTO email_bucket (provider, stream, next) VALUES (?, ?, ?) ON CONFLICT (provider, stream) DO UPDATE SET next = excluded.next`, provider, stream, next)
	return err
}
