package auth

import (
	"net/http"
	"slices"

	"seaworthy/app/web"
	"seaworthy/store"
)

// roleColumn is a role in the matrix.
type roleColumn struct {
	Role
	Own bool // made by this org, and whoever looks can change it
}

// Gives reports whether the role gives a permission.
func (c roleColumn) Gives(permission string) bool { return can(c.Permissions, permission) }

// permissionRow is a permission in the matrix.
type permissionRow struct {
	web.PermissionKind
	May bool // whoever looks has it, and so can give it
}

type rolesData struct {
	Done        string
	Roles       []roleColumn
	Own         []Role // of the org itself
	Permissions []permissionRow
	MayManage   bool
	Chosen      map[string]bool // permissions of the new role, when the form is shown again
}

var rolesDone = map[string]string{"made": "The role is made. Give it to members on their page.", "saved": "The role is saved. It counts from now on for everybody who has it.",
	"deleted": "The role is deleted."}

func (s *System) rolesData(r *http.Request) (d rolesData, err error) {
	org, id := web.OriginOf(r.Context()).Org, web.IdentityOf(r.Context())
	d = rolesData{Done: rolesDone[r.URL.Query().Get("done")], MayManage: id.Can(permRoles)}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		kinds, err := s.inOrgs(tx)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			d.Permissions = append(d.Permissions, permissionRow{k, id.Can(k.Name)})
		}
		roles, err := selectRoles(tx, org.ID)
		if err != nil {
			return err
		}
		mine := givable(id, roles)
		for _, role := range roles {
			own := role.Org == org.ID
			may := slices.ContainsFunc(mine, func(m Role) bool { return m.ID == role.ID })
			d.Roles = append(d.Roles, roleColumn{role, own && may && d.MayManage})
			if own {
				d.Own = append(d.Own, role)
			}
		}
		return nil
	})
	return d, err
}

func (s *System) rolesPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.rolesData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/roles", web.View{Title: "Roles", Data: data})
}

// rolesAgain shows the page again with what is wrong with a form of it.
func (s *System) rolesAgain(w http.ResponseWriter, r *http.Request, typed roleFormInput, err error) error {
	if web.AsError(err).Status == http.StatusNotFound {
		return err
	}
	data, failed := s.rolesData(r)
	if failed != nil {
		return failed
	}
	data.Chosen = map[string]bool{}
	for _, p := range typed.Permissions {
		data.Chosen[p] = true
	}
	return s.again(w, r, "auth/roles", web.View{Title: "Roles", Data: data}, map[string]string{"name": typed.Name}, err)
}

type roleFormInput struct {
	Role        string   `json:"role,omitempty"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions,omitempty"`
}

func (s *System) makeRoleForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[roleFormInput](r)
	if err != nil {
		return err
	}
	if _, err := s.makeRole(r.Context(), web.OriginOf(r.Context()).Org.ID, roleInput{in.Name, in.Permissions}); err != nil {
		return s.rolesAgain(w, r, in, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/roles?done=made")
}

func (s *System) saveRoleForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[roleFormInput](r)
	if err != nil {
		return err
	}
	if _, err := s.changeRole(r.Context(), web.OriginOf(r.Context()).Org.ID, in.Role, roleChange{Name: &in.Name, Permissions: &in.Permissions}); err != nil {
		return s.rolesAgain(w, r, roleFormInput{}, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/roles?done=saved")
}

type deleteRoleInput struct {
	Role        string `json:"role"`
	Replacement string `json:"replacement,omitempty"`
}

func (s *System) deleteRoleForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[deleteRoleInput](r)
	if err != nil {
		return err
	}
	if err := s.deleteRole(r.Context(), web.OriginOf(r.Context()).Org.ID, in.Role, in.Replacement); err != nil {
		return s.rolesAgain(w, r, roleFormInput{}, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/roles?done=deleted")
}
