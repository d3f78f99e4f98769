package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
)

// The same handlers serve the keys of the whole instance and those of the org
// that the path names: OriginOf(ctx).Org is zero for the former.

func (s *System) keyListAPI(w http.ResponseWriter, r *http.Request) error {
	before, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	all, err := s.Keys(r.Context(), web.OriginOf(r.Context()).Org.ID, before, limit+1)
	if err != nil {
		return err
	}
	out := keyList{Keys: []keyRow{}}
	all, out.Next = cut(all, limit, func(k Key) string { return k.ID })
	for _, k := range all {
		out.Keys = append(out.Keys, k.row(s.DB.Now()))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) makeKeyAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[keyInput](r)
	if err != nil {
		return err
	}
	n := NewKey{Name: in.Name, Org: web.OriginOf(r.Context()).Org.ID, Permissions: in.Permissions, Role: in.Role}
	if in.Expires != nil {
		if n.Expires = in.Expires.UTC(); n.Expires.Year() > 9999 || n.Expires.IsZero() {
			n.Expires = time.UnixMilli(0) // refused as past
		}
	}
	k, secret, err := s.MakeKey(r.Context(), n)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, keyMade{k.row(s.DB.Now()), secret})
}

func (s *System) revokeKeyAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.RevokeKey(r.Context(), web.OriginOf(r.Context()).Org.ID, r.PathValue("id")))
}
