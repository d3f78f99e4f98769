package auth

import (
	"time"

	"seaworthy/store"
)

// personColumns end where the key stands that a search found somebody by.
const (
	personColumns = `SELECT u.id, u.name, coalesce(e.email, ''), e.verified_at IS NOT NULL, u.status, u.created_at,
		coalesce((SELECT max(s.last_seen_at) FROM auth_session s WHERE s.user_id = u.id AND s.impersonator_id IS NULL), 0),
		EXISTS (SELECT b.id FROM auth_role_binding b WHERE b.principal_kind = 'user' AND b.principal_id = u.id AND b.role_id = 'rol_operator' AND b.org_id IS NULL), `
	fromUser = `FROM auth_user u LEFT JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1 `
	// andOnly takes what a list is narrowed to four times.
	andOnly = ` AND (? = '' OR u.status = ? OR (? = 'unverified' AND u.status = 'active' AND e.verified_at IS NULL)
		OR (? = 'operators' AND EXISTS (SELECT b.id FROM auth_role_binding b WHERE b.principal_kind = 'user' AND b.principal_id = u.id AND b.role_id = 'rol_operator' AND b.org_id IS NULL)))`
)

func scanPerson(r store.Scanner) (p Person, err error) {
	var created, seen int64
	err = r.Scan(&p.ID, &p.Name, &p.Email, &p.Verified, &p.Status, &created, &seen, &p.Operator, &p.key)
	p.Created, p.LastSeen = time.UnixMilli(created).UTC(), timeOrZero(seen)
	return p, err
}

func personByID(tx *store.Tx, id string) (Person, error) {
	return scanPerson(tx.QueryRow(personColumns+`'' `+fromUser+`WHERE u.id = ?`, id))
}

func newestPeople(tx *store.Tx, before string, limit int) ([]Person, error) {
	return store.All(tx, scanPerson, personColumns+`'' `+fromUser+`WHERE u.id < ? ORDER BY u.id DESC LIMIT ?`, before, limit)
}

func peopleWith(tx *store.Tx, status, before string, limit int) ([]Person, error) {
	return store.All(tx, scanPerson, personColumns+`'' `+fromUser+`WHERE u.status = ? AND u.id < ? ORDER BY u.id DESC LIMIT ?`, status, before, limit)
}

// unverifiedPeople walks the addresses that are not verified, and not all active
// users for the few of them: so says the coalesce, which no index serves.
func unverifiedPeople(tx *store.Tx, before string, limit int) ([]Person, error) {
	return store.All(tx, scanPerson, personColumns+`'' FROM auth_email e JOIN auth_user u ON u.id = e.user_id
		WHERE e.is_primary = 1 AND e.verified_at IS NULL AND e.user_id < ? AND coalesce(u.status, '') = 'active' ORDER BY e.user_id DESC LIMIT ?`, before, limit)
}

// operators walks those who hold the role: so says the coalesce. The index on who holds what would be walked
// over everybody.
func operators(tx *store.Tx, before string, limit int) ([]Person, error) {
	return store.All(tx, scanPerson, personColumns+`'' FROM auth_role_binding h JOIN auth_user u ON u.id = h.principal_id
		LEFT JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1
		WHERE h.role_id = 'rol_operator' AND h.org_id IS NULL AND coalesce(h.principal_kind, '') = 'user' AND h.principal_id < ? ORDER BY h.principal_id DESC LIMIT ?`, before, limit)
}

func peopleByID(tx *store.Tx, q search, limit int) ([]Person, error) {
	return store.All(tx, scanPerson, personColumns+`'' `+fromUser+`WHERE u.id >= ? AND u.id < ? AND u.id < ?`+andOnly+` ORDER BY u.id DESC LIMIT ?`,
		q.prefix, q.end, q.before, q.only, q.only, q.only, q.only, limit)
}

func peopleByAddress(tx *store.Tx, q search, limit int) ([]Person, error) {
	return store.All(tx, scanPerson, personColumns+`e.email_norm FROM auth_email e JOIN auth_user u ON u.id = e.user_id
		WHERE e.is_primary = 1 AND e.email_norm >= ? AND e.email_norm < ? AND (e.email_norm > ? OR e.user_id > ?)`+andOnly+`
		ORDER BY e.email_norm, e.user_id LIMIT ?`,
		q.afterKey, q.end, q.afterKey, q.afterID, q.only, q.only, q.only, q.only, limit)
}

// mostNames is about how many names a page of a search looks past whose owners' addresses begin so too: with
// a short beginning that is everybody.
const mostNames = 1000

// namesEnd is where the names end that one page of a search looks at: the name behind the last of them.
func namesEnd(tx *store.Tx, q search) (end string, err error) {
	all, err := store.All(tx, text,
		`SELECT lower(name) FROM auth_user WHERE lower(name) >= ? AND lower(name) < ? ORDER BY lower(name), id LIMIT ?`, q.afterKey, q.end, mostNames)
	if err != nil || len(all) < mostNames {
		return q.end, err
	}
	return all[mostNames-1] + "\x00", nil
}

