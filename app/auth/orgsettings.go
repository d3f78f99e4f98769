package auth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// orgChange is what of an org can be changed; nil leaves a part as it is.
type orgChange struct {
	Name       *string `json:"name,omitempty" doc:"1 to 80 characters"`
	Slug       *string `json:"slug,omitempty" doc:"Its name in addresses"`
	RequireMFA *bool   `json:"require_mfa,omitempty" doc:"Whether members need a second factor"`
}

// perSlug bounds how often an org changes its slug: each change keeps the earlier
// one from everybody else.
var perSlug = web.Limit{Every: 24 * time.Hour, Burst: 5}

// changeOrg changes the org of the request. An earlier slug goes on leading to it.
func (s *System) changeOrg(ctx context.Context, in orgChange) (orgRow, error) {
	org, id := web.OriginOf(ctx).Org, web.IdentityOf(ctx)
	if in.Slug != nil && strings.TrimSpace(*in.Slug) != org.Slug {
		if wait, ok := s.Limiter.Allow("slug "+org.ID, perSlug); !ok {
			return orgRow{}, web.TooMany(wait)
		}
	}
	if err := s.mayEase(ctx, in); err != nil {
		return orgRow{}, err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (orgRow, error) {
		was, err := orgByID(tx, org.ID)
		if err != nil {
			return was, err
		}
		var c web.Check
		now, changes := was, map[string]audit.Change{}
		if in.Name != nil {
			if now.Name = checkOrgName(&c, *in.Name); now.Name != was.Name {
				changes["name"] = audit.Change{From: was.Name, To: now.Name}
			}
		}
		if in.Slug != nil && strings.TrimSpace(*in.Slug) != was.Slug {
			now.Slug = checkSlug(&c, *in.Slug)
			changes["slug"] = audit.Change{From: was.Slug, To: now.Slug}
		}
		if in.RequireMFA != nil && *in.RequireMFA != was.requireMFA {
			now.requireMFA = *in.RequireMFA
			changes["require_mfa"] = audit.Change{From: was.requireMFA, To: now.requireMFA}
			c.Fault(!now.requireMFA || id.Person() && id.Level >= 2, "require_mfa", "level",
				"Sign in with your own second step first, or you would lock yourself out.")
			c.Fault(!now.requireMFA || was.personal == "", "require_mfa", "personal", "Your personal organization is yours alone: set up two-step sign-in for your account.")
		}
		if err := c.Err(); err != nil || len(changes) == 0 {
			return was, err
		}
		personal := veil(was, now, changes)
		return now, s.saveOrg(tx, was, now, audit.Event{Action: actOrgUpdated, Org: org.ID, Targets: []audit.Ref{{Type: "org", ID: org.ID}},
			Changes: changes, Personal: personal, Subject: subjectOf(was)})
	})
}

// mayEase demands a fresh proof of a person who has an org no longer ask for two
// factors: nobody does that at a browser that was left open.
func (s *System) mayEase(ctx context.Context, in orgChange) error {
	id := web.IdentityOf(ctx)
	if in.RequireMFA == nil || *in.RequireMFA || !id.Person() {
		return nil
	}
	if o, err := s.orgOf(ctx); err != nil || !o.requireMFA {
		return err
	}
	return s.Confirmed(ctx, id)
}

// veil takes what a personal org is called out of what the log keeps for ever: it is
// its person's, and goes with him.
func veil(was, now orgRow, changes map[string]audit.Change) map[string]string {
	if was.personal == "" {
		return nil
	}
	personal := map[string]string{}
	for field, called := range map[string]string{"name": now.Name, "slug": now.Slug} {
		if _, changed := changes[field]; changed {
			changes[field], personal[field] = audit.Change{From: "a " + field, To: "another"}, called
		}
	}
	return personal
}

// subjectOf is whom the name of an org is about, if it is a personal one.
func subjectOf(o orgRow) audit.Ref {
	if o.personal == "" {
		return audit.Ref{}
	}
	return audit.User(o.personal)
}

