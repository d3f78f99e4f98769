package web

import "strings"

// Scope says where a permission counts.
type Scope string

// A permission counts in an org, or in the whole instance.
const (
	ScopeOrg      Scope = "org"
	ScopeInstance Scope = "instance"
)

// PermissionKind is an entry of the catalogue of permissions. The catalogue is the
// documentation, the list that roles are made from and the guard against
// misspelling.
type PermissionKind struct {
	Name  string `json:"name"`        // "area:act"
	Title string `json:"title"`       // what a person reads in a list: "Manage members"
	Means string `json:"description"` // one sentence
	Scope Scope  `json:"scope"`
}

// Area is the part of a permission before the colon.
func Area(permission string) string {
	area, _, _ := strings.Cut(permission, ":")
	return area
}
