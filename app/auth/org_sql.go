package auth

import (
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// orgRow is a row of auth_org that is not deleted.
type orgRow struct {
	web.Org
	personal   string // whose personal org it is; "" for one of several people
	requireMFA bool
	created    time.Time
}

const orgColumns = `SELECT o.id, o.slug, o.name, coalesce(o.personal_user_id, ''), o.require_mfa, o.created_at FROM auth_org o `

func scanOrg(r store.Scanner) (o orgRow, err error) {
	var created int64
	err = r.Scan(&o.ID, &o.Slug, &o.Name, &o.personal, &o.requireMFA, &created)
	o.created = timeOrZero(created)
	return o, err
}

func orgByID(tx *store.Tx, id string) (orgRow, error) {
	return scanOrg(tx.QueryRow(orgColumns+`WHERE o.id = ? AND o.deleted_at IS NULL`, id))
}

// orgBySlug finds an org by its slug, or by one it had before.
func orgBySlug(tx *store.Tx, slug string) (orgRow, error) {
	o, err := scanOrg(tx.QueryRow(orgColumns+`WHERE o.slug = ? AND o.deleted_at IS NULL`, slug))
	if isNotFound(err) {
		return scanOrg(tx.QueryRow(orgColumns+`JOIN auth_old_slug f ON f.org_id = o.id WHERE f.slug = ? AND o.deleted_at IS NULL`, slug))
	}
	return o, err
}

// slugHolder is the id of the org, deleted or not, that has a slug or had it.
func slugHolder(tx *store.Tx, slug string) (id string, err error) {
	err = tx.QueryRow(`SELECT id FROM auth_org WHERE slug = ?`, slug).Scan(&id)
	if isNotFound(err) {
		err = tx.QueryRow(`SELECT org_id FROM auth_old_slug WHERE slug = ?`, slug).Scan(&id)
	}
	return id, err
}

// keepSlug lets an org be found by a slug that it gives up, and forgets the
// earliest ones beyond slugsHeld.
func keepSlug(tx *store.Tx, org, old, now string) error {
	if _, err := tx.Exec(`DELETE FROM auth_old_slug WHERE slug = ? AND org_id = ?`, now, org); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO auth_old_slug (slug, org_id, created_at) VALUES (?, ?, ?)`, old, org, tx.Now().UnixMilli()); err != nil {
		return err
	}
	held, err := store.All(tx, text, `SELECT slug FROM auth_old_slug WHERE org_id = ? ORDER BY created_at DESC`, org)
	if err != nil {
		return err
	}
	for _, slug := range held[min(len(held), slugsHeld):] {
		if _, err := tx.Exec(`DELETE FROM auth_old_slug WHERE slug = ?`, slug); err != nil {
			return err
		}
	}
	return nil
}

func updateOrg(tx *store.Tx, o orgRow) error {
	return tx.ExecOne(`UPDATE auth_org SET name = ?, slug = ?, require_mfa = ? WHERE id = ? AND deleted_at IS NULL`, o.Name, o.Slug, boolInt(o.requireMFA), o.ID)
}

// setSessionOrg makes an org the one that a living session works in, and reports
// whether it does: with one factor none works in an org that asks for two.
func setSessionOrg(tx *store.Tx, session, org string) (bool, error) {
	n, err := tx.Exec(`UPDATE auth_session SET org_id = ? WHERE id = ? AND revoked_at IS NULL
		AND (aal > 1 OR EXISTS (SELECT o.id FROM auth_org o WHERE o.id = ? AND o.require_mfa = 0))`, org, session, org)
	return n > 0, err
}

const goHome = `UPDATE auth_session SET org_id = (SELECT o.id FROM auth_org o WHERE o.personal_user_id = auth_session.user_id AND o.deleted_at IS NULL)
	WHERE revoked_at IS NULL AND org_id = ? `

// sendHome lets the browsers of one user that work in an org go on in his
// personal one. His programs keep theirs: they hold tokens that name the org, and
// the next refresh is refused (spec/auth.md section 5, case 12).
func sendHome(tx *store.Tx, org, userID string) error {
	_, err := tx.Exec(goHome+`AND user_id = ? AND kind = 'browser'`, org, userID)
	return err
}

// sendAllHome does so with the sessions of all members that have less than a
// level of assurance: 2 for those with one factor, 3 for all.
func sendAllHome(tx *store.Tx, org string, below int) error {
	_, err := tx.Exec(goHome+`AND aal < ? AND user_id IN (SELECT m.user_id FROM auth_membership m WHERE m.org_id = ?)`, org, below, org)
	return err
}

// sendWeakHome does so with the sessions of one user that have one factor and work
// in an org that asks for two.
func sendWeakHome(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`UPDATE auth_session SET org_id = (SELECT o.id FROM auth_org o WHERE o.personal_user_id = auth_session.user_id AND o.deleted_at IS NULL)
		WHERE revoked_at IS NULL AND user_id = ? AND aal < 2
		AND EXISTS (SELECT r.id FROM auth_org r WHERE r.id = auth_session.org_id AND r.require_mfa = 1)`, userID)
	return err
}

// Membership is an org a user belongs to.
type Membership struct {
	Name, Slug, Role string
	ID               string
	Personal         bool
}

// maxMemberships bounds how many orgs somebody can belong to.
const maxMemberships = 100

// Memberships are the orgs a user belongs to, by name.
func Memberships(tx *store.Tx, userID string) ([]Membership, error) {
	return store.All(tx, func(r store.Scanner) (m Membership, err error) {
		return m, r.Scan(&m.Name, &m.Slug, &m.Role, &m.ID, &m.Personal)
	}, `SELECT o.name, o.slug, coalesce(min(r.name), ''), o.id, o.personal_user_id IS NOT NULL FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		LEFT JOIN auth_role_binding b ON b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = m.org_id
		LEFT JOIN auth_role r ON r.id = b.role_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL GROUP BY o.id, o.name, o.slug, o.personal_user_id ORDER BY o.name, o.id`, userID)
}

// room refuses one org more than somebody can belong to.
func room(tx *store.Tx, userID string) error {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT org_id FROM auth_membership WHERE user_id = ? LIMIT ?)`, userID, maxMemberships).Scan(&n)
	if err == nil && n >= maxMemberships {
		err = errTooManyOrgs
	}
	return err
}
