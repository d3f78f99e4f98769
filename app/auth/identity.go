package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth/oidc"
	"seaworthy/app/web"
	"seaworthy/store"
)

// socialRoutes are where people sign in with a provider, and link and unlink one.
func (s *System) socialRoutes() []web.Route {
	return []web.Route{
		{Method: "POST", Pattern: "/-/login/{provider}", Access: web.Public, Handler: s.socialForm, Limit: web.PerMinute(20),
			Exempt: "it leads to the provider; what comes of it is recorded when it comes back"},
		{Method: "POST", Pattern: "/-/confirm/{provider}", Access: web.Person, Handler: s.confirmAt, Limit: web.PerMinute(20),
			Exempt: "it leads to the provider; the confirmation is recorded when it comes back"},
		{Method: "GET", Pattern: "/-/login/{provider}/callback", Access: web.Public, Handler: s.socialBack, Limit: web.PerMinute(30),
			Audit: append(actions(actSignedUp, actLinked, actSeized, actEmailVerified, actSignInRefused, actConfirmed, actConfirmRefused), signedInActions...)},
		{Method: "POST", Pattern: "/-/account/security/identities/{provider}/link", Access: web.Person, Fresh: true, Handler: s.linkForm, Limit: web.PerMinute(20),
			Exempt: "it leads to the provider; the link is recorded when it comes back"},
		{Method: "POST", Pattern: "/-/account/security/identities/unlink", Access: web.Person, Fresh: true, Handler: s.unlinkForm, Audit: actions(actUnlinked)},
		{Method: "GET", Pattern: "/-/api/v1/identities", Access: web.Person, Handler: s.identitiesAPI,
			Doc: web.Doc{Summary: "List the providers you can sign in with", Out: identityList{}}},
		{Method: "DELETE", Pattern: "/-/api/v1/identities/{id}", Access: web.Person, Fresh: true, Handler: s.unlinkAPI, Audit: actions(actUnlinked),
			Doc: web.Doc{Summary: "Unlink a provider", Status: http.StatusNoContent}},
	}
}

// The actions of identities.
const (
	actLinked   audit.Action = "identity.linked"
	actUnlinked audit.Action = "identity.unlinked"
	actSeized   audit.Action = "user.seized"
)

// socialActions are their part of the catalogue.
var socialActions = []audit.Kind{
	{Action: actLinked, Title: "Identity linked", Means: "Who somebody is at a provider opens an account here from then on."},
	{Action: actUnlinked, Title: "Identity unlinked", Means: "Who somebody is at a provider opens an account here no longer."},
	{Action: actSeized, Title: "Account taken over by its address's owner", Means: "An account that only claimed an address went to whoever proved to be its owner: password, links, keys and sessions of before are gone."},
}

// methodsSection is the part of the security page about providers.
type methodsSection struct {
	Linked []method
	Others []*oidc.Provider // that can be linked
}

// method is one linked identity for people.
type method struct {
	ID, Label, Icon, Email string
	Created, Used          time.Time
	Last                   bool // the only way in
}

func (s *System) methods(tx *store.Tx, u user) (m methodsSection, err error) {
	all, err := identitiesOf(tx, u.id)
	if err != nil {
		return m, err
	}
	for _, i := range all {
		label, icon := oidc.Label(i.provider), "key-round"
		if p := s.providerOf(i.issuer); p != nil {
			label, icon = p.Label, p.Icon()
		}
		m.Linked = append(m.Linked, method{ID: i.id, Label: capital(label), Icon: icon, Email: i.email, Created: i.created, Used: i.used, Last: s.lastWay(u, all, i.id)})
	}
	for _, p := range s.Social {
		if !slices.ContainsFunc(all, func(i identity) bool { return i.issuer == p.Issuer }) {
			m.Others = append(m.Others, p)
		}
	}
	return m, nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (s *System) providerOf(issuer string) *oidc.Provider {
	for _, p := range s.Social {
		if p.Issuer == issuer {
			return p
		}
	}
	return nil
}

// lastWay reports whether a user could not sign in without an identity: there is
// no password, and no other provider that is still configured. Whatever else
// opens an account belongs here too.
func (s *System) lastWay(u user, all []identity, id string) bool {
	return u.phc == "" && !slices.ContainsFunc(all, func(i identity) bool { return i.id != id && s.providerOf(i.issuer) != nil })
}

// providersOf are the providers where a user can prove who he is.
func (s *System) providersOf(tx *store.Tx, u user) (ways []*oidc.Provider, err error) {
	all, err := identitiesOf(tx, u.id)
	for _, p := range s.Social {
		if slices.ContainsFunc(all, func(i identity) bool { return i.issuer == p.Issuer }) {
			ways = append(ways, p)
		}
	}
	return ways, err
}

func (s *System) linkForm(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	return s.depart(w, r, oneTime{user: id.User, session: id.Session, payload: map[string]string{"act": toLink}})
}

// linkBack links whoever somebody is at a provider to the account that he is
// signed in to. Whose address the provider has does not matter: he has proved
// both.
func (s *System) linkBack(w http.ResponseWriter, r *http.Request, a arrival, t trip) error {
	if web.IdentityOf(r.Context()).Impersonator != "" {
		return errImpersonating
	}
	owner, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (owner string, err error) {
		known, err := identityAt(tx, a.claims.Issuer, a.claims.Sub)
		if err == nil || !isNotFound(err) {
			return known.user, err
		}
		u, err := userByID(tx, t.user)
		if err != nil {
			return "", err
		}
		all, err := identitiesOf(tx, u.id)
		if err != nil {
			return "", err
		}
		if len(all) == maxIdentities {
			return "", &web.Error{Status: http.StatusConflict, Code: "too_many", Public: "An account can be linked with twenty identities at most. Unlink one first."}
		}
		return u.id, s.link(tx, u, a, "account")
	})
	if err != nil {
		return err
	}
	if owner != t.user {
		return s.apart(w, r, http.StatusConflict, capital(a.provider.Label)+" was not linked",
			"Who you are there opens another account here already. Sign in to that one and unlink it, then try again.")
	}
	return web.SeeOther(w, r, "/-/account/security?done=method_linked")
}

type unlinkInput struct {
	ID string `json:"id"`
}

func (s *System) unlinkForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[unlinkInput](r)
	if err != nil {
		return err
	}
	if err := s.unlink(r.Context(), in.ID); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/account/security?done=method_unlinked")
}

// errLastWay keeps people from locking themselves out.
var errLastWay = &web.Error{Status: http.StatusConflict, Code: "last_way",
	Public: "This is the only way into your account. Set a password or link another first."}

// unlink ends an identity of whoever asks.
func (s *System) unlink(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, web.IdentityOf(ctx).User)
		if err != nil {
			return err
		}
		i, err := identityOf(tx, u.id, id)
		if err != nil {
			return err
		}
		all, err := identitiesOf(tx, u.id)
		if err != nil {
			return err
		}
		if s.lastWay(u, all, id) {
			return errLastWay
		}
		if err := deleteIdentity(tx, u.id, id); err != nil {
			return err
		}
		if err := s.Audit.Record(tx, audit.Event{Action: actUnlinked, Subject: audit.User(u.id), Targets: []audit.Ref{{Type: "identity", ID: id}, audit.User(u.id)},
			Details: map[string]any{"method": i.provider}, Personal: map[string]string{"email": i.email}}); err != nil {
			return err
		}
		label := oidc.Label(i.provider)
		if p := s.providerOf(i.issuer); p != nil {
			label = p.Label
		}
		return s.tellOfIdentity(tx, u, "auth/identity_unlinked", label)
	})
}
