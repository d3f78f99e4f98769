package auth

import "seaworthy/store"

// Planner says which plan an org is on, "" for none, and which features that gives.
type Planner interface {
	PlanIn(tx *store.Tx, org string) (plan string, features []string, err error)
}

// planIn is what an org pays for: "" and none without an org or a Planner.
func (s *System) planIn(tx *store.Tx, org string) (plan string, features []string, err error) {
	if s.Plans == nil || org == "" {
		return "", nil, nil
	}
	return s.Plans.PlanIn(tx, org)
}

// Facts are what is known of an active user where he works in an org, "" for his
// personal one: what feature flags and the app's own rules can go by without the app
// sending it. It returns store.ErrNotFound for somebody who is not active.
//
// "email" is personal: callers keep it from what browsers can read.
func (s *System) Facts(tx *store.Tx, userID, org string) (map[string]any, error) {
	var email, slug string
	var verified bool
	var created int64
	err := tx.QueryRow(`SELECT e.email, e.verified_at IS NOT NULL, u.created_at FROM auth_user u JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1
		WHERE u.id = ? AND u.status = 'active'`, userID).Scan(&email, &verified, &created)
	if err != nil {
		return nil, err
	}
	err = tx.QueryRow(`SELECT o.id, o.slug FROM auth_org o JOIN auth_membership m ON m.org_id = o.id AND m.user_id = ?
		WHERE o.id = coalesce(?, (SELECT p.id FROM auth_org p WHERE p.personal_user_id = ?)) AND o.deleted_at IS NULL`, userID, orNull(org), userID).Scan(&org, &slug)
	if isNotFound(err) {
		org, err = "", nil
	}
	if err != nil {
		return nil, err
	}
	roles, err := rolesIn(tx, userID, org)
	if err != nil {
		return nil, err
	}
	plan, features, err := s.planIn(tx, org)
	if err != nil {
		return nil, err
	}
	entitlements := []any{}
	for _, f := range features {
		entitlements = append(entitlements, f)
	}
	return map[string]any{"targetingKey": userID, "user": userID, "email": email, "email_verified": verified, "org": org, "org_slug": slug, "roles": roles, "plan": plan, "entitlements": entitlements,
		"signed_up_at": float64(created / 1000)}, nil // seconds, as $flagd.timestamp counts
}

// rolesIn are the names of the roles of a user in an org and in the whole
// installation, as rules take them.
func rolesIn(tx *store.Tx, userID, org string) ([]any, error) {
	all, err := roles(tx, userID, org)
	names := []any{}
	for _, name := range all {
		names = append(names, name)
	}
	return names, err
}
