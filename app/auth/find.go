package auth

import (
	"context"

	"seaworthy/app/find"
	"seaworthy/store"
)

// FindUsers finds people by how an address, a name or an id begins.
func FindUsers(_ context.Context, tx *store.Tx, q find.Query) (hits []find.Hit, err error) {
	people, _, err := People(tx, Filter{Query: q.Text}, q.Limit)
	for _, p := range people {
		h := find.Hit{ID: p.ID, Title: p.Email, Detail: p.Name, Path: "/-/admin/users/" + p.ID, Kind: "ok", Word: "active"}
		if h.Title == "" {
			h.Title, h.Detail = p.Name, ""
		}
		if h.Title == "" {
			h.Title = p.ID
		}
		switch {
		case p.Status == "disabled":
			h.Kind, h.Word = "danger", "suspended"
		case p.Status != "active":
			h.Kind, h.Word = "quiet", p.Status
		case !p.Verified:
			h.Kind, h.Word = "warn", "not verified"
		}
		hits = append(hits, h)
	}
	return hits, err
}

// FindOrgs finds orgs by how a name, a slug or an id begins.
func FindOrgs(_ context.Context, tx *store.Tx, q find.Query) (hits []find.Hit, err error) {
	orgs, _, err := Orgs(tx, Filter{Query: q.Text}, q.Limit)
	for _, o := range orgs {
		h := find.Hit{ID: o.ID, Title: o.Name, Detail: o.Slug, Path: "/-/admin/orgs/" + o.ID, Kind: "ok", Word: "shared"}
		switch {
		case !o.Deleted.IsZero():
			h.Kind, h.Word = "danger", "closed"
		case o.PersonalOf != "":
			h.Kind, h.Word = "quiet", "personal"
		}
		hits = append(hits, h)
	}
	return hits, err
}
