package auth

import (
	"seaworthy/app/web"
	"seaworthy/store"
)

// orgByName is an org by its id or its slug. What looks like an id is one, so
// that nobody can take an org's place by a slug that reads like its id.
func orgByName(tx *store.Tx, name string) (web.Org, error) {
	o, err := orgNamed(tx, name)
	return o.Org, err
}

func orgNamed(tx *store.Tx, name string) (orgRow, error) {
	if _, isID := store.IDTime(name); isID {
		return orgByID(tx, name)
	}
	return orgBySlug(tx, name)
}

// isMember reports whether an active user belongs to an org; it is ErrNotFound
// for a user who is not active.
func isMember(tx *store.Tx, userID, org string) (member bool, err error) {
	err = tx.QueryRow(`SELECT m.org_id IS NOT NULL FROM auth_user u LEFT JOIN auth_membership m ON m.user_id = u.id AND m.org_id = ?
		WHERE u.id = ? AND u.status = 'active'`, org, userID).Scan(&member)
	return member, err
}