// peopleByName leaves out those whose address begins so too: a search finds
// everybody once.
func peopleByName(tx *store.Tx, q search, limit int) ([]Person, error) {
	end, err := namesEnd(tx, q)
	if err != nil {
		return nil, err
	}
	return store.All(tx, scanPerson, personColumns+`lower(u.name) `+fromUser+`
		WHERE lower(u.name) >= ? AND lower(u.name) < ? AND (lower(u.name) > ? OR u.id > ?)
		AND NOT (coalesce(e.email_norm, '') >= ? AND coalesce(e.email_norm, '') < ?)`+andOnly+`
		ORDER BY lower(u.name), u.id LIMIT ?`,
		q.afterKey, end, q.afterKey, q.afterID, q.prefix, q.end, q.only, q.only, q.only, q.only, limit)
}

// manyMembers bounds how far a list counts the members of an org.
const manyMembers = 100

const (
	orgRowColumns = `SELECT o.id, o.slug, o.name, coalesce(o.personal_user_id, ''), o.created_at, coalesce(o.deleted_at, 0),
		(SELECT count(*) FROM (SELECT m.user_id FROM auth_membership m WHERE m.org_id = o.id LIMIT 100)), `
	// andOrgs takes what a list is narrowed to four times.
	andOrgs = ` AND (? = '' OR (? = 'deleted' AND o.deleted_at IS NOT NULL) OR (? = 'shared' AND o.personal_user_id IS NULL)
		OR (? = 'personal' AND o.personal_user_id IS NOT NULL))`
)

func scanOrgRow(r store.Scanner) (o OrgRow, err error) {
	var created, deleted int64
	err = r.Scan(&o.ID, &o.Slug, &o.Name, &o.PersonalOf, &created, &deleted, &o.Members, &o.key)
	o.Created, o.Deleted = time.UnixMilli(created).UTC(), timeOrZero(deleted)
	return o, err
}

func anyOrg(tx *store.Tx, id string) (OrgRow, error) {
	return scanOrgRow(tx.QueryRow(orgRowColumns+`'' FROM auth_org o WHERE o.id = ?`, id))
}

func newestOrgs(tx *store.Tx, q search, limit int) ([]OrgRow, error) {
	switch q.only {
	case "deleted":
		return store.All(tx, scanOrgRow, orgRowColumns+`'' FROM auth_org o WHERE o.deleted_at IS NOT NULL AND o.id < ? ORDER BY o.id DESC LIMIT ?`, q.before, limit)
	case "shared":
		return store.All(tx, scanOrgRow, orgRowColumns+`'' FROM auth_org o WHERE o.personal_user_id IS NULL AND o.id < ? ORDER BY o.id DESC LIMIT ?`, q.before, limit)
	case "personal":
		return store.All(tx, scanOrgRow, orgRowColumns+`'' FROM auth_org o WHERE o.personal_user_id IS NOT NULL AND o.id < ? ORDER BY o.id DESC LIMIT ?`, q.before, limit)
	}
	return store.All(tx, scanOrgRow, orgRowColumns+`'' FROM auth_org o WHERE o.id < ? ORDER BY o.id DESC LIMIT ?`, q.before, limit)
}

func orgsByID(tx *store.Tx, q search, limit int) ([]OrgRow, error) {
	return store.All(tx, scanOrgRow, orgRowColumns+`'' FROM auth_org o WHERE o.id >= ? AND o.id < ? AND o.id < ?`+andOrgs+` ORDER BY o.id DESC LIMIT ?`,
		q.prefix, q.end, q.before, q.only, q.only, q.only, q.only, limit)
}

func orgsBySlug(tx *store.Tx, q search, limit int) ([]OrgRow, error) {
	return store.All(tx, scanOrgRow, orgRowColumns+`o.slug FROM auth_org o WHERE o.slug >= ? AND o.slug < ? AND (o.slug > ? OR o.id > ?)`+andOrgs+`
		ORDER BY o.slug, o.id LIMIT ?`, q.afterKey, q.end, q.afterKey, q.afterID, q.only, q.only, q.only, q.only, limit)
}

// orgsByName leaves out those whose slug begins so too.
func orgsByName(tx *store.Tx, q search, limit int) ([]OrgRow, error) {
	return store.All(tx, scanOrgRow, orgRowColumns+`lower(o.name) FROM auth_org o
		WHERE lower(o.name) >= ? AND lower(o.name) < ? AND (lower(o.name) > ? OR o.id > ?) AND NOT (o.slug >= ? AND o.slug < ?)`+andOrgs+`
		ORDER BY lower(o.name), o.id LIMIT ?`,
		q.afterKey, q.end, q.afterKey, q.afterID, q.prefix, q.end, q.only, q.only, q.only, q.only, limit)
}
