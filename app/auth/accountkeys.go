package auth

import (
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

type accountKeysData struct {
	pages
	Done string
	Keys []keyView
	Orgs []Membership
}

// accountKeysPage lists the keys that a person made, in whatever org: who made a
// key knows its secret, and so can always end it.
func (s *System) accountKeysPage(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	d := accountKeysData{Done: keysDone[r.URL.Query().Get("done")]}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		all, err := keysMadeBy(tx, "user:"+id.User, r.URL.Query().Get("cursor"), shownPage+1)
		if err != nil {
			return err
		}
		all, next := cut(all, shownPage, func(k Key) string { return k.ID })
		d.pages = pagesOf(r, next)
		if d.Keys, err = keyViews(tx, all, s.DB.Now(), "/-/account/tokens/revoke"); err != nil {
			return err
		}
		d.Orgs, err = Memberships(tx, id.User)
		return err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/accountkeys", web.View{Title: "API keys", Data: d})
}

// revokeOwnKeyForm ends a key for whoever made it, also where he may not manage keys or
// does not belong any more. Another's key is not there.
func (s *System) revokeOwnKeyForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[revokeKeyInput](r)
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		k, err := anyKey(tx, in.Key)
		if err != nil {
			return err
		}
		if k.CreatedBy != id.Actor() {
			return store.ErrNotFound
		}
		if !k.Revoked.IsZero() {
			return nil
		}
		return s.endKey(tx, k)
	})
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/account/tokens?done=revoked")
}
