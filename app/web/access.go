package web

import (
	"fmt"
	"strings"
)

// Access says who may use a route.
type Access struct {
	name       string
	permission string
	inOrg      bool
}

// Public routes are for everybody, SignedIn ones for whoever shows a session or
// an API key, Person ones for people alone: with the cookie of a session or with
// its access token.
var (
	Public   = Access{name: "public"}
	SignedIn = Access{name: "signed-in"}
	Person   = Access{name: "person"}
)

// Permission routes are for those whose roles give the permission, written
// "area:act".
func Permission(p string) Access { return Access{name: "permission " + p, permission: p} }

// InOrg routes belong to the org that their pattern names, as {slug} on pages or
// {org}, an id, in the API. They are for those who have the permission in that
// org. To anybody who has no business there the org does not exist.
func InOrg(p string) Access {
	return Access{name: "permission " + p + " in the org", permission: p, inOrg: true}
}

func (a Access) String() string { return a.name }

// RequiredPermission is the permission a route needs, "" when it needs none.
func (a Access) RequiredPermission() string { return a.permission }

// Scope is where the permission of a route counts.
func (a Access) Scope() Scope {
	if a.inOrg {
		return ScopeOrg
	}
	return ScopeInstance
}

// Org is the org that a request works in.
type Org struct{ ID, Slug, Name string }

// orgParameter is the name under which a pattern holds its org, "" for none.
func orgParameter(pattern string) string {
	for _, name := range []string{"slug", "org"} {
		if strings.Contains(pattern, "/{"+name+"}") {
			return name
		}
	}
	return ""
}

// check finds a route that asks for what its pattern cannot say.
func (a Access) check(route Route) error {
	if a.inOrg && (a.permission == "" || orgParameter(route.Pattern) == "") {
		return fmt.Errorf("%s %s: a route in an org needs a permission, and {slug} or {org} in its pattern", route.Method, route.Pattern)
	}
	return nil
}
