package auth

import (
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

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
	return s.depart(w, r, oneTime{user: id.User, session: id.Session, payload: map[string]string{"act": toConfirm, "next": web.LocalPath(in.Next, "")}})
}

// confirmBack counts if it is the same person who came back, and nobody else who
// has an account at the provider. Whoever has a second factor has to show that.
func (s *System) confirmBack(w http.ResponseWriter, r *http.Request, a arrival, t trip) error {
	held, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (bool, error) {
		known, err := identityAt(tx, a.claims.Issuer, a.claims.Sub)
		if err != nil && !isNotFound(err) {
			return false, err
		}
		second, err := hasFactor(tx, t.user)
		if err != nil {
			return false, err
		}
		act, held := actConfirmRefused, known.user == t.user && !second
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
