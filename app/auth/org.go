package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

var (
	errTooManyOrgs = &web.Error{Status: http.StatusConflict, Code: "too_many_orgs",
		Public: "You belong to a hundred organizations, and that is the most one can. Leave one first."}
	errPersonalOrg = &web.Error{Status: http.StatusConflict, Code: "personal_org",
		Public: "This is a personal organization and stays with one person. Make an organization to work with others."}
)

const codeMFA = "mfa_required"

// errNeedsMFA keeps people with one factor out of an org that asks for two.
var errNeedsMFA = &web.Error{Status: http.StatusForbidden, Code: codeMFA,
	Public: "This organization asks for two-step sign-in. Set it up for your account, or sign out and in again with your second step."}

type newOrgInput struct {
	Name string `json:"name" doc:"What people call it"`
	Slug string `json:"slug,omitempty" doc:"Its name in addresses; made from the name if left out"`
}

// orgJSON is an org as the API gives it to a member.
type orgJSON struct {
	ID         string    `json:"id"`
	Slug       string    `json:"slug"`
	Name       string    `json:"name"`
	Personal   bool      `json:"personal"`
	RequireMFA bool      `json:"require_mfa"`
	Created    time.Time `json:"created_at"`
}

func (o orgRow) json() orgJSON {
	return orgJSON{ID: o.ID, Slug: o.Slug, Name: o.Name, Personal: o.personal != "", RequireMFA: o.requireMFA, Created: o.created}
}

// makeOrg makes an org that whoever asks owns. With a session it is the one that
// session works in from then on.
func (s *System) makeOrg(ctx context.Context, in newOrgInput, session string) (o orgRow, err error) {
	var c web.Check
	in.Name = checkOrgName(&c, in.Name)
	if in.Slug != "" {
		in.Slug = checkSlug(&c, in.Slug)
	}
	if err := c.Err(); err != nil {
		return o, err
	}
	me := web.IdentityOf(ctx)
	if me.Impersonator != "" {
		return o, errImpersonating
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (o orgRow, err error) {
		if err := room(tx, me.User); err != nil {
			return o, err
		}
		o = orgRow{Org: web.Org{ID: tx.NewID("org"), Slug: in.Slug, Name: in.Name}, created: tx.Now()}
		if o.Slug == "" {
			o.Slug, err = freeSlug(tx, in.Name, o.ID)
		} else {
			err = refuseTaken(tx, o.Slug, o.ID)
		}
		if err != nil {
			return o, err
		}
		if err := insertOrg(tx, o.ID, o.Slug, o.Name, ""); err != nil {
			return o, err
		}
		if err := insertMember(tx, o.ID, me.User); err != nil {
			return o, err
		}
		if err := bindRole(tx, me.User, o.ID, "rol_owner"); err != nil {
			return o, err
		}
		if session != "" {
			if _, err := setSessionOrg(tx, session, o.ID); err != nil {
				return o, err
			}
		}
		return o, s.Audit.Record(tx, audit.Event{Action: actOrgCreated, Org: o.ID, Targets: []audit.Ref{{Type: "org", ID: o.ID}},
			Details: map[string]any{"slug": o.Slug, "name": o.Name}})
	})
}

// checkOrgName demands a name that no mail program turns into a link: it stands
// in mails to people who were invited.
func checkOrgName(c *web.Check, name string) string {
	name = c.Text("name", name, 1, 80)
	c.Fault(!looksLikeLink(name), "name", "link", "A name cannot contain a web address.")
	return name
}

func refuseTaken(tx *store.Tx, slug, but string) error {
	taken, err := slugTaken(tx, slug, but)
	if taken {
		err = web.Invalid(web.Field{Field: "slug", Code: "taken", Message: "Another organization has this one, or had it. Choose another."})
	}
	return err
}

func (s *System) newOrgPage(w http.ResponseWriter, r *http.Request) error {
	return s.Pages.Render(w, r, "auth/neworg", web.View{Title: "Make an organization"})
}

func (s *System) newOrgForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[newOrgInput](r)
	if err != nil {
		return err
	}
	o, err := s.makeOrg(r.Context(), in, web.IdentityOf(r.Context()).Session)
	if err != nil {
		return s.again(w, r, "auth/neworg", web.View{Title: "Make an organization"}, map[string]string{"name": in.Name, "slug": in.Slug}, err)
	}
	return web.SeeOther(w, r, "/-/org/"+o.Slug+"/members?done=made")
}

func (s *System) newOrgAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[newOrgInput](r)
	if err != nil {
		return err
	}
	o, err := s.makeOrg(r.Context(), in, "")
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, o.json())
}

// membershipJSON is an org in the list of those that somebody belongs to.
type membershipJSON struct {
	ID       string `json:"id"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Personal bool   `json:"personal"`
	Current  bool   `json:"current"` // the session works in it
}

type membershipList struct {
	Orgs []membershipJSON `json:"orgs"` // at most a hundred, by name
}

func (s *System) orgsAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Membership, error) { return Memberships(tx, id.User) })
	if err != nil {
		return err
	}
	out := membershipList{Orgs: []membershipJSON{}}
	for _, m := range all {
		out.Orgs = append(out.Orgs, membershipJSON{ID: m.ID, Slug: m.Slug, Name: m.Name, Role: m.Role, Personal: m.Personal, Current: m.ID == id.Org})
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) orgAPI(w http.ResponseWriter, r *http.Request) error {
	o, err := s.orgOf(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, o.json())
}

// orgOf is the org that the request works in.
func (s *System) orgOf(ctx context.Context) (orgRow, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (orgRow, error) { return orgByID(tx, web.OriginOf(ctx).Org.ID) })
}

// orgPage is where links to an org lead.
func (s *System) orgPage(w http.ResponseWriter, r *http.Request) error {
	return web.SeeOther(w, r, orgPath(r)+"/members")
}

// orgPath is where the pages of the request's org begin.
func orgPath(r *http.Request) string { return "/-/org/" + web.OriginOf(r.Context()).Org.Slug }
