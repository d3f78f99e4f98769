package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/web"
)

type reasonInput struct {
	Reason string `json:"reason" doc:"For the audit log, 10 to 500 characters"`
}

// typedEmail is the address of the user, typed so that it is nobody else.
type typedEmail struct {
	Email string `json:"email" doc:"The user's address, typed once more"`
}

// withReason is a route that does something to the user it names, for a reason.
func (s *System) withReason(act func(ctx context.Context, id, reason string) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[reasonInput](r)
		if err != nil {
			return err
		}
		return noContent(w, act(r.Context(), r.PathValue("id"), in.Reason))
	}
}

func (s *System) verifyAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.VerifyAddress(r.Context(), r.PathValue("id")))
}

func (s *System) sendResetAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.SendResetLink(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *System) makeOperatorAPI(w http.ResponseWriter, r *http.Request) error {
	return s.typed(w, r, s.MakeOperator)
}

func (s *System) unmakeOperatorAPI(w http.ResponseWriter, r *http.Request) error {
	return s.typed(w, r, s.UnmakeOperator)
}

func (s *System) typed(w http.ResponseWriter, r *http.Request, act func(ctx context.Context, id, email string) error) error {
	in, err := web.Decode[typedEmail](r)
	if err != nil {
		return err
	}
	return noContent(w, act(r.Context(), r.PathValue("id"), in.Email))
}

// impersonationToken is what a program gets to act as a user. It names its
// operator in the claim act (RFC 8693 section 4.1), and cannot be renewed: a
// program that needs longer asks again.
type impersonationToken struct {
	TokenType   string    `json:"token_type"`
	AccessToken string    `json:"access_token"`
	ExpiresIn   int       `json:"expires_in"` // seconds
	Session     string    `json:"session_id"`
	Until       time.Time `json:"until"` // of the session
}

func (s *System) impersonateAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[impersonationInput](r)
	if err != nil {
		return err
	}
	row, err := s.impersonate(r.Context(), r.PathValue("id"), in, sessionRow{kind: apiSession, client: firstParty})
	if err != nil {
		return err
	}
	g, err := s.grantOf(r.Context(), row.id)
	if err != nil {
		return err
	}
	access, err := s.mint(g)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, impersonationToken{TokenType: "Bearer", AccessToken: access, ExpiresIn: int(accessLife.Seconds()),
		Session: row.id, Until: time.UnixMilli(row.abs).UTC()})
}
