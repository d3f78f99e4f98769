package auth

import (
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// securityData is how somebody can prove who he is, a section each.
type securityData struct {
	Done     string // what the person did last, "" for nothing
	Password passwordSection
	Methods  methodsSection
	Factors  factorsSection
}

type passwordSection struct{ Set bool }

// securityDone is what happened before the security page was shown again.
var securityDone = map[string]string{
	"method_linked":   "It is linked: you can sign in with it from now on.",
	"method_unlinked": "It is unlinked: it does not open your account any more.",
	"factor":          "The second step is set up.",
	"factor_removed":  "That second step is removed.",
	"password":        "Your password was changed, and every other device is signed out.",
}

func (s *System) securityData(r *http.Request) (securityData, error) {
	id := web.IdentityOf(r.Context())
	return store.Read(r.Context(), s.DB, func(tx *store.Tx) (d securityData, err error) {
		u, err := userByID(tx, id.User)
		if err != nil {
			return d, err
		}
		d.Done = securityDone[r.URL.Query().Get("done")]
		d.Password = passwordSection{Set: u.phc != ""}
		if d.Methods, err = s.methods(tx, u); err != nil {
			return d, err
		}
		d.Factors, err = s.factorsSection(tx, u.id)
		return d, err
	})
}

func (s *System) securityPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.securityData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/security", web.View{Title: "Security", Data: data})
}
