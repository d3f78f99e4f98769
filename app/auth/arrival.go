package auth

import (
	"net/http"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/auth/oidc"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// arrival is what a provider says of a person, in the form that decides.
type arrival struct {
	provider      *oidc.Provider
	claims        oidc.Claims
	email         address // zero if the provider told none that can be one
	authoritative bool    // the provider can know whose address it is, and says that it is this person's
	name          string
}

func newArrival(p *oidc.Provider, c oidc.Claims) arrival {
	a := arrival{provider: p, claims: c}
	a.email, _ = newAddress(c.Email)
	local, domain, _ := strings.Cut(a.email.norm, "@")
	a.authoritative = domain != "" && p.Authoritative(c, domain)
	a.name = strings.TrimSpace(web.CleanText(strings.TrimSpace(c.Name), 100))
	if a.name == "" || looksLikeLink(a.name) {
		a.name = web.CleanText(local, 100)
	}
	return a
}

// Where an arrival leads that does not sign somebody in.
type refusal string

const (
	notRefused   refusal = ""
	refusedUser  refusal = "disabled"
	refusedClaim refusal = "address_not_proven" // somebody here has the address
	refusedBlank refusal = "no_address"
)

// admission is what came of an arrival.
type admission struct {
	entry
	refusal refusal
}

// signInBack signs in whoever the provider says it is, or says why not.
func (s *System) signInBack(w http.ResponseWriter, r *http.Request, a arrival, t trip) error {
	n, verify := newSessionFor(r, s.Secure), newToken()
	got, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (admission, error) {
		u, no, err := s.resolve(tx, a, verify)
		if err != nil || no != notRefused {
			return admission{refusal: no}, firstError(err, s.refuseProvider(tx, a.provider, string(no), u))
		}
		e, err := s.welcome(tx, n, u, byProvider(a.provider))
		return admission{entry: e}, err
	})
	if err != nil {
		return err
	}
	label := a.provider.Label
	switch got.refusal {
	case refusedUser:
		return s.apart(w, r, http.StatusForbidden, "We could not sign you in", "Who you are at "+label+" does not lead to an account that you can use here.")
	case refusedBlank:
		return s.apart(w, r, http.StatusForbidden, "We could not sign you in", "We got no email address from "+label+", and cannot make an account without one. Sign up another way, then link it on the security page of your account.")
	case refusedClaim:
		return s.apart(w, r, http.StatusForbidden, "Sign in the way you did before", label+" cannot tell us for certain that "+a.email.typed+
			" is yours. Sign in another way first, then link it on the security page of your account: from then on it opens the account.")
	}
	return s.arrive(w, r, n, got.entry, t.next())
}

// resolve is the linking rule (spec/auth.md 1.1). A person is known by issuer and
// subject and by nothing else; an address only leads to an account if the
// provider is authoritative for it and the account has verified it, or else has
// only claimed it and is taken over.
func (s *System) resolve(tx *store.Tx, a arrival, verify token) (user, refusal, error) {
	known, err := identityAt(tx, a.claims.Issuer, a.claims.Sub)
	if err == nil {
		u, err := userByID(tx, known.user)
		if err != nil || !u.mayEnter() {
			return u, refusedUser, err
		}
		return u, notRefused, touchIdentity(tx, known.id, a.shown(), a.claims.Verified)
	}
	if !isNotFound(err) {
		return user{}, notRefused, err
	}
	if a.email.norm == "" {
		return user{}, refusedBlank, nil
	}
	holder, err := owner(tx, a.email.norm)
	if err == nil {
		switch {
		case !holder.mayEnter():
			return holder, refusedUser, nil
		case !a.authoritative:
			return holder, refusedClaim, nil
		}
		return holder, notRefused, s.link(tx, holder, a, "address")
	}
	if !isNotFound(err) {
		return user{}, notRefused, err
	}
	claimant, err := newestClaim(tx, a.email.norm)
	switch {
	case isNotFound(err):
		u, err := s.signUpBy(tx, a, verify)
		return u, notRefused, err
	case err != nil:
		return user{}, notRefused, err
	case !a.authoritative:
		return claimant, refusedClaim, nil
	}
	u, err := s.takeOver(tx, claimant, a)
	return u, notRefused, err
}

// takeOver gives an account that only claimed an address to the address's owner.
func (s *System) takeOver(tx *store.Tx, u user, a arrival) (user, error) {
	if err := s.seize(tx, u, a.provider.Name); err != nil {
		return u, err
	}
	u.phc, u.verified = "", true
	if err := s.verified(tx, u); err != nil {
		return u, err
	}
	return u, s.link(tx, u, a, "seized")
}

// signUpBy makes an account for somebody new. An address that the provider
// cannot vouch for is verified by mail like any other.
func (s *System) signUpBy(tx *store.Tx, a arrival, verify token) (user, error) {
	u, org, err := insertPerson(tx, newUser{name: a.name, email: a.email})
	if err != nil {
		return u, err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actSignedUp, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)}, Org: org,
		Details: map[string]any{"method": a.provider.Name}, Personal: map[string]string{"email": u.email.typed, "name": u.name}}); err != nil {
		return u, err
	}
	if a.authoritative {
		u.verified = true
		err = s.verified(tx, u)
	} else {
		err = s.askToVerify(tx, u, verify)
	}
	if err != nil {
		return u, err
	}
	return u, s.link(tx, u, a, "signed_up")
}

// shown is the address as the provider has it, for people to know which of their
// accounts there it is.
func (a arrival) shown() string { return web.CleanText(a.claims.Email, 254) }

// link binds an identity to a user: how is signed_up, address, seized or
// account. Whoever had the account before is told.
func (s *System) link(tx *store.Tx, u user, a arrival, how string) error {
	i := identity{id: tx.NewID("idn"), user: u.id, issuer: a.claims.Issuer, sub: a.claims.Sub, provider: a.provider.Name, email: a.shown()}
	if err := insertIdentity(tx, i, a.claims.Verified); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actLinked, Actor: actorOr(tx, u.id), Subject: audit.User(u.id),
		Targets: []audit.Ref{{Type: "identity", ID: i.id}, audit.User(u.id)}, Details: map[string]any{"method": i.provider, "how": how},
		Personal: map[string]string{"email": i.email}}); err != nil {
		return err
	}
	template := "auth/identity_linked"
	switch how {
	case "signed_up":
		return nil
	case "seized":
		template = "auth/account_seized"
	}
	return s.tellOfIdentity(tx, u, template, a.provider.Label)
}

func (s *System) tellOfIdentity(tx *store.Tx, u user, template, label string) error {
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: template, User: u.id, Vars: map[string]string{
		"Name": u.name, "Provider": label, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"),
		"Device": deviceLabel(web.OriginOf(tx.Context()).UserAgent), "URL": s.URL + "/-/account/security"}})
	return err
}
