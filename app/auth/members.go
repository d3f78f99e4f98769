package auth

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// memberView is a member as the page shows him.
type memberView struct {
	ID, Name, Email, Role, RoleName string
	Status                          string
	Verified, Me                    bool
	May                             bool // whoever looks can change or remove him
	Joined                          time.Time
}

type inviteView struct {
	ID, Email, Role, By string
	Expired             bool
	May                 bool
	Sent, Until         time.Time
}

type membersData struct {
	pages
	Done        string
	Org         orgJSON
	Members     []memberView
	Invitations []inviteView
	MoreInvites string // href
	Roles       []Role // that whoever looks can give
	MayManage   bool
	MayTransfer bool
	Mine        string // role of whoever looks; "" for no member
	Alone       bool   // nobody else owns the org, so that he cannot leave
	Verified    bool
}

// membersDone is what happened before the page was shown again.
var membersDone = map[string]string{"made": "The organization is made. Invite the people you work with.", "joined": "You are a member now.",
	"invited": "The invitation is on its way. The link in it works for seven days.", "role": "The role is changed. It counts from now on.",
	"removed": "The person is removed and has no access from now on.", "revoked": "The invitation is revoked. Its link does not work any more.",
	"transferred": "The ownership is handed on. You are an admin now."}

func (s *System) membersPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.membersData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/members", web.View{Title: "Members", Data: data})
}

func (s *System) membersData(r *http.Request) (d membersData, err error) {
	org, id, q := web.OriginOf(r.Context()).Org, web.IdentityOf(r.Context()), r.URL.Query()
	d = membersData{Done: membersDone[q.Get("done")], MayManage: id.Can(permMembers), Verified: id.Verified}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		o, err := orgByID(tx, org.ID)
		if err != nil {
			return err
		}
		d.Org = o.json()
		roles, err := selectRoles(tx, org.ID)
		if err != nil {
			return err
		}
		d.Roles = givable(id, roles)
		if err := d.readMembers(tx, r, o, id, roles); err != nil {
			return err
		}
		if d.Alone {
			another, err := hasOtherOwner(tx, o.ID, id.User)
			if err != nil {
				return err
			}
			d.Alone = !another
		}
		if !d.MayManage {
			return nil
		}
		return d.readInvitations(tx, o, q.Get("invites"))
	})
	return d, err
}

func (d *membersData) readMembers(tx *store.Tx, r *http.Request, o orgRow, id web.Identity, roles []Role) error {
	all, err := selectMembers(tx, o.ID, r.URL.Query().Get("cursor"), shownPage+1)
	if err != nil {
		return err
	}
	all, next := cut(all, shownPage, func(m member) string { return m.user })
	d.pages = pagesOf(r, next)
	may := map[string]bool{"": true} // whoever has no role is above nobody
	for _, role := range d.Roles {
		may[role.ID] = true
	}
	for _, m := range all {
		d.Members = append(d.Members, memberView{ID: m.user, Name: m.name, Email: m.email, Role: m.role, RoleName: m.roleName, Status: m.status,
			Verified: m.verified, Me: m.user == id.User, May: d.MayManage && may[m.role] && o.personal == "", Joined: m.joined})
	}
	mine, err := memberOf(tx, o.ID, id.User)
	if isNotFound(err) {
		return nil
	}
	d.Alone = mine.role == ownerRole // until it is known who else is
	d.Mine, d.MayTransfer = mine.roleName, mine.role == ownerRole && o.personal == "" && (len(d.Members) > 1 || next != "")
	return err
}

func (d *membersData) readInvitations(tx *store.Tx, o orgRow, before string) error {
	all, err := selectInvitations(tx, o.ID, before, shownPage+1)
	if err != nil {
		return err
	}
	all, next := cut(all, shownPage, func(i invitation) string { return i.id })
	if next != "" {
		d.MoreInvites = "/-/org/" + o.Slug + "/members?invites=" + url.QueryEscape(next) + "#invitations"
	}
	for _, i := range all {
		view := inviteView{ID: i.id, Email: i.email.typed, Role: i.roleName, By: i.byName, Expired: !i.expires.After(tx.Now()), Sent: i.sentA, Until: i.expires}
		for _, role := range d.Roles {
			view.May = view.May || role.ID == i.role
		}
		d.Invitations = append(d.Invitations, view)
	}
	return nil
}

// membersAgain shows the page again with what is wrong with a form of it.
func (s *System) membersAgain(w http.ResponseWriter, r *http.Request, typed map[string]string, err error) error {
	if web.AsError(err).Status == http.StatusNotFound {
		return err
	}
	data, failed := s.membersData(r)
	if failed != nil {
		return failed
	}
	return s.again(w, r, "auth/members", web.View{Title: "Members", Data: data}, typed, err)
}

func (s *System) leaveForm(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	if !id.Person() {
		return web.ErrPersonOnly
	}
	if err := s.removeMember(r.Context(), id.User); err != nil {
		return s.membersAgain(w, r, nil, err)
	}
	return web.SeeOther(w, r, "/-/account?done=left#organizations")
}

type inviteFormInput struct {
	Email string `json:"email"`
	Role  string `json:"role"`
}

func (s *System) inviteMemberForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[inviteFormInput](r)
	if err != nil {
		return err
	}
	if _, err := s.invite(r.Context(), in.Email, in.Role); err != nil {
		return s.membersAgain(w, r, map[string]string{"email": in.Email, "role": in.Role}, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/members?done=invited#invitations")
}

type invitationActInput struct {
	Invitation string `json:"invitation"`
}

func (s *System) resendInviteForm(w http.ResponseWriter, r *http.Request) error {
	return s.actOnInvitation(w, r, "invited", s.resend)
}

func (s *System) revokeInviteForm(w http.ResponseWriter, r *http.Request) error {
	return s.actOnInvitation(w, r, "revoked", s.revokeInvitation)
}

// actOnInvitation does something with the invitation that a form names. One that
// has ended meanwhile is not there.
func (s *System) actOnInvitation(w http.ResponseWriter, r *http.Request, done string, act func(context.Context, string) error) error {
	in, err := web.Decode[invitationActInput](r)
	if err != nil {
		return err
	}
	if err := act(r.Context(), in.Invitation); err != nil {
		return s.membersAgain(w, r, nil, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/members?done="+done+"#invitations")
}

type memberActInput struct {
	User string `json:"user"`
	Role string `json:"role,omitempty"`
}

func (s *System) memberRoleForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[memberActInput](r)
	if err != nil {
		return err
	}
	if err := s.setRole(r.Context(), in.User, in.Role); err != nil {
		return s.membersAgain(w, r, nil, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/members?done=role")
}

func (s *System) removeMemberForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[memberActInput](r)
	if err != nil {
		return err
	}
	if in.User == web.IdentityOf(r.Context()).User {
		return s.leaveForm(w, r)
	}
	if err := s.removeMember(r.Context(), in.User); err != nil {
		return s.membersAgain(w, r, nil, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/members?done=removed")
}

func (s *System) transferForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[memberActInput](r)
	if err != nil {
		return err
	}
	if err := s.transfer(r.Context(), in.User); err != nil {
		return s.membersAgain(w, r, nil, err)
	}
	return web.SeeOther(w, r, orgPath(r)+"/members?done=transferred")
}
