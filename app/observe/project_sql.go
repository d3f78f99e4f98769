package observe

import (
	"seaworthy/app/web"
	"seaworthy/store"
)

// These tables, unlike the rest of this package's, are in the business database.

func (s *System) listProjects(tx *store.Tx) ([]Project, error) {
	all, err := store.All(tx, func(r store.Scanner) (p Project, err error) {
		var created int64
		err = r.Scan(&p.ID, &p.Name, &p.EventsMinute, &p.BytesMinute, &created, &p.Forward, &p.sealed, &p.ForwardHost)
		p.CreatedAt, p.Keys, p.Forward = at(created), []Key{}, or(p.Forward, ForwardOff)
		return p, err
	}, `SELECT id, name, events_minute, bytes_minute, created_at, forward, forward_dsn, forward_host FROM observe_project WHERE id > 0 ORDER BY id LIMIT ?`, maxProjects)
	if err != nil {
		return nil, err
	}
	for i := range all {
		p := &all[i]
		keys, err := store.All(tx, func(r store.Scanner) (k Key, err error) {
			var created, revoked int64
			err = r.Scan(&k.Public, &created, &revoked)
			k.CreatedAt, k.RevokedAt, k.DSN = at(created), at(revoked), s.dsn(k.Public, p.ID)
			return k, err
		}, `SELECT public_key, created_at, coalesce(revoked_at, 0) FROM observe_project_key WHERE project = ? ORDER BY created_at DESC LIMIT ?`, p.ID, maxKeys)
		if err != nil {
			return nil, err
		}
		p.Keys = append(p.Keys, keys...)
	}
	return all, nil
}

func insertProject(tx *store.Tx, p Project) error {
	_, err := tx.Exec(`INSERT INTO observe_project (id, name, events_minute, bytes_minute, created_at) VALUES (?, ?, ?, ?, ?)`,
		p.ID, p.Name, p.EventsMinute, p.BytesMinute, p.CreatedAt.UnixMilli())
	return err
}

func updateProject(tx *store.Tx, p Project) error {
	return tx.ExecOne(`UPDATE observe_project SET name = ?, events_minute = ?, bytes_minute = ?, forward = ?, forward_dsn = ?, forward_host = ? WHERE id = ?`,
		p.Name, p.EventsMinute, p.BytesMinute, p.Forward, p.sealed, p.ForwardHost, p.ID)
}

func insertKey(tx *store.Tx, project int64, key string) error {
	_, err := tx.Exec(`INSERT INTO observe_project_key (public_key, project, created_at) VALUES (?, ?, ?)`, key, project, tx.Now().UnixMilli())
	return err
}

// forgetKey makes room for a key. Where all work there is none.
func forgetKey(tx *store.Tx, project int64) error {
	n, err := tx.Exec(`DELETE FROM observe_project_key WHERE public_key IN
		(SELECT public_key FROM observe_project_key WHERE project = ? AND revoked_at IS NOT NULL ORDER BY created_at LIMIT 1)`, project)
	if err == nil && n == 0 {
		return web.Invalid(web.Field{Field: "project", Code: "too_many", Message: "The project has as many keys as it can have. Revoke one first."})
	}
	return err
}

func revokeKey(tx *store.Tx, project int64, key string) error {
	return tx.ExecOne(`UPDATE observe_project_key SET revoked_at = ? WHERE public_key = ? AND project = ? AND revoked_at IS NULL`, tx.Now().UnixMilli(), key, project)
}
