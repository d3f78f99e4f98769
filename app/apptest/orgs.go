package apptest

import (
	"seaworthy/store"
)

// UserID is the id of whoever has an address.
func (a *App) UserID(email string) string {
	a.T.Helper()
	return a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, email)
}

// SharedOrg makes an org of people who have signed up, by address and role
// ("rol_owner"), and returns its id.
func (a *App) SharedOrg(slug, name string, people map[string]string) (id string) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		id = tx.NewID("org")
		now := tx.Now().UnixMilli()
		if _, err := tx.Exec(`INSERT INTO auth_org (id, slug, name, created_at) VALUES (?, ?, ?, ?)`, id, slug, name, now); err != nil {
			return err
		}
		for email, role := range people {
			if _, err := tx.Exec(`INSERT INTO auth_membership (org_id, user_id, created_at) SELECT ?, user_id, ? FROM auth_email WHERE email_norm = ?`, id, now, email); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at)
				SELECT ?, 'user', user_id, ?, ?, ? FROM auth_email WHERE email_norm = ?`, tx.NewID("rbd"), id, role, now, email); err != nil {
				return err
			}
		}
		return nil
	}))
	return id
}

// Grant gives a person permissions in the whole instance, by a role of its own.
func (a *App) Grant(email string, permissions ...string) {
	a.T.Helper()
	user := a.UserID(email)
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		role := tx.NewID("rol")
		if _, err := tx.Exec(`INSERT INTO auth_role (id, name, scope) VALUES (?, ?, 'instance')`, role, role); err != nil {
			return err
		}
		for _, p := range permissions {
			if _, err := tx.Exec(`INSERT INTO auth_role_permission (role_id, permission) VALUES (?, ?)`, role, p); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, role_id, created_at) VALUES (?, 'user', ?, ?, ?)`,
			tx.NewID("rbd"), user, role, tx.Now().UnixMilli())
		return err
	}))
}

// Ungrant takes away every permission in the whole instance that a person has.
func (a *App) Ungrant(email string) {
	a.T.Helper()
	user := a.UserID(email)
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM auth_role_binding WHERE principal_kind = 'user' AND principal_id = ? AND org_id IS NULL`, user)
		return err
	}))
}
