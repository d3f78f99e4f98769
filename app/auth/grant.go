package auth

import (
	"context"
	"net/http"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// errNoOrg is the answer for an org that is not there and for one that is none
// of the caller's business.
var errNoOrg = web.Invalid(web.Field{Field: "org", Code: "unknown", Message: "There is no such org."})

// errImpersonating keeps whoever acts as somebody else from leaving with a
// credential of theirs.
var errImpersonating = &web.Error{Status: http.StatusForbidden, Code: "impersonating",
	Public: "This cannot be done while you act as somebody else."}

// onMachine reports whether a change comes from the command line or a job: from
// no request, and so from nobody who has to be held to his permissions.
func onMachine(ctx context.Context) bool {
	o := web.OriginOf(ctx)
	return o.RequestID == "" && !o.Identity.Known()
}

// maker is who makes a key, as type:id.
func maker(ctx context.Context) string {
	if !onMachine(ctx) {
		return web.IdentityOf(ctx).Actor()
	}
	by := audit.Ref{Type: "system", ID: "command"}
	if job, in := queue.FromContext(ctx); in {
		by.ID = job.Kind
	}
	return by.String()
}

// mayGrant holds whoever makes a key to what he has himself, in the org where
// the key works: what a person has in one org is nothing in another or in the
// whole instance. A key that makes a key cannot outlive itself by it.
func mayGrant(tx *store.Tx, k Key) error {
	if k.Org != "" {
		if err := withinOrg(tx, k.Permissions); err != nil {
			return err
		}
	}
	if onMachine(tx.Context()) {
		return nil
	}
	id := web.IdentityOf(tx.Context())
	if id.Impersonator != "" {
		return errImpersonating
	}
	has, in, err := held(tx, id, k.Org)
	if err != nil {
		return err
	}
	if !in && k.Org != "" {
		return errNoOrg
	}
	for _, p := range k.Permissions {
		if !can(has, p) {
			return web.Forbidden(p)
		}
	}
	if id.Key == "" {
		return nil
	}
	parent, err := keyByID(tx, id.Key)
	if err == nil && !parent.Expires.IsZero() && (k.Expires.IsZero() || k.Expires.After(parent.Expires)) {
		return web.Invalid(web.Field{Field: "expires_at", Code: "too_late", Message: "A key cannot make one that works longer than itself."})
	}
	return err
}

// withinOrg refuses what reaches beyond an org: routes of the whole instance ask
// for permissions too, and a key of one org must not open them.
func withinOrg(tx *store.Tx, permissions []string) error {
	owner, err := ownerPermissions(tx)
	if err != nil {
		return err
	}
	for _, p := range permissions {
		if !can(owner, p) {
			return web.Invalid(web.Field{Field: "permissions", Code: "beyond_org",
				Message: "A key of an org can have what its owner has, and not " + p + ": " + strings.Join(owner, ", ") + "."})
		}
	}
	return nil
}

// can reports whether permissions include one, or all of an area's for "area:*".
func can(has []string, p string) bool { return web.Identity{Permissions: has}.Can(p) }
