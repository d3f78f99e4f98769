package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// switchOrg makes the request's org the one that the session works in. It is for
// members alone: an operator who enters an org does not belong to it.
func (s *System) switchOrg(ctx context.Context) error {
	me, org := web.IdentityOf(ctx), web.OriginOf(ctx).Org
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		in, err := belongs(tx, me.User, org.ID)
		if err != nil || !in {
			return firstError(err, web.ErrNotFound)
		}
		se, err := sessionByID(tx, me.Session)
		if err != nil || se.org == org.ID {
			return err
		}
		if works, err := setSessionOrg(tx, me.Session, org.ID); err != nil || !works {
			return firstError(err, errNeedsMFA)
		}
		return s.Audit.Record(tx, audit.Event{Action: actSessionSwitched, Org: org.ID, Targets: []audit.Ref{{Type: "session", ID: me.Session}},
			Changes: map[string]audit.Change{"org": {From: se.org, To: org.ID}}})
	})
}

type switchInput struct {
	Next string `json:"next,omitempty"`
}

func (s *System) switchForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[switchInput](r)
	if err != nil {
		return err
	}
	if !web.IdentityOf(r.Context()).Person() {
		return web.ErrPersonOnly
	}
	if err := s.switchOrg(r.Context()); err != nil {
		return err
	}
	return web.SeeOther(w, r, web.LocalPath(in.Next, "/-/account#organizations"))
}

// switched is what a program gets: an access token that speaks of the new org. Its
// refresh token goes on working.
type switched struct {
	Org         string `json:"org_id"`
	TokenType   string `json:"token_type,omitempty"`
	AccessToken string `json:"access_token,omitempty"`
	ExpiresIn   int    `json:"expires_in,omitempty"` // seconds
}

func (s *System) switchAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	if !id.Person() {
		return web.ErrPersonOnly
	}
	if err := s.switchOrg(r.Context()); err != nil {
		return err
	}
	out := switched{Org: web.OriginOf(r.Context()).Org.ID}
	if web.OriginOf(r.Context()).Bearer {
		g, err := s.grantOf(r.Context(), id.Session)
		if err != nil {
			return err
		}
		if out.AccessToken, err = s.mint(g); err != nil {
			return err
		}
		out.TokenType, out.ExpiresIn = "Bearer", int(accessLife.Seconds())
	}
	return web.JSON(w, http.StatusOK, out)
}
