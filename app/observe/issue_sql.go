package observe

import (
	"time"

	"seaworthy/store"
)

// Issue is errors that belong together.
type Issue struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"`
	Title        string    `json:"title"`
	Culprit      string    `json:"culprit"`
	Level        string    `json:"level"`             // of the last one: debug, info, warning, error, fatal
	Project      int64     `json:"project,omitempty"` // that reported it; none for this program
	Status       string    `json:"status"`            // open, resolved, ignored, merged
	Assignee     string    `json:"assignee,omitempty"`
	FirstSeen    time.Time `json:"first_seen"`
	LastSeen     time.Time `json:"last_seen"`
	N            int64     `json:"count"`
	FirstRelease string    `json:"first_release"`
	LastRelease  string    `json:"last_release"`
	ResolvedAt   time.Time `json:"resolved_at,omitzero"`
	ResolvedIn   string    `json:"resolved_in,omitempty"` // the release that may still have it
	IgnoredUntil time.Time `json:"ignored_until,omitzero"`
	RegressedAt  time.Time `json:"regressed_at,omitzero"`
	MergedInto   string    `json:"merged_into,omitempty"` // id of the error that stands for it
}

const issueColumns = `id, kind, title, culprit, status, assignee, first_seen, last_seen, n, first_release, last_release,
	coalesce(resolved_at, 0), coalesce(resolved_in, ''), coalesce(ignored_until, 0), coalesce(regressed_at, 0), merged_into, project, level`

func scanIssue(r store.Scanner) (i Issue, err error) {
	var first, last, resolved, ignored, regressed int64
	err = r.Scan(&i.ID, &i.Kind, &i.Title, &i.Culprit, &i.Status, &i.Assignee, &first, &last, &i.N, &i.FirstRelease, &i.LastRelease,
		&resolved, &i.ResolvedIn, &ignored, &regressed, &i.MergedInto, &i.Project, &i.Level)
	i.FirstSeen, i.LastSeen = at(first), at(last)
	i.ResolvedAt, i.IgnoredUntil, i.RegressedAt = at(resolved), at(ignored), at(regressed)
	return i, err
}

// at is a time in ms; 0 is none.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func msOf(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func issueByHash(tx *store.Tx, algo int, hash string) (Issue, error) {
	return scanIssue(tx.QueryRow(`SELECT `+issueColumns+` FROM observe_issue WHERE algo = ? AND hash = ?`, algo, hash))
}

func issueByID(tx *store.Tx, id string) (Issue, error) {
	return scanIssue(tx.QueryRow(`SELECT `+issueColumns+` FROM observe_issue WHERE id = ?`, id))
}

func insertIssue(tx *store.Tx, i Issue, algo int, hash, body string) error {
	_, err := tx.Exec(`INSERT INTO observe_issue (id, algo, hash, kind, title, culprit, status, assignee, first_seen, last_seen, n, first_release, last_release, first_body, last_body)
		VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, 0, ?, ?, ?, ?)`,
		i.ID, algo, hash, i.Kind, i.Title, i.Culprit, i.Status, i.FirstSeen.UnixMilli(), i.FirstSeen.UnixMilli(), i.FirstRelease, i.FirstRelease, body, body)
	return err
}

func updateIssue(tx *store.Tx, i Issue, body string) error {
	return tx.ExecOne(`UPDATE observe_issue SET n = ?, last_seen = ?, last_release = ?, status = ?, regressed_at = ?, last_body = ?, project = ?, level = ? WHERE id = ?`,
		i.N, i.LastSeen.UnixMilli(), i.LastRelease, i.Status, msOf(i.RegressedAt), body, i.Project, i.Level, i.ID)
}

// setIssue keeps what a person decided.
func setIssue(tx *store.Tx, i Issue) error {
	return tx.ExecOne(`UPDATE observe_issue SET status = ?, assignee = ?, resolved_at = ?, resolved_in = ?, ignored_until = ?, regressed_at = ? WHERE id = ?`,
		i.Status, i.Assignee, msOf(i.ResolvedAt), i.ResolvedIn, msOf(i.IgnoredUntil), msOf(i.RegressedAt), i.ID)
}

func addHour(tx *store.Tx, issue string, hour time.Time, n int64) error {
	_, err := tx.Exec(`INSERT INTO observe_issue_hour (issue, hour, n) VALUES (?, ?, ?)
		ON CONFLICT (issue, hour) DO UPDATE SET n = observe_issue_hour.n + excluded.n`, issue, hour.UnixMilli(), n)
	return err
}

func addDrop(tx *store.Tx, hour time.Time, d Drop, n int64) error {
	_, err := tx.Exec(`INSERT INTO observe_drop (hour, class, reason, n) VALUES (?, ?, ?, ?)
		ON CONFLICT (hour, class, reason) DO UPDATE SET n = observe_drop.n + excluded.n`, hour.UnixMilli(), d.Class, d.Reason, n)
	return err
}

func dropsSince(tx *store.Tx, hour time.Time) ([]DropCount, error) {
	return store.All(tx, func(r store.Scanner) (d DropCount, err error) { return d, r.Scan(&d.Class, &d.Reason, &d.N) },
		`SELECT class, reason, n FROM observe_drop WHERE hour >= ? ORDER BY hour LIMIT 2000`, hour.UnixMilli())
}

// dropOldIssues makes room in a full file.
func dropOldIssues(tx *store.Tx) error {
	_, err := tx.Exec(`DELETE FROM observe_issue WHERE id IN (SELECT id FROM observe_issue ORDER BY last_seen, id LIMIT 200)`)
	return err
}

func dropBefore(tx *store.Tx, before time.Time) error {
	ms := before.UnixMilli()
	if _, err := tx.Exec(`DELETE FROM observe_issue_hour WHERE hour < ?`, ms); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM observe_issue WHERE last_seen < ?`, ms); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM observe_drop WHERE hour < ?`, ms)
	return err
}

func issueBodies(tx *store.Tx, id string) (first, last string, err error) {
	return first, last, tx.QueryRow(`SELECT first_body, last_body FROM observe_issue WHERE id = ?`, id).Scan(&first, &last)
}

// bodyRow is a body that a segment kept.
type bodyRow struct {
	seq  int64
	body string
}

func segmentBodies(tx *store.Tx, issue string, limit int) ([]bodyRow, error) {
	return store.All(tx, func(r store.Scanner) (b bodyRow, err error) { return b, r.Scan(&b.seq, &b.body) },
		`SELECT seq, body FROM observe_event WHERE issue = ? ORDER BY seq DESC LIMIT ?`, issue, limit)
}
