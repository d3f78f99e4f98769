package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// memberJSON is a member as the API gives him to other members.
type memberJSON struct {
	User     string    `json:"user_id"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	Role     string    `json:"role"` // id
	RoleName string    `json:"role_name"`
	Status   string    `json:"status"`
	Joined   time.Time `json:"joined_at"`
}

func (m member) json() memberJSON {
	return memberJSON{User: m.user, Name: m.name, Email: m.email, Role: m.role, RoleName: m.roleName, Status: m.status, Joined: m.joined}
}

type memberList struct {
	Members []memberJSON `json:"members"`
	Next    string       `json:"next_cursor,omitempty"` // of the next page; none on the last
}

func (s *System) membersAPI(w http.ResponseWriter, r *http.Request) error {
	after, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	org := web.OriginOf(r.Context()).Org
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]member, error) { return selectMembers(tx, org.ID, after, limit+1) })
	if err != nil {
		return err
	}
	out := memberList{Members: []memberJSON{}}
	all, out.Next = cut(all, limit, func(m member) string { return m.user })
	for _, m := range all {
		out.Members = append(out.Members, m.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

type memberRoleInput struct {
	Role string `json:"role" doc:"Id of the role"`
}

func (s *System) memberRoleAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[memberRoleInput](r)
	if err != nil {
		return err
	}
	user, org := r.PathValue("user"), web.OriginOf(r.Context()).Org
	if err := s.setRole(r.Context(), user, in.Role); err != nil {
		return err
	}
	// What stands there now, which may be somebody else's later change.
	m, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (member, error) { return memberOf(tx, org.ID, user) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, m.json())
}

func (s *System) removeMemberAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.removeMember(r.Context(), r.PathValue("user")))
}

func (s *System) leaveAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	if !id.Person() {
		return web.ErrPersonOnly
	}
	return noContent(w, s.removeMember(r.Context(), id.User))
}

type transferInput struct {
	User string `json:"user" doc:"Id of the member who is to own it"`
}

func (s *System) transferAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[transferInput](r)
	if err == nil {
		err = s.transfer(r.Context(), in.User)
	}
	return noContent(w, err)
}

// invitationJSON is an invitation as the API gives it to those who manage members.
type invitationJSON struct {
	ID       string    `json:"id"`
	Email    string    `json:"email"`
	Role     string    `json:"role"` // id
	RoleName string    `json:"role_name"`
	By       string    `json:"invited_by"`
	Sent     int       `json:"times_sent"`
	Created  time.Time `json:"created_at"`
	SentAt   time.Time `json:"sent_at"`
	Expires  time.Time `json:"expires_at"`
}

func (i invitation) json() invitationJSON {
	return invitationJSON{ID: i.id, Email: i.email.typed, Role: i.role, RoleName: i.roleName, By: i.by, Sent: i.sent, Created: i.created, SentAt: i.sentA, Expires: i.expires}
}

type invitationList struct {
	Invitations []invitationJSON `json:"invitations"` // that wait for an answer
	Next        string           `json:"next_cursor,omitempty"`
}

func (s *System) invitationsAPI(w http.ResponseWriter, r *http.Request) error {
	before, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	org := web.OriginOf(r.Context()).Org
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]invitation, error) { return selectInvitations(tx, org.ID, before, limit+1) })
	if err != nil {
		return err
	}
	out := invitationList{Invitations: []invitationJSON{}}
	all, out.Next = cut(all, limit, func(i invitation) string { return i.id })
	for _, i := range all {
		out.Invitations = append(out.Invitations, i.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

type invitationInput struct {
	Email string `json:"email" doc:"Who is invited"`
	Role  string `json:"role" doc:"Id of the role, such as rol_member"`
}

func (s *System) inviteAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[invitationInput](r)
	if err != nil {
		return err
	}
	i, err := s.invite(r.Context(), in.Email, in.Role)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, i.json())
}

func (s *System) resendInviteAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.resend(r.Context(), r.PathValue("id")))
}

func (s *System) revokeInviteAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.revokeInvitation(r.Context(), r.PathValue("id")))
}
