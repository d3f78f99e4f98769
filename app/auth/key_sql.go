package auth

import (
	"slices"
	"strings"
	"time"

	"seaworthy/store"
)

func insertKey(tx *store.Tx, k Key, hash []byte) error {
	var expires *int64
	if !k.Expires.IsZero() {
		ms := k.Expires.UnixMilli()
		expires = &ms
	}
	_, err := tx.Exec(`INSERT INTO auth_api_key (id, org_id, principal_kind, principal_id, name, prefix, hash, permissions, created_by, created_at, expires_at)
		VALUES (?, ?, 'key', ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, orNull(k.Org), k.ID, k.Name, k.Prefix, hash, strings.Join(k.Listed, " "), k.CreatedBy, k.Created.UnixMilli(), expires)
	if err != nil || k.Role == "" {
		return err
	}
	_, err = tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES (?, 'key', ?, ?, ?, ?)`,
		tx.NewID("rbd"), k.ID, k.Org, k.Role, k.Created.UnixMilli())
	return err
}

const (
	keyFields = `SELECT k.id, coalesce(k.org_id, ''), coalesce(o.slug, ''), k.name, k.prefix, k.permissions, k.created_by, k.created_at,
		coalesce(k.expires_at, 0), coalesce(k.last_used_at, 0), coalesce(k.revoked_at, 0), coalesce(r.id, ''), coalesce(r.name, '')`
	keyTables = ` FROM auth_api_key k LEFT JOIN auth_org o ON o.id = k.org_id
		LEFT JOIN auth_role_binding b ON b.principal_kind = 'key' AND b.principal_id = k.id AND b.org_id = k.org_id
		LEFT JOIN auth_role r ON r.id = b.role_id `
	keyColumns = keyFields + keyTables

	// keyLookup is what every request with a key asks, with what its role gives: all in one
	// statement, which store.Peek reads without a transaction.
	keyLookup = keyFields + `, coalesce((SELECT string_agg(p.permission, ' ') FROM auth_role_permission p WHERE p.role_id = r.id), '') || ' ' ||
		coalesce((SELECT string_agg(a.area || ':*', ' ') FROM auth_permission_area a WHERE a.scope = 'org' AND r.id = 'rol_owner'), '')` + keyTables

	// livingKey takes the time. A key that acts for somebody else than itself is no
	// business of this release. One of a personal org lives as its person does.
	livingKey = ` AND k.principal_kind = 'key' AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) AND o.deleted_at IS NULL
		AND (o.personal_user_id IS NULL OR (SELECT u.status FROM auth_user u WHERE u.id = o.personal_user_id) = 'active')`
)

func scanKey(r store.Scanner) (Key, error) { return scanKeyAnd(r) }

// scanKeyAnd scans a key and columns that follow.
func scanKeyAnd(r store.Scanner, more ...any) (k Key, err error) {
	var permissions string
	var created, expires, used, revoked int64
	err = r.Scan(append([]any{&k.ID, &k.Org, &k.OrgSlug, &k.Name, &k.Prefix, &permissions, &k.CreatedBy, &created, &expires, &used, &revoked, &k.Role, &k.RoleName}, more...)...)
	k.Permissions = strings.Fields(permissions)
	k.Listed = k.Permissions
	k.Created, k.Expires, k.LastUsed, k.Revoked = timeOrZero(created), timeOrZero(expires), timeOrZero(used), timeOrZero(revoked)
	return k, err
}

// keyBySecret is the living key of a secret's hash; one statement.
func keyBySecret(tx *store.Tx, hash []byte) (Key, error) {
	return scanLivingKey(tx.QueryRow(keyLookup+`WHERE k.hash = ?`+livingKey, hash, tx.Now().UnixMilli()))
}

// keyByID is a living key; one statement.
func keyByID(tx *store.Tx, id string) (Key, error) {
	return scanLivingKey(tx.QueryRow(keyLookup+`WHERE k.id = ?`+livingKey, id, tx.Now().UnixMilli()))
}

// scanLivingKey adds what a key's role gives to what it lists itself.
func scanLivingKey(r store.Scanner) (Key, error) {
	var gives string
	k, err := scanKeyAnd(r, &gives)
	if k.Role != "" {
		k.Permissions = slices.Compact(slices.Sorted(slices.Values(slices.Concat(k.Listed, strings.Fields(gives)))))
	}
	return k, err
}

// anyKey is a key by its id, living or not.
func anyKey(tx *store.Tx, id string) (Key, error) {
	return scanKey(tx.QueryRow(keyColumns+`WHERE k.id = ?`, id))
}

// selectKeys are the keys of an org, of the whole instance for "", or all of
// them, the newest first.
func selectKeys(tx *store.Tx, org, before string, limit int) ([]Key, error) {
	if before == "" {
		before = "key_~"
	}
	switch org {
	case AnyOrg:
		return store.All(tx, scanKey, keyColumns+`WHERE k.id < ? ORDER BY k.id DESC LIMIT ?`, before, limit)
	case "":
		return store.All(tx, scanKey, keyColumns+`WHERE k.org_id IS NULL AND k.id < ? ORDER BY k.id DESC LIMIT ?`, before, limit)
	}
	return store.All(tx, scanKey, keyColumns+`WHERE k.org_id = ? AND k.id < ? ORDER BY k.id DESC LIMIT ?`, org, before, limit)
}

// keysMadeBy are the keys that somebody made, in any org, newest first.
func keysMadeBy(tx *store.Tx, maker, before string, limit int) ([]Key, error) {
	if before == "" {
		before = "key_~"
	}
	return store.All(tx, scanKey, keyColumns+`WHERE k.created_by = ? AND k.id < ? ORDER BY k.id DESC LIMIT ?`, maker, before, limit)
}

// instanceKeysMadeBy are the ids of the keys of the whole instance that somebody
// made since a time, revoked ones too.
func instanceKeysMadeBy(tx *store.Tx, maker string, since time.Time) ([]string, error) {
	return store.All(tx, text, `SELECT id FROM auth_api_key WHERE created_by = ? AND org_id IS NULL AND created_at >= ? ORDER BY id`, maker, since.UnixMilli())
}

func revokeKey(tx *store.Tx, id string) error {
	return tx.ExecOne(`UPDATE auth_api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, tx.Now().UnixMilli(), id)
}

func touchKey(tx *store.Tx, id string, at int64) error {
	_, err := tx.Exec(`UPDATE auth_api_key SET last_used_at = ? WHERE id = ?`, at, id)
	return err
}
