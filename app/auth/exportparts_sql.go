package auth

import (
	"time"

	"seaworthy/store"
)

// msOrNil is the time of a column that is NULL, read as 0, for never.
func msOrNil(ms int64) *time.Time { return timeOrNil(timeOrZero(ms)) }

func exportedEmails(tx *store.Tx, userID string) ([]exportedEmail, error) {
	return store.All(tx, func(r store.Scanner) (e exportedEmail, err error) {
		var verified, created int64
		err = r.Scan(&e.Email, &e.Primary, &verified, &created)
		e.Verified, e.Created = msOrNil(verified), time.UnixMilli(created).UTC()
		return e, err
	}, `SELECT email, is_primary, coalesce(verified_at, 0), created_at FROM auth_email WHERE user_id = ? ORDER BY email_norm`, userID)
}

func exportedSessions(tx *store.Tx, userID string) ([]exportedSession, error) {
	return store.All(tx, func(r store.Scanner) (e exportedSession, err error) {
		var created, seen, revoked int64
		err = r.Scan(&e.ID, &e.Kind, &e.Device, &e.Method, &e.IP, &e.UA, &created, &seen, &revoked, &e.Reason)
		e.Created, e.LastSeen, e.Ended = time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC(), msOrNil(revoked)
		return e, err
	}, `SELECT id, kind, coalesce(device_id, ''), amr, ip, ua, created_at, last_seen_at, coalesce(revoked_at, 0), coalesce(reason, '')
		FROM auth_session WHERE user_id = ? AND impersonator_id IS NULL ORDER BY id`, userID)
}

func exportedDevices(tx *store.Tx, userID string) ([]exportedDevice, error) {
	return store.All(tx, func(r store.Scanner) (e exportedDevice, err error) {
		var first, last int64
		err = r.Scan(&e.ID, &e.Label, &first, &last)
		e.FirstSeen, e.LastSeen = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		return e, err
	}, `SELECT id, label, first_seen_at, last_seen_at FROM auth_device WHERE user_id = ? ORDER BY id`, userID)
}

func exportedOrgs(tx *store.Tx, userID string) ([]exportedOrg, error) {
	return store.All(tx, func(r store.Scanner) (e exportedOrg, err error) {
		var since int64
		err = r.Scan(&e.ID, &e.Name, &e.Slug, &e.Role, &since)
		e.Since = time.UnixMilli(since).UTC()
		return e, err
	}, `SELECT o.id, o.name, o.slug, coalesce((SELECT min(r.name) FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id
			WHERE b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = o.id), ''), m.created_at
		FROM auth_membership m JOIN auth_org o ON o.id = m.org_id WHERE m.user_id = ? AND o.deleted_at IS NULL ORDER BY m.org_id`, userID)
}

func exportedFactors(tx *store.Tx, userID string) ([]exportedFactor, error) {
	return store.All(tx, func(r store.Scanner) (e exportedFactor, err error) {
		var created, used int64
		err = r.Scan(&e.ID, &e.Kind, &e.Label, &created, &used)
		e.Created, e.LastUsed = time.UnixMilli(created).UTC(), msOrNil(used)
		return e, err
	}, `SELECT id, kind, label, created_at, coalesce(last_used_at, 0) FROM auth_factor
		WHERE user_id = ? AND confirmed_at IS NOT NULL ORDER BY user_id, kind, id`, userID)
}

func exportedIdentities(tx *store.Tx, userID string) ([]exportedIdentity, error) {
	return store.All(tx, func(r store.Scanner) (e exportedIdentity, err error) {
		var linked, used int64
		err = r.Scan(&e.ID, &e.Provider, &e.Issuer, &e.Subject, &e.Email, &linked, &used)
		e.Linked, e.LastUsed = time.UnixMilli(linked).UTC(), time.UnixMilli(used).UTC()
		return e, err
	}, `SELECT id, provider, issuer, sub, email, created_at, last_used_at FROM auth_identity WHERE user_id = ? ORDER BY id`, userID)
}

func exportedKeys(tx *store.Tx, userID string) ([]exportedKey, error) {
	return store.All(tx, func(r store.Scanner) (e exportedKey, err error) {
		var created, expires, used, revoked int64
		err = r.Scan(&e.ID, &e.Name, &e.Prefix, &e.Org, &e.Permissions, &created, &expires, &used, &revoked)
		e.Created, e.Expires, e.LastUsed, e.Revoked = time.UnixMilli(created).UTC(), msOrNil(expires), msOrNil(used), msOrNil(revoked)
		return e, err
	}, `SELECT id, name, prefix, coalesce(org_id, ''), permissions, created_at, coalesce(expires_at, 0), coalesce(last_used_at, 0), coalesce(revoked_at, 0)
		FROM auth_api_key WHERE created_by = ? ORDER BY id`, "user:"+userID)
}