func (s *System) saveOrg(tx *store.Tx, was, now orgRow, e audit.Event) error {
	if now.Slug != was.Slug {
		if err := refuseTaken(tx, now.Slug, now.ID); err != nil {
			return err
		}
		if err := keepSlug(tx, now.ID, was.Slug, now.Slug); err != nil {
			return err
		}
	}
	if err := updateOrg(tx, now); err != nil {
		return err
	}
	if now.requireMFA && !was.requireMFA {
		if err := sendAllHome(tx, now.ID, 2); err != nil {
			return err
		}
	}
	return s.Audit.Record(tx, e)
}

type orgSettingsData struct {
	Done   string
	Org    orgJSON
	Level  int // of whoever looks
	MayOwn bool
}

// settingsDone is what happened before the page was shown again.
var settingsDone = map[string]string{"saved": "The settings are saved.", "slug": "The slug is changed. The earlier one goes on leading here."}

func (s *System) orgSettingsData(r *http.Request) (orgSettingsData, error) {
	o, err := s.orgOf(r.Context())
	id := web.IdentityOf(r.Context())
	return orgSettingsData{Done: settingsDone[r.URL.Query().Get("done")], Org: o.json(), Level: id.Level, MayOwn: id.Can(permOwn) && o.personal == ""}, err
}

func (s *System) orgSettingsPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.orgSettingsData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/orgsettings", web.View{Title: "Settings", Data: data})
}

type orgSettingsInput struct {
	Name       string `json:"name"`
	Slug       string `json:"slug"`
	RequireMFA bool   `json:"require_mfa"`
}

func (s *System) orgSettingsForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[orgSettingsInput](r)
	if err != nil {
		return err
	}
	change := orgChange{Name: &in.Name, Slug: &in.Slug, RequireMFA: &in.RequireMFA}
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	now, err := s.changeOrg(r.Context(), change)
	if err != nil {
		if web.AsError(err).Instead != "" {
			return err
		}
		data, failed := s.orgSettingsData(r)
		if failed != nil {
			return failed
		}
		return s.again(w, r, "auth/orgsettings", web.View{Title: "Settings", Data: data}, map[string]string{"name": in.Name, "slug": in.Slug}, err)
	}
	done := "saved"
	if now.Slug != web.OriginOf(r.Context()).Org.Slug {
		done = "slug"
	}
	return web.SeeOther(w, r, "/-/org/"+now.Slug+"/settings?done="+done)
}

func (s *System) changeOrgAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[orgChange](r)
	if err != nil {
		return err
	}
	o, err := s.changeOrg(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, o.json())
}

// deleteOrg closes the org of the request: it is gone for everybody at once, with
// its keys and invitations. Its rows stay, and nobody else gets its slug.
func (s *System) deleteOrg(ctx context.Context, confirm string) error {
	if !web.IdentityOf(ctx).Person() {
		return web.ErrPersonOnly
	}
	org := web.OriginOf(ctx).Org
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		o, err := orgByID(tx, org.ID)
		if err != nil {
			return err
		}
		if o.personal != "" {
			return errPersonalOrg
		}
		if strings.TrimSpace(confirm) != o.Name {
			return web.Invalid(web.Field{Field: "confirm", Code: "name", Message: "This is not the name of the organization."})
		}
		if err := sendAllHome(tx, o.ID, 3); err != nil {
			return err
		}
		if err := endInvitations(tx, o.ID); err != nil {
			return err
		}
		if err := setOrgDeleted(tx, o.ID, tx.Now().UnixMilli()); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actOrgDeleted, Org: o.ID, Targets: []audit.Ref{{Type: "org", ID: o.ID}}, Details: map[string]any{"slug": o.Slug}})
	})
}

type confirmNameInput struct {
	Confirm string `json:"confirm" doc:"The name of the organization, typed"`
}

func (s *System) deleteOrgForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmNameInput](r)
	if err != nil {
		return err
	}
	if err := s.deleteOrg(r.Context(), in.Confirm); err != nil {
		data, failed := s.orgSettingsData(r)
		if failed != nil {
			return failed
		}
		return s.again(w, r, "auth/orgsettings", web.View{Title: "Settings", Data: data}, nil, err)
	}
	return web.SeeOther(w, r, "/-/account?done=orgdeleted#organizations")
}

func (s *System) deleteOrgAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmNameInput](r)
	if err == nil {
		err = s.deleteOrg(r.Context(), in.Confirm)
	}
	return noContent(w, err)
}
