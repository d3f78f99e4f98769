package auth

import (
	"time"

	"seaworthy/store"
)

// Person is a user as a list shows one.
type Person struct {
	ID, Name, Email, Status string
	Verified                bool
	Created, LastSeen       time.Time // LastSeen is zero for never
}

// People returns users, newest first: those before the id, and of those the ones
// whose address begins with prefix, if it is not empty.
func People(tx *store.Tx, prefix, before string, limit int) ([]Person, error) {
	if before == "" {
		before = "usr_~"
	}
	if prefix != "" {
		return store.All(tx, scanPerson, personColumns+`FROM auth_email e JOIN auth_user u ON u.id = e.user_id
			WHERE e.is_primary = 1 AND e.email_norm >= ? AND e.email_norm < ? AND u.id < ?
			ORDER BY u.id DESC LIMIT ?`, prefix, prefix+"\U0010FFFF", before, limit)
	}
	return store.All(tx, scanPerson, personColumns+`FROM auth_user u LEFT JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1
		WHERE u.id < ? ORDER BY u.id DESC LIMIT ?`, before, limit)
}

const personColumns = `SELECT u.id, u.name, coalesce(e.email, ''), e.verified_at IS NOT NULL, u.status, u.created_at,
	coalesce((SELECT max(s.last_seen_at) FROM auth_session s WHERE s.user_id = u.id), 0) `

func scanPerson(r store.Scanner) (p Person, err error) {
	var created, seen int64
	err = r.Scan(&p.ID, &p.Name, &p.Email, &p.Verified, &p.Status, &created, &seen)
	p.Created = time.UnixMilli(created).UTC()
	if seen > 0 {
		p.LastSeen = time.UnixMilli(seen).UTC()
	}
	return p, err
}

// SignUpsSince counts users made since a time, up to a limit that bounds the work.
func SignUpsSince(tx *store.Tx, since time.Time, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM auth_user WHERE created_at >= ? LIMIT ?)`, since.UnixMilli(), limit).Scan(&n)
	return n, err
}
