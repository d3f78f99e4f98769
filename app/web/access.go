package web

// Access says who may use a route.
type Access struct {
	name       string
	permission string
}

// Public routes are for everybody, SignedIn ones for whoever shows a session or
// an API key, Person ones for people with a session alone.
var (
	Public   = Access{name: "public"}
	SignedIn = Access{name: "signed-in"}
	Person   = Access{name: "person"}
)

// Permission routes are for those whose roles give the permission, written
// "area:act".
func Permission(p string) Access { return Access{name: "permission " + p, permission: p} }

func (a Access) String() string { return a.name }

// RequiredPermission is the permission a route needs, "" when it needs none.
func (a Access) RequiredPermission() string { return a.permission }

// Org is the org that a request works in.
type Org struct{ ID, Slug, Name string }
