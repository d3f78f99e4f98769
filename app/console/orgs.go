package console

import (
	"context"
	"net/http"
	"net/url"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

const orgsBase = "/-/admin/orgs"

// orgRoutes are the pages of orgs.
func (s *System) orgRoutes() []web.Route {
	const base = orgsBase + "/{id}"
	see, manage := web.Permission("orgs:read"), web.Permission("orgs:manage")
	return []web.Route{
		{Method: "GET", Pattern: orgsBase, Access: see, Handler: page(s.orgs)},
		{Method: "GET", Pattern: base, Access: see, Handler: page(s.org)},
		{Method: "POST", Pattern: base + "/role", Access: manage, Fresh: true, Handler: page(s.orgAct("role", s.setRole)), Audit: []string{"member.role_set_by_operator"}},
		{Method: "POST", Pattern: base + "/remove", Access: manage, Fresh: true, Handler: page(s.orgAct("removed", s.removeMember)), Audit: []string{"member.removed_by_operator"}},
		{Method: "POST", Pattern: base + "/close", Access: manage, Fresh: true, Handler: page(s.orgAct("closed", s.closeOrg)), Audit: []string{"org.closed_by_operator"}},
		{Method: "POST", Pattern: base + "/reopen", Access: manage, Fresh: true, Handler: page(s.orgAct("reopened", s.reopenOrg)), Audit: []string{"org.reopened_by_operator"}},
	}
}

type orgsData struct {
	Rows         []auth.OrgRow
	Query, Only  string
	Chips        []chip
	Older, Newer string
}

func (s *System) orgs(w http.ResponseWriter, r *http.Request) error {
	f := filterOf(r, auth.OrgStates)
	d := orgsData{Query: f.Query, Only: f.Only, Chips: chips(orgsBase, f.Query, f.Only, auth.OrgStates, map[string]string{"deleted": "Closed"})}
	next := ""
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		d.Rows, next, err = auth.Orgs(tx, f, pageSize)
		return err
	})
	if err != nil {
		return err
	}
	d.Older, d.Newer = pages(orgsBase, f, next)
	return s.Pages.Render(w, r, "console/orgs", web.View{Title: "Orgs", Data: d})
}

// orgData is an org's page.
type orgData struct {
	auth.OrgDetail
	Path, Log string
	Done      string
	More      string // the next members, "" for none
	Manage    bool
	Audit     bool
	Events    []audit.Row
}

// orgDone is what happened before an org's page was shown again.
var orgDone = map[string]string{
	"role":     "The member has another role.",
	"removed":  "The member was taken out of the org.",
	"closed":   "The org is closed. Nobody can work in it.",
	"reopened": "The org is open again.",
}

func (s *System) org(w http.ResponseWriter, r *http.Request) error {
	return s.showOrg(w, r, http.StatusOK, nil)
}

func (s *System) showOrg(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	id, me, q := r.PathValue("id"), web.IdentityOf(r.Context()), r.URL.Query()
	d := orgData{Path: orgsBase + "/" + id, Done: orgDone[q.Get("done")], Manage: me.Can("orgs:manage"), Audit: me.Can("audit:read"),
		Log: "/-/admin/audit?target=" + url.QueryEscape("org:"+id)}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.OrgDetail, err = auth.OrgByID(tx, id, q.Get("after")); err != nil || !d.Audit {
			return err
		}
		events, err := audit.List(tx, audit.Filter{Org: id, Limit: recent})
		d.Events = s.Audit.Rows(events, "/-/admin/audit")
		return err
	}); err != nil {
		return err
	}
	if d.Next != "" {
		d.More = d.Path + "?after=" + url.QueryEscape(d.Next)
	}
	return s.Pages.Render(w, r, "console/org", web.View{Title: d.Name, Status: status, Data: d, Form: form})
}

// orgInput is the form of any act on an org.
type orgInput struct {
	User    string `json:"user,omitempty"`
	Role    string `json:"role,omitempty"`
	Confirm string `json:"confirm,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func (s *System) orgAct(done string, act func(ctx context.Context, id string, in orgInput) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[orgInput](r)
		if err != nil {
			return err
		}
		err = act(r.Context(), r.PathValue("id"), in)
		if e, ok := mendable(err); ok {
			return s.showOrg(w, r, e.Status, &web.Form{Values: map[string]string{"reason": in.Reason, "confirm": in.Confirm}, Err: e})
		}
		if err != nil {
			return err
		}
		return web.SeeOther(w, r, orgsBase+"/"+r.PathValue("id")+"?done="+done)
	}
}

func (s *System) setRole(ctx context.Context, id string, in orgInput) error {
	return s.Auth.SetRole(ctx, id, in.User, in.Role)
}

func (s *System) removeMember(ctx context.Context, id string, in orgInput) error {
	return s.Auth.RemoveMember(ctx, id, in.User)
}

func (s *System) closeOrg(ctx context.Context, id string, in orgInput) error {
	return s.Auth.CloseOrg(ctx, id, in.Confirm, in.Reason)
}

func (s *System) reopenOrg(ctx context.Context, id string, _ orgInput) error {
	return s.Auth.ReopenOrg(ctx, id)
}
