package auth

import (
	"net/http"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// adminOrgRoutes are what operators do to orgs through the API. An org's own
// people have /-/api/v1/orgs.
func (s *System) adminOrgRoutes() []web.Route {
	const org = "/-/api/v1/admin/orgs/{id}"
	manage, done := web.Permission(permOrgsManage), http.StatusNoContent
	return []web.Route{
		{Method: "GET", Pattern: "/-/api/v1/admin/orgs", Access: web.Permission(permOrgsRead), Handler: s.adminOrgsAPI,
			Doc: web.Doc{Summary: "Find orgs by how a slug, a name or an id begins; query: q, only (" + strings.Join(OrgStates, ", ") + "), cursor, limit", Out: adminOrgList{}}},
		{Method: "GET", Pattern: org, Access: web.Permission(permOrgsRead), Handler: s.adminOrgAPI,
			Doc: web.Doc{Summary: "An org with its members, fifty at once; query: after", Out: adminOrgDetail{}}},
		{Method: "PUT", Pattern: org + "/members/{user}", Access: manage, Fresh: true, Handler: s.adminRoleAPI, Audit: actions(actRoleSet),
			Doc: web.Doc{Summary: "Give a member another role", In: adminRoleInput{}, Status: done}},
		{Method: "DELETE", Pattern: org + "/members/{user}", Access: manage, Fresh: true, Handler: s.adminRemoveAPI, Audit: actions(actMemberTaken),
			Doc: web.Doc{Summary: "Take a member out of an org", Status: done}},
		{Method: "POST", Pattern: org + "/close", Access: manage, Fresh: true, Handler: s.closeOrgAPI, Audit: actions(actOrgClosed),
			Doc: web.Doc{Summary: "Close an org; what it has is kept", In: closeInput{}, Status: done}},
		{Method: "POST", Pattern: org + "/reopen", Access: manage, Fresh: true, Handler: s.reopenOrgAPI, Audit: actions(actOrgReopened),
			Doc: web.Doc{Summary: "Open an org again", Status: done}},
	}
}

type adminOrg struct {
	ID       string     `json:"id"`
	Slug     string     `json:"slug"`
	Name     string     `json:"name"`
	Personal string     `json:"personal_user_id,omitempty"`
	Members  int        `json:"members"` // 100 means that or more
	Created  time.Time  `json:"created_at"`
	Deleted  *time.Time `json:"deleted_at,omitempty"`
}

func (o OrgRow) json() adminOrg {
	out := adminOrg{ID: o.ID, Slug: o.Slug, Name: o.Name, Personal: o.PersonalOf, Members: o.Members, Created: o.Created}
	if !o.Deleted.IsZero() {
		out.Deleted = &o.Deleted
	}
	return out
}

type adminOrgList struct {
	Orgs []adminOrg `json:"orgs"`
	Next string     `json:"next_cursor,omitempty"`
}

func (s *System) adminOrgsAPI(w http.ResponseWriter, r *http.Request) error {
	f, limit, err := filterOf(r, OrgStates)
	if err != nil {
		return err
	}
	var out adminOrgList
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		orgs, next, err := Orgs(tx, f, limit)
		out.Orgs, out.Next = make([]adminOrg, len(orgs)), next
		for i, o := range orgs {
			out.Orgs[i] = o.json()
		}
		return err
	}); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

type adminMember struct {
	User   string    `json:"user_id"`
	Email  string    `json:"email"`
	Name   string    `json:"name"`
	Role   string    `json:"role"`
	RoleID string    `json:"role_id"`
	Since  time.Time `json:"since"`
}

type adminOrgDetail struct {
	Org     adminOrg      `json:"org"`
	Members []adminMember `json:"members"`
	Next    string        `json:"next_after,omitempty"`
}

func (s *System) adminOrgAPI(w http.ResponseWriter, r *http.Request) error {
	d, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (OrgDetail, error) {
		return OrgByID(tx, r.PathValue("id"), r.URL.Query().Get("after"))
	})
	if err != nil {
		return err
	}
	out := adminOrgDetail{Org: d.json(), Members: make([]adminMember, len(d.List)), Next: d.Next}
	for i, m := range d.List {
		out.Members[i] = adminMember{m.User, m.Email, m.Name, m.Role, m.RoleID, m.Since}
	}
	return web.JSON(w, http.StatusOK, out)
}

type adminRoleInput struct {
	Role string `json:"role" doc:"Id of the role"`
}

func (s *System) adminRoleAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[adminRoleInput](r)
	if err != nil {
		return err
	}
	return noContent(w, s.SetRole(r.Context(), r.PathValue("id"), r.PathValue("user"), in.Role))
}

func (s *System) adminRemoveAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.RemoveMember(r.Context(), r.PathValue("id"), r.PathValue("user")))
}

// closeInput has the slug of the org, typed so that it is no other.
type closeInput struct {
	Confirm string `json:"confirm" doc:"The name, typed once more"`
	Reason  string `json:"reason" doc:"For the audit log, 10 to 500 characters"`
}

func (s *System) closeOrgAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[closeInput](r)
	if err != nil {
		return err
	}
	return noContent(w, s.CloseOrg(r.Context(), r.PathValue("id"), in.Confirm, in.Reason))
}

func (s *System) reopenOrgAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.ReopenOrg(r.Context(), r.PathValue("id")))
}
