package auth

import (
	"seaworthy/app/web"
	"seaworthy/store"
)

// Contact is a person who is written to about an org.
type Contact struct{ User, Name, Email string }

// maxHolders bounds how many people are written to about one thing.
const maxHolders = 20

// Holders are the active people whose role in an org gives a permission there, in
// the order of their ids: for what they must know of. There are twenty at most.
func Holders(tx *store.Tx, org, permission string) ([]Contact, error) {
	return store.All(tx, func(r store.Scanner) (c Contact, err error) { return c, r.Scan(&c.User, &c.Name, &c.Email) },
		`SELECT u.id, u.name, e.email FROM auth_membership m JOIN auth_user u ON u.id = m.user_id AND u.status = 'active'
		JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1
		WHERE m.org_id = ? AND EXISTS (SELECT b.id FROM auth_role_binding b JOIN auth_role_permission p ON p.role_id = b.role_id
		WHERE b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = m.org_id AND p.permission IN (?, ?, '*')) ORDER BY m.user_id LIMIT ?`,
		org, permission, web.Area(permission)+":*", maxHolders)
}
