package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

type accountData struct {
	Name, Email string
	Verified    bool
	Created     time.Time
	Orgs        []Membership
	Done        string
}

// accountDone is what happened before the page was shown.
var accountDone = map[string]string{"orgdeleted": "The organization is deleted.", "left": "You left the organization."}

func (s *System) accountPage(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (accountData, error) {
		u, err := userByID(tx, id.User)
		if err != nil {
			return accountData{}, err
		}
		d := accountData{Name: u.name, Email: u.email.typed, Verified: u.verified, Created: u.created}
		d.Orgs, err = Memberships(tx, u.id)
		return d, err
	})
	if err != nil {
		return err
	}
	data.Done = accountDone[r.URL.Query().Get("done")]
	return s.Pages.Render(w, r, "auth/account", web.View{Title: "Your account", Data: data})
}

// me is who is asking, as the API says it: a user with his session, or a key.
type me struct {
	User        *userJSON `json:"user,omitempty"`
	Session     string    `json:"session_id,omitempty"`
	Key         *keyJSON  `json:"key,omitempty"`
	Org         string    `json:"org_id"` // "" for a key of the whole instance
	Permissions []string  `json:"permissions"`
}

func (s *System) meAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	out := me{Org: id.Org, Permissions: id.Permissions}
	if k, ok := web.OriginOf(r.Context()).Found.(Key); ok {
		out.Key = k.json()
	} else {
		out.User, out.Session = &userJSON{ID: id.User, Email: id.Email, Name: id.Name, Verified: id.Verified}, id.Session
	}
	return web.JSON(w, http.StatusOK, out)
}
