package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// profileRoutes are the person's name and address.
func (s *System) profileRoutes() []web.Route {
	// Five links an hour: they go to addresses that are not known to be anybody's.
	mails := web.Limit{Every: 12 * time.Minute, Burst: 5, By: web.ByUser}
	return []web.Route{
		{Method: "GET", Pattern: "/-/account", Access: web.Person, Handler: s.accountPage},
		{Method: "POST", Pattern: "/-/account/profile", Access: web.Person, Handler: s.profileForm, Limit: web.PerMinute(20), Audit: actions(actProfileChanged)},
		{Method: "PATCH", Pattern: "/-/api/v1/me", Access: web.Person, Handler: s.profileAPI, Limit: web.PerMinute(20), Audit: actions(actProfileChanged),
			Doc: web.Doc{Summary: "Change your name", In: profileInput{}, Out: me{}}},

		{Method: "POST", Pattern: "/-/account/email", Access: web.Person, Fresh: true, Handler: s.emailForm, Limit: mails, Audit: actions(actEmailAsked)},
		{Method: "POST", Pattern: "/-/account/email/resend", Access: web.Person, Handler: s.emailResendForm, Limit: mails, Audit: actions(actEmailAsked)},
		{Method: "POST", Pattern: "/-/account/email/cancel", Access: web.Person, Handler: s.emailCancelForm, Audit: actions(actEmailDropped)},
		{Method: "POST", Pattern: "/-/api/v1/me/email", Access: web.Person, Fresh: true, Handler: s.emailAPI, Limit: mails, Audit: actions(actEmailAsked),
			Doc: web.Doc{Summary: "Ask for another address; it counts once the link sent there is followed", In: emailInput{}, Out: pendingJSON{}, Status: http.StatusAccepted}},
		{Method: "DELETE", Pattern: "/-/api/v1/me/email", Access: web.Person, Handler: s.emailCancelAPI, Audit: actions(actEmailDropped),
			Doc: web.Doc{Summary: "Give up a change of address that waits for its link", Status: http.StatusNoContent}},

		{Method: "GET", Pattern: "/-/account/email/confirm", Access: web.Public, Handler: s.emailConfirmPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/account/email/confirm", Access: web.Public, Handler: s.emailConfirmForm, Limit: web.PerMinute(30), Audit: actions(actEmailChanged, actEmailDropped)},
		{Method: "GET", Pattern: "/-/account/email/undo", Access: web.Public, Handler: s.emailUndoPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/account/email/undo", Access: web.Public, Handler: s.emailUndoForm, Limit: web.PerMinute(30),
			Audit: actions(actEmailUndone, actFactorRemoved, actUnlinked, actKeyRevoked, actSessionRevoked, actKept)},
	}
}

type profileInput struct {
	Name string `json:"name" doc:"What people call you"`
}

// rename gives whoever asks another name. The personal org is called like its
// person for as long as nobody has called it otherwise.
func (s *System) rename(ctx context.Context, in profileInput) (string, error) {
	var c web.Check
	name := c.Text("name", in.Name, 1, 100)
	c.Fault(!looksLikeLink(name), "name", "link", "A name cannot contain a web address.")
	if err := c.Err(); err != nil {
		return name, err
	}
	id := web.IdentityOf(ctx)
	return name, s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, id.User)
		if err != nil {
			return err
		}
		if err := setName(tx, u.id, name); err != nil {
			return err
		}
		e := audit.Event{Action: actProfileChanged, Targets: []audit.Ref{audit.User(u.id)}, Subject: audit.User(u.id),
			Details: map[string]any{"fields": []string{"name"}}, Personal: map[string]string{"name": name, "name_before": u.name}}
		org, err := renamePersonalOrg(tx, u.id, u.name, name)
		if err != nil {
			return err
		}
		if org != "" {
			e.Org, e.Targets = org, append(e.Targets, audit.Ref{Type: "org", ID: org})
		}
		return s.Audit.Record(tx, e)
	})
}

func (s *System) profileForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[profileInput](r)
	if err != nil {
		return err
	}
	if _, err := s.rename(r.Context(), in); err != nil {
		return s.accountAgain(w, r, map[string]string{"name": in.Name}, err)
	}
	return web.SeeOther(w, r, "/-/account?done=name")
}

func (s *System) profileAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[profileInput](r)
	if err != nil {
		return err
	}
	name, err := s.rename(r.Context(), in)
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	return web.JSON(w, http.StatusOK, me{Org: id.Org, Permissions: id.Permissions, Session: id.Session,
		User: &userJSON{ID: id.User, Email: id.Email, Name: name, Verified: id.Verified}})
}
