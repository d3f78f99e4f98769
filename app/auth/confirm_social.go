package auth

import (
	"context"
	"net/http"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/auth/oidc"
	"seaworthy/app/web"
	"seaworthy/store"
)

// elsewhere are the providers where a user can confirm who he is: none for whoever has
// a password or a second factor. A browser that is signed in there passes by one click,
// which must stand in for neither.
func (s *System) elsewhere(tx *store.Tx, u user) ([]*oidc.Provider, error) {
	second, err := hasFactor(tx, u.id)
	if err != nil || second || u.phc != "" {
		return nil, err
	}
	return s.providersOf(tx, u)
}

// confirmAt has whoever is signed in show again at a provider who he is; it is
// how those without a password confirm it.
func (s *System) confirmAt(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[departInput](r)
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	if id.Impersonator != "" {
		return errImpersonating
	}
	if err := s.mayConfirmAt(r.Context(), s.provider(r.PathValue("provider"))); err != nil {
		return s.confirmAgain(w, r, confirmInput{Next: in.Next}, false, err)
	}
	return s.depart(w, r, oneTime{user: id.User, session: id.Session, payload: map[string]string{"act": toConfirm, "next": web.LocalPath(in.Next, "")}})
}

// mayConfirmAt refuses a provider that is no way for whoever asks. One that is not
// configured is for depart to say.
func (s *System) mayConfirmAt(ctx context.Context, p *oidc.Provider) error {
	return s.DB.Read(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, web.IdentityOf(ctx).User)
		if err != nil {
			return err
		}
		ways, err := s.elsewhere(tx, u)
		if err == nil && p != nil && !slices.Contains(ways, p) {
			err = errWay
		}
		return err
	})
}

// confirmBack counts if it is the same person who came back, and nobody else who
// has an account at the provider, and if no password or second factor came meanwhile.
func (s *System) confirmBack(w http.ResponseWriter, r *http.Request, a arrival, t trip) error {
	held, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (bool, error) {
		known, err := identityAt(tx, a.claims.Issuer, a.claims.Sub)
		if err != nil && !isNotFound(err) {
			return false, err
		}
		u, err := userByID(tx, t.user)
		if err != nil {
			return false, err
		}
		ways, err := s.elsewhere(tx, u)
		if err != nil {
			return false, err
		}
		act, held := actConfirmRefused, known.user == u.id && slices.Contains(ways, a.provider)
		if held {
			act = actConfirmed
			if err := confirmSession(tx, t.session); err != nil {
				return false, err
			}
		}
		return held, s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{{Type: "session", ID: t.session}, audit.User(t.user)},
			Details: map[string]any{"method": a.provider.Name}})
	})
	if err != nil {
		return err
	}
	if !held {
		return s.apart(w, r, http.StatusForbidden, "You were not confirmed", "Who you are at "+a.provider.Label+" does not open this account. Choose the account there that does.")
	}
	return web.SeeOther(w, r, web.LocalPath(t.next(), "/-/account"))
}
