package auth

import (
	"errors"
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// confirmBy has whoever is signed in show again at a provider who he is; it is
// how those without a password confirm it.
func (s *System) confirmBy(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[departInput](r)
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	if id.Impersonator != "" {
		return errImpersonating
	}
	return s.depart(w, r, oneTime{user: id.User, session: id.Session, payload: map[string]string{"act": toConfirm, "next": web.LocalPath(in.Next, "")}})
}

// confirmBack counts if it is the same person who came back, and nobody else who
// has an account at the provider.
func (s *System) confirmBack(w http.ResponseWriter, r *http.Request, a arrival, t trip) error {
	phc, held := "", false
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		u, err := userByID(tx, t.user)
		if err != nil {
			return err
		}
		known, err := identityAt(tx, a.claims.Issuer, a.claims.Sub)
		phc, held = u.phc, err == nil && known.user == u.id
		if isNotFound(err) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	err = s.confirmed(r.Context(), held, phc, byProvider(a.provider))
	if errors.Is(err, errConfirm) {
		return s.apart(w, r, http.StatusForbidden, "You were not confirmed", "Who you are at "+a.provider.Label+" does not open this account. Choose the account there that does.")
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, web.LocalPath(t.next(), "/-/account"))
}
