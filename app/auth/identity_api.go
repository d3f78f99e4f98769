package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// identityJSON is an identity as the API gives it to its user.
type identityJSON struct {
	ID       string    `json:"id"`
	Provider string    `json:"provider"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Email    string    `json:"email,omitempty"` // as the provider last said it
	Created  time.Time `json:"created_at"`
	LastUsed time.Time `json:"last_used_at"`
}

type identityList struct {
	Identities []identityJSON `json:"identities"` // all of them: there are twenty at most
}

func (s *System) identitiesAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]identity, error) {
		return identitiesOf(tx, web.IdentityOf(r.Context()).User)
	})
	if err != nil {
		return err
	}
	out := identityList{Identities: []identityJSON{}}
	for _, i := range all {
		out.Identities = append(out.Identities, identityJSON{ID: i.id, Provider: i.provider, Issuer: i.issuer, Subject: i.sub, Email: i.email, Created: i.created, LastUsed: i.used})
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) unlinkAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.unlink(r.Context(), r.PathValue("id")))
}
