package flags

import (
	"time"

	"seaworthy/store"
)

const flagColumns = `SELECT f.key, f.definition, f.version, f.state, f.owner, coalesce(f.expires_at, 0), f.created_at, f.changed_at, coalesce(f.archived_at, 0),
	coalesce(u.last_at, 0), coalesce(u.variant, ''), coalesce(u.variant_since, 0) FROM flags_flag f LEFT JOIN flags_use u ON u.key = f.key `

func scanFlag(r store.Scanner) (f Flag, err error) {
	var expires, created, changed, archived, last, since int64
	err = r.Scan(&f.Key, &f.Definition, &f.Version, &f.State, &f.Owner, &expires, &created, &changed, &archived, &last, &f.Use.Variant, &since)
	f.Expires, f.Created, f.Changed, f.Archived = at(expires), at(created), at(changed), at(archived)
	f.Use.Last, f.Use.Since = at(last), at(since)
	return f, err
}

// at is a stored time; zero for none.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ms is a time as it is stored; NULL for none.
func ms(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMilli()
	return &n
}

// FlagByKey is a flag, archived ones too; store.ErrNotFound without it.
func FlagByKey(tx *store.Tx, key string) (Flag, error) {
	return scanFlag(tx.QueryRow(flagColumns+`WHERE f.key = ?`, key))
}

// List is a page of flags by key. Those that are killed are also those that the
// switch over many flags kills.
func List(tx *store.Tx, f Filter) ([]Flag, error) {
	if f.State == Killed {
		k, err := KillState(tx)
		if err != nil {
			return nil, err
		}
		if k.On() {
			return listKilled(tx, f, k)
		}
	}
	return list(tx, f)
}

// killedBatch is how many flags are looked at at once for those that the switch kills:
// which it does stands in definitions.
const killedBatch = 500

func listKilled(tx *store.Tx, f Filter, k Kill) (found []Flag, err error) {
	all := f
	all.State, all.Limit = "", killedBatch
	for {
		batch, err := list(tx, all)
		if err != nil {
			return nil, err
		}
		for _, one := range batch {
			d, _ := ReadDefinition(one.Definition)
			if one.State == Killed || one.State != Faulty && k.kills(d) {
				found = append(found, one)
			}
			if len(found) == f.Limit {
				return found, nil
			}
		}
		if len(batch) < killedBatch {
			return found, nil
		}
		all.After = batch[len(batch)-1].Key
	}
}

func list(tx *store.Tx, f Filter) ([]Flag, error) {
	old, now := tx.Now().Add(-staleAfter).UnixMilli(), tx.Now().UnixMilli()
	return store.All(tx, scanFlag, flagColumns+`WHERE f.key > ? AND f.key >= ? AND f.key < ? AND ((? = '' AND f.state <> 'archived') OR f.state = ?) AND (? = '' OR f.owner = ?)
		AND (? = '' OR EXISTS (SELECT r.to_name FROM flags_reference r WHERE r.from_kind = 'flag' AND r.from_name = f.key AND r.to_kind = 'tag' AND r.to_name = ?))
		AND (? = 0 OR coalesce(f.expires_at, ?) < ? OR coalesce(u.last_at, f.created_at) < ? OR (coalesce(u.variant, '') <> '' AND u.variant_since < ? AND f.changed_at < ?))
		ORDER BY f.key LIMIT ?`,
		f.After, f.Query, f.Query+"\U0010FFFF", string(f.State), string(f.State), f.Owner, f.Owner, f.Tag, f.Tag, flag(f.Stale), now, now, old, old, old, f.Limit)
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

// liveBatch is how many flags are read at once where all are.
const liveBatch = 500

// eachLive calls fn with each flag that is evaluated, by key.
func eachLive(tx *store.Tx, fn func(Flag) error) error {
	for after := ""; ; {
		batch, err := store.All(tx, scanFlag, flagColumns+`WHERE f.key > ? AND f.state <> 'archived' ORDER BY f.key LIMIT ?`, after, liveBatch)
		if err != nil {
			return err
		}
		for _, f := range batch {
			if err := fn(f); err != nil {
				return err
			}
		}
		if len(batch) < liveBatch {
			return nil
		}
		after = batch[len(batch)-1].Key
	}
}

func insertFlag(tx *store.Tx, f Flag) error {
	_, err := tx.Exec(`INSERT INTO flags_flag (key, definition, version, state, owner, expires_at, created_at, changed_at, archived_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.Key, f.Definition, f.Version, string(f.State), f.Owner, ms(f.Expires), f.Created.UnixMilli(), f.Changed.UnixMilli(), ms(f.Archived))
	return err
}

func updateFlag(tx *store.Tx, f Flag) error {
	return tx.ExecOne(`UPDATE flags_flag SET definition = ?, version = ?, state = ?, owner = ?, expires_at = ?, changed_at = ?, archived_at = ? WHERE key = ?`,
		f.Definition, f.Version, string(f.State), f.Owner, ms(f.Expires), f.Changed.UnixMilli(), ms(f.Archived), f.Key)
}

func insertVersion(tx *store.Tx, key string, v Version) error {
	_, err := tx.Exec(`INSERT INTO flags_version (key, version, act, definition, comment, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		key, v.Number, v.Act, v.Definition, v.Comment, v.By, v.At.UnixMilli())
	return err
}

func scanVersion(r store.Scanner) (v Version, err error) {
	var made int64
	err = r.Scan(&v.Number, &v.Act, &v.Definition, &v.Comment, &v.By, &made)
	v.At = at(made)
	return v, err
}

// History is a page of a flag's versions, the newest first, below a number.
func History(tx *store.Tx, key string, below, limit int) ([]Version, error) {
	return store.All(tx, scanVersion, `SELECT version, act, definition, comment, made_by, made_at FROM flags_version WHERE key = ? AND version < ? ORDER BY version DESC LIMIT ?`, key, below, limit)
}

// VersionOf is one version of a flag.
func VersionOf(tx *store.Tx, key string, number int) (Version, error) {
	return scanVersion(tx.QueryRow(`SELECT version, act, definition, comment, made_by, made_at FROM flags_version WHERE key = ? AND version = ?`, key, number))
}
