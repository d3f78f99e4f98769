package auth

import (
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// The same handlers serve the roles of the org that the path names, and those
// that every org has: OriginOf(ctx).Org is zero for the latter.

// roleJSON is a role as the API gives it.
type roleJSON struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	BuiltIn     bool     `json:"built_in"`
	Everywhere  bool     `json:"every_org"` // not made by this org
	Permissions []string `json:"permissions"`
}

func (r Role) json() roleJSON {
	return roleJSON{ID: r.ID, Name: r.Name, BuiltIn: r.BuiltIn, Everywhere: r.Org == "", Permissions: r.Permissions}
}

type roleList struct {
	Roles []roleJSON `json:"roles"`
}

func (s *System) rolesAPI(w http.ResponseWriter, r *http.Request) error {
	org := web.OriginOf(r.Context()).Org
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Role, error) { return selectRoles(tx, org.ID) })
	if err != nil {
		return err
	}
	out := roleList{Roles: []roleJSON{}}
	for _, role := range all {
		out.Roles = append(out.Roles, role.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) makeRoleAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[roleInput](r)
	if err != nil {
		return err
	}
	role, err := s.makeRole(r.Context(), web.OriginOf(r.Context()).Org.ID, in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, role.json())
}

func (s *System) changeRoleAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[roleChange](r)
	if err != nil {
		return err
	}
	role, err := s.changeRole(r.Context(), web.OriginOf(r.Context()).Org.ID, r.PathValue("role"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, role.json())
}

func (s *System) deleteRoleAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.deleteRole(r.Context(), web.OriginOf(r.Context()).Org.ID, r.PathValue("role"), r.URL.Query().Get("replacement")))
}

// permissionList is the catalogue.
type permissionList struct {
	Permissions []web.PermissionKind `json:"permissions"`
}

func (s *System) permissionsAPI(w http.ResponseWriter, r *http.Request) error {
	return s.answerCatalogue(w, r, s.catalogue)
}

// orgPermissionsAPI is what roles of an org can be made from.
func (s *System) orgPermissionsAPI(w http.ResponseWriter, r *http.Request) error {
	return s.answerCatalogue(w, r, s.inOrgs)
}

func (s *System) answerCatalogue(w http.ResponseWriter, r *http.Request, read func(*store.Tx) ([]web.PermissionKind, error)) error {
	all, err := store.Read(r.Context(), s.DB, read)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, permissionList{all})
}

// permissionInput is what an app says of a permission; its name is in the path.
type permissionInput struct {
	Title string    `json:"title" doc:"What a person reads in a list"`
	Means string    `json:"description,omitempty" doc:"A sentence"`
	Scope web.Scope `json:"scope,omitempty" doc:"org, as if left out, or instance"`
	Roles *[]string `json:"roles,omitempty" doc:"Built-in roles that give it, of admin and member; as they are if left out"`
}

func (s *System) declareAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[permissionInput](r)
	if err != nil {
		return err
	}
	n := NewPermission{PermissionKind: web.PermissionKind{Name: r.PathValue("name"), Title: in.Title, Means: in.Means, Scope: in.Scope}}
	if in.Roles != nil {
		n.Roles = append([]string{}, *in.Roles...)
	}
	return noContent(w, s.DeclarePermission(r.Context(), n))
}

func (s *System) undeclareAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.RemovePermission(r.Context(), r.PathValue("name")))
}
