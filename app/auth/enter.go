package auth

import (
	"context"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Enter implements web.Guard: it finds an org and what the caller may do there.
// An org that is not there, one that is deleted and one that is none of the
// caller's business give the same answer. An org that asks for two factors lets
// nobody in who has shown one.
func (s *System) Enter(ctx context.Context, id web.Identity, slugOrID string) (org web.Org, permissions []string, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		o, err := orgNamed(tx, slugOrID)
		if err != nil {
			return err
		}
		in := false
		if permissions, in, err = held(tx, id, o.ID); err == nil && !in {
			err = store.ErrNotFound
		}
		if err == nil && o.requireMFA && id.Person() && id.Level < 2 {
			err = needsSecond(tx, id)
		}
		org = o.Org
		return err
	})
	if isNotFound(err) {
		err = web.ErrNotFound
	}
	if err != nil {
		return web.Org{}, nil, err
	}
	return org, permissions, nil
}

// needsSecond leads whoever has a second factor to show it in this session, and
// everybody else to set one up. Who acts as somebody else can do neither.
func needsSecond(tx *store.Tx, id web.Identity) error {
	has, err := hasFactor(tx, id.User)
	switch {
	case err != nil:
		return err
	case has && id.Impersonator == "":
		return errWeak
	}
	return errNeedsMFA
}

// held is what a caller may do in an org, or in the whole instance if org is "",
// and whether he has any business there. It is read anew and not taken from the
// identity, so that a slow request has no more than its caller has by now.
//
// A member has his roles in the org and those in the whole instance. Whoever is
// no member has the latter alone, and without any of them no business there.
func held(tx *store.Tx, id web.Identity, org string) (has []string, in bool, err error) {
	if id.Key != "" {
		k, err := keyByID(tx, id.Key)
		if isNotFound(err) || err == nil && k.Org != "" && k.Org != org {
			return nil, false, nil
		}
		return k.Permissions, err == nil, err
	}
	member, err := isMember(tx, id.User, org)
	if isNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if !member {
		org = ""
	}
	has, err = permissions(tx, id.User, org)
	return has, member || len(has) > 0, err
}

// FindOrg is an org by its id or slug; store.ErrNotFound when there is none.
func FindOrg(tx *store.Tx, slugOrID string) (web.Org, error) { return orgByName(tx, slugOrID) }
