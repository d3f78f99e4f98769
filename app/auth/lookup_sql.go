package auth

import (
	"context"
	"slices"
	"strings"
	"time"

	"seaworthy/store"
)

// lookup is what every signed-in request asks: a living session, its user and what
// he may do, in one statement and with no column that nobody reads, because half
// of what a look-up costs goes into statements and columns. What it leaves empty
// of a session, sessionByID has.
const lookup = `SELECT s.id, coalesce(s.org_id, ''), coalesce(s.impersonator_id, ''), coalesce(s.own_session_id, ''), s.aal, s.auth_time, coalesce(s.stepup_at, 0),
		s.ip, s.last_seen_at, s.abs_exp, s.scs_data, s.user_id, u.name, e.email, coalesce(e.verified_at, 0),
		coalesce((SELECT string_agg(p.permission, ' ') FROM auth_role_binding b JOIN auth_role_permission p ON p.role_id = b.role_id LEFT JOIN auth_org o ON o.id = b.org_id
			WHERE b.principal_kind = 'user' AND b.principal_id = s.user_id AND (b.org_id IS NULL OR b.org_id = s.org_id) AND o.deleted_at IS NULL), '') || ' ' ||
		coalesce((SELECT string_agg(a.area || ':*', ' ') FROM auth_role_binding b JOIN auth_org o ON o.id = b.org_id JOIN auth_permission_area a ON a.scope = 'org'
			WHERE b.principal_kind = 'user' AND b.principal_id = s.user_id AND b.org_id = s.org_id AND b.role_id = 'rol_owner' AND o.deleted_at IS NULL), '')
	FROM auth_session s JOIN auth_user u ON u.id = s.user_id JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1 `

func scanLookup(r store.Scanner) (*session, error) {
	var se session
	var aal, authTime, stepUp, seen, verified int64 // database/sql converts no int64 for these
	var may string
	if err := r.Scan(&se.id, &se.org, &se.impersonator, &se.own, &aal, &authTime, &stepUp, &se.ip, &seen, &se.absExp, &se.data,
		&se.user.id, &se.user.name, &se.user.email.typed, &verified, &may); err != nil {
		return nil, err
	}
	se.aal, se.user.verified = int(aal), verified != 0
	se.authTime, se.lastSeen, se.stepUp = time.UnixMilli(authTime).UTC(), time.UnixMilli(seen).UTC(), timeOrZero(stepUp)
	se.permissions = strings.Fields(may)
	slices.Sort(se.permissions)
	se.permissions = slices.Compact(se.permissions) // two roles may give the same
	return &se, nil
}

// lookUp finds a session with one statement. Only an impersonation needs more: that
// its operator still stands, in the same commit.
func (s *System) lookUp(ctx context.Context, find func(*store.Tx) (*session, error)) (*session, error) {
	se, err := store.Peek(ctx, s.DB, find)
	if err != nil || se.impersonator == "" {
		return se, err
	}
	return store.Read(ctx, s.DB, func(tx *store.Tx) (*session, error) {
		se, err := find(tx)
		return standing(tx, se, err)
	})
}

// sessionByCookie is the living session of a cookie, as lookup has it; see lookUp.
func sessionByCookie(tx *store.Tx, hash []byte) (*session, error) {
	now := tx.Now().UnixMilli()
	return scanLookup(tx.QueryRow(lookup+`WHERE s.token_hash = ?`+livingSession, hash, now, now))
}

// sessionOf is the living session that an access token hangs off, as lookup has
// it; see lookUp.
func sessionOf(tx *store.Tx, c *accessClaims) (*session, error) {
	now := tx.Now().UnixMilli()
	se, err := scanLookup(tx.QueryRow(lookup+`WHERE s.id = ?`+livingSession+` AND s.user_id = ? AND s.epoch = ? AND s.client_id = ? AND s.kind <> 'browser'`,
		c.Session, now, now, c.Subject, c.Epoch, c.Client))
	if err != nil {
		return nil, err
	}
	se.client, se.scopes = c.Client, c.Scope
	return se, nil
}
