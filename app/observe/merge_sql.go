package observe

import (
	"time"

	"seaworthy/store"
)

// merged is the version of the grouping of an issue that stands for others: no event has its hash.
const merged = 0

func partsOf(tx *store.Tx, id string) ([]Issue, error) {
	return store.All(tx, scanIssue, `SELECT `+issueColumns+` FROM observe_issue WHERE merged_into = ? AND n > 0 ORDER BY id LIMIT ?`, id, mostMerged+1)
}

// setMerged has an issue stand behind another; "" for none any more, with the status it gets.
func setMerged(tx *store.Tx, i Issue) error {
	return tx.ExecOne(`UPDATE observe_issue SET merged_into = ?, status = ?, assignee = ?, resolved_at = ?, resolved_in = ?, ignored_until = ?, regressed_at = ? WHERE id = ?`,
		i.MergedInto, i.Status, i.Assignee, msOf(i.ResolvedAt), i.ResolvedIn, msOf(i.IgnoredUntil), msOf(i.RegressedAt), i.ID)
}

// moveParts has the parts of one issue, and what stood for such before, stand behind another.
func moveParts(tx *store.Tx, from, to string) error {
	_, err := tx.Exec(`UPDATE observe_issue SET merged_into = ? WHERE merged_into = ?`, to, from)
	return err
}

// setWhole keeps what an issue that stands for others is by all of them.
func setWhole(tx *store.Tx, i Issue, firstBody, lastBody string) error {
	return tx.ExecOne(`UPDATE observe_issue SET n = ?, first_seen = ?, last_seen = ?, first_release = ?, last_release = ?, project = ?, level = ?, first_body = ?, last_body = ? WHERE id = ?`,
		i.N, i.FirstSeen.UnixMilli(), i.LastSeen.UnixMilli(), i.FirstRelease, i.LastRelease, i.Project, i.Level, firstBody, lastBody, i.ID)
}

// emptyIssue leaves of an issue nothing but where it went.
func emptyIssue(tx *store.Tx, id, into string) error {
	if err := forgetParts(tx, id); err != nil {
		return err
	}
	return tx.ExecOne(`UPDATE observe_issue SET n = 0, status = 'merged', merged_into = ? WHERE id = ?`, into, id)
}

// forgetParts deletes what was put together of the parts of an issue.
func forgetParts(tx *store.Tx, id string) error {
	if _, err := tx.Exec(`DELETE FROM observe_issue_hour WHERE issue = ?`, id); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM observe_issue_tag WHERE issue = ?`, id)
	return err
}

// addPart adds hours and tags of a part.
func addPart(tx *store.Tx, whole, part string) error {
	if _, err := tx.Exec(`INSERT INTO observe_issue_hour (issue, hour, n) SELECT ?, hour, n FROM observe_issue_hour WHERE issue = ?
		ON CONFLICT (issue, hour) DO UPDATE SET n = observe_issue_hour.n + excluded.n`, whole, part); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO observe_issue_tag (issue, name, value, last_seen) SELECT ?, name, value, last_seen FROM observe_issue_tag WHERE issue = ?
		ON CONFLICT (issue, name, value) DO UPDATE SET last_seen = CASE WHEN excluded.last_seen > observe_issue_tag.last_seen THEN excluded.last_seen ELSE observe_issue_tag.last_seen END`, whole, part)
	return err
}

// mostTagValues bounds how many releases, and environments, of an issue are told apart.
const mostTagValues = 100

func addTag(tx *store.Tx, issue string, t tag, at time.Time) error {
	n, err := tx.Exec(`UPDATE observe_issue_tag SET last_seen = ? WHERE issue = ? AND name = ? AND value = ?`, at.UnixMilli(), issue, t.name, t.value)
	if err != nil || n > 0 {
		return err
	}
	have, err := store.All(tx, func(r store.Scanner) (value string, err error) { return value, r.Scan(&value) },
		`SELECT value FROM observe_issue_tag WHERE issue = ? AND name = ? LIMIT ?`, issue, t.name, mostTagValues)
	if err != nil || len(have) >= mostTagValues {
		return err
	}
	_, err = tx.Exec(`INSERT INTO observe_issue_tag (issue, name, value, last_seen) VALUES (?, ?, ?, ?)`, issue, t.name, t.value, at.UnixMilli())
	return err
}
