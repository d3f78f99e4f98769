package jobs

import (
	"strings"
	"time"

	"seaworthy/store"
)

// endpoint is a row of jobs_endpoint.
type endpoint struct {
	id, name, url    string
	secret, previous []byte // sealed
	previousUntil    *int64
	concurrency      int
	timeout          time.Duration
	configured       bool
	disabledAt       *int64
	disabledWhy      string
	openUntil        *int64
	trips            int
	created, changed int64
}

const endpointColumns = `SELECT id, name, url, secret, previous, previous_until, concurrency, timeout_ms, configured, disabled_at,
	coalesce(disabled_why, ''), open_until, trips, created_at, changed_at FROM jobs_endpoint `

func scanEndpoint(r store.Scanner) (e endpoint, err error) {
	var timeout int64
	err = r.Scan(&e.id, &e.name, &e.url, &e.secret, &e.previous, &e.previousUntil, &e.concurrency, &timeout, &e.configured, &e.disabledAt,
		&e.disabledWhy, &e.openUntil, &e.trips, &e.created, &e.changed)
	e.timeout = time.Duration(timeout) * time.Millisecond
	return e, err
}

const endpointPrefix = "jep"

// findEndpoint finds one by its id or its name, which never looks like an id.
func findEndpoint(tx *store.Tx, idOrName string) (endpoint, error) {
	if strings.HasPrefix(idOrName, endpointPrefix+"_") {
		return scanEndpoint(tx.QueryRow(endpointColumns+`WHERE id = ?`, idOrName))
	}
	return scanEndpoint(tx.QueryRow(endpointColumns+`WHERE name = ?`, idOrName))
}

func listEndpoints(tx *store.Tx, limit int) ([]endpoint, error) {
	return store.All(tx, scanEndpoint, endpointColumns+`ORDER BY name LIMIT ?`, limit)
}

func insertEndpoint(tx *store.Tx, e endpoint) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO jobs_endpoint (id, name, url, secret, concurrency, timeout_ms, configured, trips, created_at, changed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`, e.id, e.name, e.url, e.secret, e.concurrency, e.timeout.Milliseconds(), flag(e.configured), now, now)
	return err
}

// updateEndpoint stores everything of an endpoint but its health, see setHealth.
func updateEndpoint(tx *store.Tx, e endpoint) error {
	var why *string
	if e.disabledAt != nil {
		why = &e.disabledWhy
	}
	return tx.ExecOne(`UPDATE jobs_endpoint SET url = ?, secret = ?, previous = ?, previous_until = ?, concurrency = ?, timeout_ms = ?, configured = ?,
		disabled_at = ?, disabled_why = ?, changed_at = ? WHERE id = ?`,
		e.url, e.secret, e.previous, e.previousUntil, e.concurrency, e.timeout.Milliseconds(), flag(e.configured), e.disabledAt, why, tx.Now().UnixMilli(), e.id)
}

// setHealth notes until when an endpoint is left alone, nil for no longer. It
// reports false when trips shows that another attempt has noted something since.
func setHealth(tx *store.Tx, id string, wasTrips int, until *int64, trips int) (bool, error) {
	n, err := tx.Exec(`UPDATE jobs_endpoint SET open_until = ?, trips = ? WHERE id = ? AND trips = ?`, until, trips, id, wasTrips)
	return n == 1, err
}

func deleteEndpoint(tx *store.Tx, id string) error {
	return tx.ExecOne(`DELETE FROM jobs_endpoint WHERE id = ?`, id)
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}
