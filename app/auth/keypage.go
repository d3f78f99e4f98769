package auth

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// keyView is a key as pages show it.
type keyView struct {
	Key
	State string
	Pill  string // its kind
	By    string // a name, or how a program is called
	Path  string // of the form that revokes it
}

// statePills are how a key's state looks.
var statePills = map[string]string{"active": "ok", "expired": "warn", "revoked": "quiet"}

func keyViews(tx *store.Tx, all []Key, now time.Time, path string) ([]keyView, error) {
	views := make([]keyView, 0, len(all))
	names := map[string]string{}
	for _, k := range all {
		v := keyView{Key: k, State: k.State(now), By: "a program", Path: path}
		v.Pill = statePills[v.State]
		if user := userIn(k.CreatedBy); user != "" {
			if names[user] == "" {
				u, err := userByID(tx, user)
				if err != nil && !isNotFound(err) {
					return nil, err
				}
				names[user] = u.name
			}
			v.By = cmp.Or(names[user], "a deleted account")
		}
		views = append(views, v)
	}
	return views, nil
}

type orgKeysData struct {
	pages
	Done        string
	Keys        []keyView
	Permissions []web.PermissionKind // that whoever looks can give
	Roles       []Role               // that whoever looks can give
	Chosen      map[string]bool      // permissions, when the form is shown again
	Role        string
	Expires     int // days
	Made        *Key
	Secret      string // shown this once
}

var keysDone = map[string]string{"revoked": "The key is revoked. Whoever uses it is refused from now on."}

func (s *System) orgKeysData(r *http.Request) (d orgKeysData, err error) {
	org, id := web.OriginOf(r.Context()).Org, web.IdentityOf(r.Context())
	cursor := r.URL.Query().Get("cursor")
	d = orgKeysData{Done: keysDone[r.URL.Query().Get("done")], Chosen: map[string]bool{}, Expires: 90}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		all, err := selectKeys(tx, org.ID, cursor, shownPage+1)
		if err != nil {
			return err
		}
		all, next := cut(all, shownPage, func(k Key) string { return k.ID })
		d.pages = pagesOf(r, next)
		if d.Keys, err = keyViews(tx, all, s.DB.Now(), "/-/org/"+org.Slug+"/keys/revoke"); err != nil {
			return err
		}
		kinds, err := s.inOrgs(tx)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			if id.Can(k.Name) {
				d.Permissions = append(d.Permissions, k)
			}
		}
		roles, err := selectRoles(tx, org.ID)
		d.Roles = givable(id, roles)
		return err
	})
	return d, err
}

// givable are the roles that give nothing which somebody does not have himself.
func givable(id web.Identity, roles []Role) (may []Role) {
	for _, role := range roles {
		all := true
		for _, p := range role.Permissions {
			all = all && id.Can(p)
		}
		if all {
			may = append(may, role)
		}
	}
	return may
}

func (s *System) orgKeysPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.orgKeysData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/orgkeys", web.View{Title: "API keys", Data: data})
}

type orgKeyForm struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions,omitempty"`
	Role        string   `json:"role,omitempty"`
	Expires     int      `json:"expires"` // days; 0: never
}

// keyDays are the lives a key can be given on the page.
var keyDays = map[int]bool{0: true, 7: true, 30: true, 90: true, 365: true}

// makeKeyForm shows the secret in its own answer: it is nowhere to be read again.
func (s *System) makeKeyForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[orgKeyForm](r)
	if err != nil {
		return err
	}
	if !keyDays[in.Expires] {
		return web.BadRequest("bad_field", "Choose until when the key works.")
	}
	n := NewKey{Name: in.Name, Org: web.OriginOf(r.Context()).Org.ID, Permissions: in.Permissions, Role: in.Role}
	if in.Expires > 0 {
		n.Expires = s.DB.Now().Add(time.Duration(in.Expires) * 24 * time.Hour)
	}
	k, secret, failed := s.MakeKey(r.Context(), n)
	data, err := s.orgKeysData(r)
	if err != nil {
		return err
	}
	if failed != nil {
		for _, p := range in.Permissions {
			data.Chosen[p] = true
		}
		data.Role, data.Expires = in.Role, in.Expires
		return s.again(w, r, "auth/orgkeys", web.View{Title: "API keys", Data: data}, map[string]string{"name": in.Name, "expires": strconv.Itoa(in.Expires)}, failed)
	}
	data.Made, data.Secret = &k, secret
	return s.Pages.Render(w, r, "auth/orgkeys", web.View{Title: "API keys", Data: data})
}

type revokeKeyInput struct {
	Key string `json:"key"`
}

func (s *System) revokeKeyForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[revokeKeyInput](r)
	if err != nil {
		return err
	}
	if err := s.RevokeKey(r.Context(), web.OriginOf(r.Context()).Org.ID, in.Key); err != nil {
		return err
	}
	return web.SeeOther(w, r, orgPath(r)+"/keys?done=revoked")
}
