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
}

type passwordSection struct{ Set bool }

// securityDone is what happened before the security page was shown again.
var securityDone = map[string]string{
	"password": "Your password was changed, and every other device is signed out.",
}

func (s *System) securityData(r *http.Request) (securityData, error) {
	id := web.IdentityOf(r.Context())
	return store.Read(r.Context(), s.DB, func(tx *store.Tx) (d securityData, err error) {
		u, err := userByID(tx, id.User)
		d.Done = securityDone[r.URL.Query().Get("done")]
		d.Password = passwordSection{Set: u.phc != ""}
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
