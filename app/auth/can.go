package auth

import (
	"context"
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Can reports whether whoever makes the request of ctx has a permission where the
// request works: in the org of his session or key or, on the routes of an org, in
// that one. "billing.manage" is the same as "billing:manage". It is false outside
// of requests.
func Can(ctx context.Context, permission string) bool {
	return web.IdentityOf(ctx).Can(plain(permission))
}

// CanIn reports whether whoever makes the request of ctx has a permission in an
// org, named by its id or slug, by the rows of now.
func (s *System) CanIn(ctx context.Context, org, permission string) (bool, error) {
	_, has, err := s.Enter(ctx, web.IdentityOf(ctx), org)
	if e := web.AsError(err); err != nil && (e.Status == http.StatusNotFound || e.Code == codeMFA || e.Code == errWeak.Code) {
		return false, nil
	}
	return can(has, plain(permission)), err
}

// maxAsked bounds how many permissions one question names.
const maxAsked = 100

// canOutput answers what somebody may do.
type canOutput struct {
	Org         string          `json:"org_id"`
	User        string          `json:"user_id,omitempty"`
	Allowed     bool            `json:"allowed"` // all of them
	Permissions map[string]bool `json:"permissions"`
}

// canAPI answers what whoever asks may do, or, for those who may know, what
// another user may.
func (s *System) canAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	asked, org, user := q["permission"], q.Get("org"), q.Get("user")
	var c web.Check
	c.Fault(len(asked) > 0, "permission", "required", "Say which permission, once for each.")
	c.Fault(len(asked) <= maxAsked, "permission", "too_many", "A hundred at once at most.")
	for _, p := range asked {
		c.Fault(declaredForm.MatchString(plain(p)), "permission", "form", "A permission is written area:act or area.act.")
	}
	if err := c.Err(); err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	out := canOutput{Org: id.Org, User: user, Allowed: true, Permissions: map[string]bool{}}
	has := id.Permissions
	var err error
	switch {
	case user != "":
		if !id.Can(permAskRead) {
			return web.Forbidden(permAskRead)
		}
		if out.Org, has, err = s.heldBy(r.Context(), user, org); err != nil {
			return err
		}
	case org != "":
		found, permissions, err := s.Enter(r.Context(), id, org)
		if err != nil {
			return err
		}
		out.Org, has = found.ID, permissions
	}
	for _, p := range asked {
		may := can(has, plain(p))
		out.Permissions[p], out.Allowed = may, out.Allowed && may
	}
	return web.JSON(w, http.StatusOK, out)
}

// heldBy is what a user may do in an org, or in the whole instance for "". For
// somebody who is not there, or has no business there, it is nothing.
func (s *System) heldBy(ctx context.Context, user, org string) (id string, has []string, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		if org != "" {
			o, err := orgByName(tx, org)
			if err != nil {
				return err
			}
			id = o.ID
		}
		has, _, err = held(tx, web.Identity{User: user}, id)
		return err
	})
	return id, has, err
}
