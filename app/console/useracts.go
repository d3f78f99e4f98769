package console

import (
	"context"
	"net/http"

	"seaworthy/app/web"
)

// userRoutes are the pages of users. The acts are auth's; the actions they
// record are told here so that a test can hold each route to them.
func (s *System) userRoutes() []web.Route {
	const base = usersBase + "/{id}"
	see, manage := web.Permission("users:read"), web.Permission("users:manage")
	return []web.Route{
		{Method: "GET", Pattern: usersBase, Access: see, Handler: page(s.users)},
		{Method: "GET", Pattern: base, Access: see, Handler: page(s.user)},
		{Method: "POST", Pattern: base + "/verify", Access: manage, Fresh: true, Handler: page(s.userAct("verified", s.verify)), Audit: []string{"email.verified"}},
		{Method: "POST", Pattern: base + "/reset-password", Access: manage, Handler: page(s.userAct("reset", s.sendReset)), Audit: []string{"password.reset_requested"}},
		{Method: "POST", Pattern: base + "/sessions", Access: manage, Handler: page(s.userAct("sessions", s.endSessions)), Audit: []string{"session.revoked"}},
		{Method: "POST", Pattern: base + "/suspend", Access: manage, Fresh: true, Handler: page(s.userAct("suspended", s.suspend)), Audit: []string{"user.suspended"}},
		{Method: "POST", Pattern: base + "/reactivate", Access: manage, Fresh: true, Handler: page(s.userAct("reactivated", s.reactivate)), Audit: []string{"user.reactivated"}},
		{Method: "POST", Pattern: base + "/reset-mfa", Access: manage, Fresh: true, Handler: page(s.userAct("factors", s.resetFactors)), Audit: []string{"factor.reset"}},
		{Method: "POST", Pattern: base + "/operator", Access: manage, Fresh: true, Handler: page(s.userAct("operator", s.operator)), Audit: []string{"operator.created", "operator.removed"}},
		{Method: "POST", Pattern: base + "/flag", Access: web.Permission("flags:manage"), Handler: page(s.userAct("flag", s.overrideUser)), Audit: []string{"flag.override_set", "flag.override_removed"}},
		{Method: "POST", Pattern: base + "/impersonate", Access: web.Permission("users:impersonate"), Fresh: true, Limit: web.PerMinute(20),
			Handler: page(s.impersonate), Audit: []string{"user.impersonation_started"}},
	}
}

// userDone is what happened before a user's page was shown again.
var userDone = map[string]string{
	"verified":    "The address is verified.",
	"reset":       "A link to choose a new password is on its way to the user.",
	"sessions":    "Signed out.",
	"suspended":   "The account is suspended. Every session has ended.",
	"reactivated": "The account works again. The user can sign in as before.",
	"factors":     "Two-step sign-in is reset. The user was told by mail.",
	"operator":    "The operator's role was changed.",
	"flag":        "The override is changed.",
	"stopped":     "You are yourself again. The impersonation has ended and is in the audit log.",
}

// actInput is the form of any act on a user.
type actInput struct {
	Session string `json:"session,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Ticket  string `json:"ticket,omitempty"`
	Email   string `json:"email,omitempty"`
	To      string `json:"to,omitempty"` // operator, or user
	Act     string `json:"act,omitempty"`
	Flag    string `json:"flag,omitempty"`
	Variant string `json:"variant,omitempty"` // "" takes it away
}

// userAct does something to the user a page is about, and shows the page again
// with what happened, or with what is wrong with what was typed.
func (s *System) userAct(done string, act func(ctx context.Context, id string, in actInput) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[actInput](r)
		if err != nil {
			return err
		}
		if err := act(r.Context(), r.PathValue("id"), in); err != nil {
			return s.refused(w, r, in, err)
		}
		return web.SeeOther(w, r, usersBase+"/"+r.PathValue("id")+"?done="+done)
	}
}

// refused shows the page again for what its reader can put right.
func (s *System) refused(w http.ResponseWriter, r *http.Request, in actInput, err error) error {
	e, ok := mendable(err)
	if !ok {
		return err
	}
	typed := map[string]string{"act": in.Act, "reason": in.Reason, "ticket": in.Ticket, "email": in.Email}
	return s.showUser(w, r, e.Status, &web.Form{Values: typed, Err: e})
}

func (s *System) verify(ctx context.Context, id string, _ actInput) error {
	return s.Auth.VerifyAddress(ctx, id)
}

func (s *System) sendReset(ctx context.Context, id string, _ actInput) error {
	return s.Auth.SendResetLink(ctx, id)
}

// endSessions ends the session that is named, or all. One that has ended already
// is what was wanted.
func (s *System) endSessions(ctx context.Context, id string, in actInput) error {
	_, err := s.Auth.EndSessions(ctx, id, in.Session)
	if in.Session != "" && web.AsError(err).Status == http.StatusNotFound {
		err = nil
	}
	return err
}

func (s *System) suspend(ctx context.Context, id string, in actInput) error {
	return s.Auth.Suspend(ctx, id, in.Reason)
}

func (s *System) reactivate(ctx context.Context, id string, in actInput) error {
	return s.Auth.Reactivate(ctx, id, in.Reason)
}

func (s *System) resetFactors(ctx context.Context, id string, in actInput) error {
	return s.Auth.ResetFactors(ctx, id, in.Reason)
}

func (s *System) operator(ctx context.Context, id string, in actInput) error {
	switch in.To {
	case "operator":
		return s.Auth.MakeOperator(ctx, id, in.Email)
	case "user":
		return s.Auth.UnmakeOperator(ctx, id, in.Email)
	}
	return web.BadRequest("bad_field", "Choose what the user is to be.")
}

// impersonate has this browser act as the user from now on, and opens what the
// user sees first.
func (s *System) impersonate(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[actInput](r)
	if err != nil {
		return err
	}
	if err := s.Auth.Impersonate(w, r, r.PathValue("id"), in.Reason, in.Ticket); err != nil {
		return s.refused(w, r, in, err)
	}
	return web.SeeOther(w, r, "/")
}
