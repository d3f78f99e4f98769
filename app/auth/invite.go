package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

var (
	errInvitation = &web.Error{Status: http.StatusGone, Code: "invitation_dead",
		Public: "This invitation has been used, was revoked, has expired or is incomplete. Ask whoever invited you for a new one."}
	errOtherMailbox = &web.Error{Status: http.StatusForbidden, Code: "other_mailbox",
		Public: "This invitation was sent to another address than yours. Sign in with the account that has verified that address, or ask to be invited with yours."}
	errUnverified = &web.Error{Status: http.StatusForbidden, Code: "verify_first",
		Public: "Your account has not verified the address that was invited. Verify it, then open the invitation again."}
	errHasAccount = &web.Error{Status: http.StatusConflict, Code: "has_account",
		Public: "There is an account with this address already. Sign in with it to accept."}
	errAlreadyIn = &web.Error{Status: http.StatusConflict, Code: "already_member",
		Public: "You are a member of this organization already."}
)

// inviteData is an invitation as whoever opened its link sees it.
type inviteData struct {
	Token, Path   string
	Org, By, Role string
	Email         string
	State         string // signup, signin, accept, other, verify or member
	Mine          string // the address one is signed in with
	MemberPath    string
}

// openInvitation reads an invitation by its token, with its org.
func openInvitation(tx *store.Tx, t token) (invitation, orgRow, error) {
	i, err := livingInvitation(tx, t.hash())
	if err != nil {
		return i, orgRow{}, err
	}
	o, err := orgByID(tx, i.org)
	return i, o, err
}

func deadInvitation(err error) error {
	if isNotFound(err) {
		return errInvitation
	}
	return err
}

// mayAccept is nil if a signed-in user may accept an invitation: he must have
// verified exactly the address that it was sent to, or a link that was passed on
// would let in whoever found it (spec/auth.md section 5, case 30).
func mayAccept(tx *store.Tx, i invitation, user string) error {
	in, err := belongs(tx, user, i.org)
	if err != nil || in {
		return firstError(err, errAlreadyIn)
	}
	ok, err := hasVerified(tx, user, i.email.norm)
	if err != nil || ok {
		return err
	}
	u, err := userByID(tx, user)
	if err == nil && u.email.norm == i.email.norm {
		return errUnverified
	}
	return firstError(err, errOtherMailbox)
}

// invitePage shows an invitation and asks. Opening the link changes nothing.
func (s *System) invitePage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.inviteData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/invite", web.View{Title: "Join " + data.Org, Data: data})
}

func (s *System) inviteData(r *http.Request) (inviteData, error) {
	t, id := token(r.PathValue("token")), web.IdentityOf(r.Context())
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (d inviteData, err error) {
		i, o, err := openInvitation(tx, t)
		if isNotFound(err) && id.Person() { // whoever has joined by it may open the link again
			if i, err = acceptedInvitation(tx, t.hash(), id.User); err == nil {
				o, err = orgByID(tx, i.org)
			}
			if in, failed := belongs(tx, id.User, i.org); err == nil && !in {
				err = firstError(failed, store.ErrNotFound)
			}
		}
		if err != nil {
			return d, err
		}
		d = inviteData{Token: string(t), Path: "/-/invite/" + string(t), Org: o.Name, By: i.byName, Role: i.roleName, Email: i.email.typed, Mine: id.Email, State: "accept",
			MemberPath: "/-/org/" + o.Slug + "/members"}
		if !id.Person() {
			d.State = "signup"
			if _, err = owner(tx, i.email.norm); err == nil {
				d.State = "signin"
			} else if isNotFound(err) {
				err = nil
			}
			return d, err
		}
		switch err := mayAccept(tx, i, id.User); err {
		case nil:
		case errAlreadyIn:
			d.State = "member"
		case errUnverified:
			d.State = "verify"
		case errOtherMailbox:
			d.State = "other"
		default:
			return d, err
		}
		return d, nil
	})
	return data, deadInvitation(err)
}

type inviteInput struct {
	Name     string `json:"name,omitempty"` // of somebody who signs up by it
	Password string `json:"password,omitempty"`
}

