package email

import "seaworthy/store"

// templateRow is a template in one of its versions.
type templateRow struct {
	name                      string
	version                   int64
	archived, changed         int64 // unix ms; archived 0: in use
	source, variables, sample string
	by                        string // who made the version, type:id
}

func scanTemplate(r store.Scanner) (t templateRow, err error) {
	err = r.Scan(&t.name, &t.version, &t.archived, &t.changed, &t.source, &t.variables, &t.sample, &t.by)
	return t, err
}

// templatesInUse are all templates, each in the version that is used.
func templatesInUse(tx *store.Tx) ([]templateRow, error) {
	return store.All(tx, scanTemplate, `SELECT t.name, t.version, coalesce(t.archived_at, 0), t.changed_at, v.source, v.variables, v.sample, coalesce(v.created_by, '')
		FROM email_template t JOIN email_template_version v ON v.name = t.name AND v.version = t.version ORDER BY t.name`)
}

// templateState is the version in use, and whether it was archived; ErrNotFound
// for one that does not exist.
func templateState(tx *store.Tx, name string) (version, archived int64, err error) {
	err = tx.QueryRow(`SELECT version, coalesce(archived_at, 0) FROM email_template WHERE name = ?`, name).Scan(&version, &archived)
	return version, archived, err
}

// addVersion stores a version and makes it the one in use.
func addVersion(tx *store.Tx, t templateRow) error {
	if err := tx.ExecOne(`INSERT INTO email_template (name, version, created_at, changed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at, archived_at = NULL`, t.name, t.version, t.changed, t.changed); err != nil {
		return err
	}
	return tx.ExecOne(`INSERT INTO email_template_version (name, version, source, variables, sample, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		t.name, t.version, t.source, t.variables, t.sample, t.changed, orNull(t.by))
}

func setArchived(tx *store.Tx, name string, at int64) error {
	var archived *int64
	if at != 0 {
		archived = &at
	}
	return tx.ExecOne(`UPDATE email_template SET archived_at = ?, changed_at = ? WHERE name = ?`, archived, tx.Now().UnixMilli(), name)
}

const versionColumns = `SELECT name, version, 0, created_at, source, variables, sample, coalesce(created_by, '') FROM email_template_version `

func templateVersion(tx *store.Tx, name string, version int64) (templateRow, error) {
	return scanTemplate(tx.QueryRow(versionColumns+`WHERE name = ? AND version = ?`, name, version))
}

// templateVersions are at most limit versions older than before, newest first.
func templateVersions(tx *store.Tx, name string, before int64, limit int) ([]templateRow, error) {
	return store.All(tx, scanTemplate, versionColumns+`WHERE name = ? AND version < ? ORDER BY version DESC LIMIT ?`, name, before, limit)
}
