package auth

import (
	"time"

	"seaworthy/store"
)

// user is a row of auth_user with one of its addresses.
type user struct {
	id, name, status, phc string
	email                 address
	verified              bool
	created               time.Time
}

const userColumns = `SELECT u.id, u.name, u.status, coalesce(u.password_phc, ''), e.email, e.email_norm, e.verified_at IS NOT NULL, u.created_at
	FROM auth_email e JOIN auth_user u ON u.id = e.user_id `

func scanUser(r store.Scanner) (u user, err error) {
	var created int64
	err = r.Scan(&u.id, &u.name, &u.status, &u.phc, &u.email.typed, &u.email.norm, &u.verified, &created)
	u.created = time.UnixMilli(created).UTC()
	return u, err
}

// userByID is a user with the primary address.
func userByID(tx *store.Tx, id string) (user, error) {
	return scanUser(tx.QueryRow(userColumns+`WHERE e.user_id = ? AND e.is_primary = 1`, id))
}

// owner is who has verified an address.
func owner(tx *store.Tx, norm string) (user, error) {
	return scanUser(tx.QueryRow(userColumns+`WHERE e.email_norm = ? AND e.verified_at IS NOT NULL`, norm))
}

// newestClaim is the newest of those who claim an address without having verified
// it; one whose account is to be deleted still does.
func newestClaim(tx *store.Tx, norm string) (user, error) {
	return scanUser(tx.QueryRow(userColumns+`WHERE e.email_norm = ? AND e.verified_at IS NULL AND u.status IN ('active', 'deleting')
		ORDER BY e.created_at DESC, u.id DESC LIMIT 1`, norm))
}

// claims are all who claim an address without having verified it, but one.
func claims(tx *store.Tx, norm, but string) ([]user, error) {
	return store.All(tx, scanUser, userColumns+`WHERE e.email_norm = ? AND e.verified_at IS NULL AND u.id <> ? ORDER BY e.created_at`, norm, but)
}

func insertUser(tx *store.Tx, u user) error {
	now := tx.Now().UnixMilli()
	if _, err := tx.Exec(`INSERT INTO auth_user (id, name, status, password_phc, epoch, created_at) VALUES (?, ?, 'active', ?, 0, ?)`,
		u.id, u.name, orNull(u.phc), now); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO auth_email (user_id, email, email_norm, is_primary, created_at) VALUES (?, ?, ?, 1, ?)`,
		u.id, u.email.typed, u.email.norm, now)
	return err
}

func markVerified(tx *store.Tx, userID, norm string) error {
	return tx.ExecOne(`UPDATE auth_email SET verified_at = coalesce(verified_at, ?) WHERE user_id = ? AND email_norm = ?`,
		tx.Now().UnixMilli(), userID, norm)
}

// setPassword sets another password: no device is trusted by the old one.
func setPassword(tx *store.Tx, userID, phc string) error {
	if err := rehash(tx, userID, phc); err != nil {
		return err
	}
	_, err := forgetDevices(tx, userID)
	return err
}

// rehash keeps another hash of the same password.
func rehash(tx *store.Tx, userID, phc string) error {
	return tx.ExecOne(`UPDATE auth_user SET password_phc = ? WHERE id = ?`, phc, userID)
}

// raiseEpoch ends what a user has anywhere: a session lives in its own epoch
// alone, and no device is trusted any more.
func raiseEpoch(tx *store.Tx, userID string) error {
	if _, err := forgetDevices(tx, userID); err != nil {
		return err
	}
	return tx.ExecOne(`UPDATE auth_user SET epoch = epoch + 1 WHERE id = ?`, userID)
}

func setStatus(tx *store.Tx, userID, status string) error {
	return tx.ExecOne(`UPDATE auth_user SET status = ? WHERE id = ?`, status, userID)
}

func insertOrg(tx *store.Tx, id, slug, name, personalUser string) error {
	_, err := tx.Exec(`INSERT INTO auth_org (id, slug, name, personal_user_id, created_at) VALUES (?, ?, ?, ?, ?)`,
		id, slug, name, orNull(personalUser), tx.Now().UnixMilli())
	return err
}

func insertMember(tx *store.Tx, org, userID string) error {
	_, err := tx.Exec(`INSERT INTO auth_membership (org_id, user_id, created_at) VALUES (?, ?, ?)`, org, userID, tx.Now().UnixMilli())
	return err
}

// bindRole gives a user a role in an org, or in the whole instance if org is "".
func bindRole(tx *store.Tx, userID, org, role string) error {
	_, err := tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES (?, 'user', ?, ?, ?, ?)`,
		tx.NewID("rbd"), userID, orNull(org), role, tx.Now().UnixMilli())
	return err
}

func hasOperator(tx *store.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM auth_role_binding WHERE role_id = 'rol_operator' LIMIT 1)`).Scan(&n)
	return n > 0, err
}

// isOperator reports whether a user has the operator's role already.
func isOperator(tx *store.Tx, userID string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT id FROM auth_role_binding WHERE principal_kind = 'user' AND principal_id = ? AND role_id = 'rol_operator' AND org_id IS NULL`, userID).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func personalOrg(tx *store.Tx, userID string) (id string, err error) {
	err = tx.QueryRow(`SELECT id FROM auth_org WHERE personal_user_id = ? AND deleted_at IS NULL`, userID).Scan(&id)
	if isNotFound(err) {
		return "", nil
	}
	return id, err
}