// inviteForm accepts: as whoever is signed in, or else by signing up.
func (s *System) inviteForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[inviteInput](r)
	if err != nil {
		return err
	}
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	t := token(r.PathValue("token"))
	if web.IdentityOf(r.Context()).Person() {
		o, err := s.accept(r.Context(), t)
		if err != nil {
			return err
		}
		return web.SeeOther(w, r, "/-/org/"+o.Slug+"/members?done=joined")
	}
	data, err := s.inviteData(r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	o, err := s.signUpInvited(r.Context(), t, data.Email, in, n)
	if err != nil {
		return s.again(w, r, "auth/invite", web.View{Title: "Join " + data.Org, Data: data}, map[string]string{"name": in.Name}, err)
	}
	s.setCookies(w, r, n)
	return web.SeeOther(w, r, "/-/org/"+o.Slug+"/members?done=joined")
}

// accept makes whoever is signed in a member.
func (s *System) accept(ctx context.Context, t token) (orgRow, error) {
	me := web.IdentityOf(ctx)
	if me.Impersonator != "" {
		return orgRow{}, errImpersonating
	}
	o, err := store.Write(ctx, s.DB, func(tx *store.Tx) (orgRow, error) {
		i, o, err := openInvitation(tx, t)
		if err != nil {
			return o, err
		}
		if err := mayAccept(tx, i, me.User); err != nil {
			return o, err
		}
		if err := s.join(tx, i, me.User); err != nil {
			return o, err
		}
		_, err = setSessionOrg(tx, me.Session, o.ID)
		return o, err
	})
	return o, deadInvitation(err)
}

// join makes a user a member by an invitation, which is used up.
func (s *System) join(tx *store.Tx, i invitation, user string) error {
	if err := closeInvitation(tx, i.id, "accepted", user); err != nil {
		return err
	}
	if err := room(tx, user); err != nil {
		return err
	}
	role, err := roleInOrg(tx, i.org, i.role)
	if err != nil {
		return err
	}
	if err := s.mayGrow(tx, i.org); err != nil {
		return err
	}
	if err := insertMember(tx, i.org, user); err != nil {
		return err
	}
	if err := bindRole(tx, user, i.org, role.ID); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actMemberAdded, Actor: actorOr(tx, user), Org: i.org,
		Targets: []audit.Ref{audit.User(user), {Type: "invitation", ID: i.id}}, Details: map[string]any{"role": role.Name, "invited_by": i.by}})
}

// signUpInvited makes an account with the invited address, which the link proves,
// and a member of the org. Whoever only claimed the address loses it.
func (s *System) signUpInvited(ctx context.Context, t token, address string, in inviteInput, n newSession) (orgRow, error) {
	person, err := s.checkNewUser(ctx, signUpInput{Name: in.Name, Email: address, Password: in.Password})
	if err != nil {
		return orgRow{}, err
	}
	o, err := store.Write(ctx, s.DB, func(tx *store.Tx) (orgRow, error) {
		i, o, err := openInvitation(tx, t)
		if err != nil || i.email.norm != person.email.norm {
			return o, firstError(err, errInvitation)
		}
		if _, err := owner(tx, i.email.norm); err == nil {
			return o, errHasAccount
		} else if !isNotFound(err) {
			return o, err
		}
		u, personal, err := insertPerson(tx, person)
		if err != nil {
			return o, err
		}
		id, err := s.start(tx, n, u, personal, byPassword)
		if err != nil {
			return o, err
		}
		if err := s.Audit.Record(tx, audit.Event{Action: actSignedUp, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id), {Type: "session", ID: id}}, Org: personal,
			Details: map[string]any{"invitation": i.id}, Personal: map[string]string{"email": u.email.typed, "name": u.name}}); err != nil {
			return o, err
		}
		if err := s.verified(tx, u); err != nil {
			return o, err
		}
		if err := s.join(tx, i, u.id); err != nil {
			return o, err
		}
		_, err = setSessionOrg(tx, id, o.ID)
		return o, err
	})
	return o, deadInvitation(err)
}

type acceptInput struct {
	Token string `json:"token" doc:"The end of the link in the mail"`
}

// acceptAPI is for apps that show the invitation themselves.
func (s *System) acceptAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[acceptInput](r)
	if err != nil {
		return err
	}
	o, err := s.accept(r.Context(), token(in.Token))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, o.json())
}
