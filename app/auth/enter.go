package auth

import (
	"seaworthy/app/web"
	"seaworthy/store"
)

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
