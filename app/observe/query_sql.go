package observe

import (
	"errors"
	"slices"
	"time"

	"seaworthy/store"
)

// addTally adds to what is stored of an hour.
func addTally(tx *store.Tx, hour, now int64, h *shape, t *tally) error {
	caller := ""
	if c := h.caller.Load(); c != nil {
		caller = *c
	}
	if _, err := tx.Exec(`INSERT INTO observe_query (id, text, caller, first_seen, last_seen) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, caller = excluded.caller`, h.ID, h.Text, caller, now, now); err != nil {
		return err
	}
	sum := t.Figures
	var before []byte
	err := tx.QueryRow(`SELECT blob FROM observe_query_hour WHERE hour = ? AND query = ?`, hour, h.ID).Scan(&before)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if old, bad := decodeFigures(before); err == nil && bad == nil {
		sum.Add(&old)
	}
	_, err = tx.Exec(`INSERT INTO observe_query_hour (hour, query, rows, txs, gate_us, lock_us, commit_us, blob) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hour, query) DO UPDATE SET rows = observe_query_hour.rows + excluded.rows, txs = observe_query_hour.txs + excluded.txs, gate_us = observe_query_hour.gate_us + excluded.gate_us,
lock_us = observe_query_hour.lock_us + excluded.lock_us, commit_us = observe_query_hour.commit_us + excluded.commit_us, blob = excluded.blob`,
		hour, h.ID, t.rows, t.txs, t.gate, t.lock, t.commit, sum.encode())
	return err
}

func addSources(tx *store.Tx, hour int64, all map[sourceKey]*sourceCount) error {
	for key, c := range all {
		if _, err := tx.Exec(`INSERT INTO observe_query_source (query, hour, source, n, us) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (query, hour, source) DO UPDATE SET n = observe_query_source.n + excluded.n, us = observe_query_source.us + excluded.us`, key.query, hour, key.source.String(), c.n, c.us); err != nil {
			return err
		}
	}
	return nil
}

// dropQueries deletes what is older than a time.
func dropQueries(tx *store.Tx, before time.Time) error {
	ms := before.UnixMilli()
	_, err := tx.Exec(`DELETE FROM observe_query_hour WHERE hour < ?`, ms)
	if err == nil {
		_, err = tx.Exec(`DELETE FROM observe_query_source WHERE hour < ?`, ms)
	}
	return err
}

// tallyRow is what is stored of one statement in one hour.
type tallyRow struct {
	hour  int64
	query string
	tally
}

func scanTally(r store.Scanner) (t tallyRow, err error) {
	var blob []byte
	if err := r.Scan(&t.hour, &t.query, &t.rows, &t.txs, &t.gate, &t.lock, &t.commit, &blob); err != nil {
		return t, err
	}
	if f, bad := decodeFigures(blob); bad == nil {
		t.Figures = f
	}
	return t, nil
}

// talliesSince reads a page of all statements' hours.
func talliesSince(tx *store.Tx, hour int64, query string) ([]tallyRow, error) {
	return store.All(tx, scanTally, `SELECT hour, query, rows, txs, gate_us, lock_us, commit_us, blob FROM observe_query_hour WHERE (hour, query) > (?, ?) ORDER BY hour, query LIMIT 2000`, hour, query)
}

// talliesOf reads the hours of one statement.
func talliesOf(tx *store.Tx, query string, since int64) ([]tallyRow, error) {
	return store.All(tx, scanTally, `SELECT hour, query, rows, txs, gate_us, lock_us, commit_us, blob FROM observe_query_hour WHERE query = ? AND hour >= ? ORDER BY hour LIMIT 2000`, query, since)
}

type queryRow struct {
	id, text, caller string
	first, last      int64
}

func scanQuery(r store.Scanner) (q queryRow, err error) {
	return q, r.Scan(&q.id, &q.text, &q.caller, &q.first, &q.last)
}

// queryText reads a statement, or store.ErrNotFound.
func queryText(tx *store.Tx, id string) (queryRow, error) {
	return scanQuery(tx.QueryRow(`SELECT id, text, caller, first_seen, last_seen FROM observe_query WHERE id = ?`, id))
}

// usedRow is what one source ran of one statement in one hour.
type usedRow struct {
	hour  int64
	name  string // of the source, or of the statement
	n, us int64
}

func scanUsed(r store.Scanner) (u usedRow, err error) {
	return u, r.Scan(&u.hour, &u.name, &u.n, &u.us)
}

// mostUsed bounds what is read to say who runs what: two weeks of fifty sources by the hour.
const mostUsed = 20_000

// sourcesOf reads who ran a statement, by the hour.
func sourcesOf(tx *store.Tx, query string, since int64) ([]usedRow, error) {
	return store.All(tx, scanUsed, `SELECT hour, source, n, us FROM observe_query_source WHERE query = ? AND hour >= ? ORDER BY hour DESC LIMIT ?`, query, since, mostUsed)
}

// usedBy reads what a route or job ran, by the hour.
func usedBy(tx *store.Tx, source string, since int64) ([]usedRow, error) {
	return store.All(tx, scanUsed, `SELECT hour, query, n, us FROM observe_query_source WHERE source = ? AND hour >= ? ORDER BY hour DESC LIMIT ?`, source, since, mostUsed)
}

// Plan is one way in which SQLite ran a statement.
type Plan struct {
	Hash  string    `json:"hash"`
	Text  string    `json:"plan"` // a line for each step
	First time.Time `json:"first_seen"`
	Last  time.Time `json:"last_seen"`
}

// putPlan stores that a plan is used now.
func putPlan(tx *store.Tx, query string, p Plan) error {
	_, err := tx.Exec(`INSERT INTO observe_plan (query, hash, plan, first_seen, last_seen) VALUES (?, ?, ?, ?, ?) ON CONFLICT (query, hash) DO UPDATE SET last_seen = excluded.last_seen`,
		query, p.Hash, p.Text, p.First.UnixMilli(), p.Last.UnixMilli())
	return err
}

// plansOf reads the plans of a statement, the one used last first.
func plansOf(tx *store.Tx, query string) ([]Plan, error) {
	all, err := store.All(tx, func(r store.Scanner) (p Plan, err error) {
		var first, last int64
		err = r.Scan(&p.Hash, &p.Text, &first, &last)
		p.First, p.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		return p, err
	}, `SELECT hash, plan, first_seen, last_seen FROM observe_plan WHERE query = ? LIMIT 100`, query)
	slices.SortFunc(all, func(a, b Plan) int { return b.Last.Compare(a.Last) })
	return all, err
}

// hasTraces reports whether a segment has the tables of traces and slow statements; one of an
// earlier release has not.
func hasTraces(tx *store.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(name) FROM sqlite_schema WHERE name = 'observe_trace'`).Scan(&n)
	return n > 0, err
}
