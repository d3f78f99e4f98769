package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// accountData is what the profile page shows.
type accountData struct {
	Done        string // what the person did last, "" for nothing
	Name, Email string
	Verified    bool
	Stale       bool   // who this is has to be confirmed before the address is changed
	Pending     string // address that waits for its link, "" for none
	Created     time.Time
	Orgs        []Membership
}

// accountDone is what happened before the profile page was shown.
var accountDone = map[string]string{"name": "Your name was saved.", "cancelled": "Your address stays as it is.",
	"orgdeleted": "The organization is deleted.", "left": "You left the organization."}

func (s *System) accountData(r *http.Request) (accountData, error) {
	id := web.IdentityOf(r.Context())
	return store.Read(r.Context(), s.DB, func(tx *store.Tx) (accountData, error) {
		u, err := userByID(tx, id.User)
		if err != nil {
			return accountData{}, err
		}
		d := accountData{Name: u.name, Email: u.email.typed, Verified: u.verified, Created: u.created, Stale: s.stale(r.Context()),
			Done: accountDone[r.URL.Query().Get("done")]}
		pending, err := pendingEmail(tx, u.id)
		if err != nil && !isNotFound(err) {
			return d, err
		}
		d.Pending = pending.typed
		d.Orgs, err = Memberships(tx, u.id)
		return d, err
	})
}

// stale reports whether who asks has to confirm who he is before what is dangerous.
func (s *System) stale(ctx context.Context) bool {
	return errors.Is(s.Confirmed(ctx, web.IdentityOf(ctx)), web.ErrStale)
}

func (s *System) accountPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.accountData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/account", web.View{Title: "Your account", Data: data, Form: &web.Form{Values: map[string]string{"name": data.Name}}})
}

// accountAgain shows the page again with what is wrong in one of its forms.
func (s *System) accountAgain(w http.ResponseWriter, r *http.Request, typed map[string]string, failed error) error {
	data, err := s.accountData(r)
	if err != nil {
		return err
	}
	if _, other := typed["name"]; !other {
		typed["name"] = data.Name
	}
	return s.again(w, r, "auth/account", web.View{Title: "Your account", Data: data}, typed, failed)
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
