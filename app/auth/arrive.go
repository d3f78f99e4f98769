package auth

import (
	"net/http"
	"net/url"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// proof is how somebody has shown who he is.
type proof struct {
	method string // as the audit log says it: password, magic_link, google
	amr    string // RFC 8176 values, space separated; with mfa if two factors were shown

	trusted bool // on a device where the second factor was shown lately
}

// level is the assurance that a sign-in by a proof has: 1 for one factor, 2 for two.
func (p proof) level() int {
	if multi(p.amr) || p.trusted {
		return 2
	}
	return 1
}

var byPassword = proof{method: "password", amr: "pwd"}

// entry is what a sign-in led to: a session, or the wait for a second step.
type entry struct {
	session string   // "" while it waits
	methods []string // to show the second step by
}

// welcome is how every sign-in ends, whatever proved it. Whoever has a second
// factor gets no session before he has shown it too, unless what he showed was
// two factors by itself, or this is a device that he trusts.
func (s *System) welcome(tx *store.Tx, n newSession, u user, p proof) (entry, error) {
	has, err := hasFactor(tx, u.id)
	if err != nil {
		return entry{}, err
	}
	if has && !multi(p.amr) {
		if n.kind == browserSession {
			if p.trusted, err = trusts(tx, n.device.hash(), u.id); err != nil {
				return entry{}, err
			}
		}
		if !p.trusted {
			return s.demand(tx, n, u, p)
		}
	}
	return s.enter(tx, n, u, p)
}

// enter starts the session of a user who has proved enough, with its event.
func (s *System) enter(tx *store.Tx, n newSession, u user, p proof) (entry, error) {
	org, err := personalOrg(tx, u.id)
	if err != nil {
		return entry{}, err
	}
	id, err := s.start(tx, n, u, org, p)
	if err != nil {
		return entry{}, err
	}
	return entry{session: id}, s.Audit.Record(tx, audit.Event{Action: actSignedIn, Actor: audit.User(u.id), Org: org,
		Targets: []audit.Ref{{Type: "session", ID: id}, audit.User(u.id)}, Details: map[string]any{"method": p.method},
		Personal: map[string]string{"email": u.email.typed}})
}

// arrive sends a browser on after a sign-in, to a path on this site that it asked
// for, or first to the second step.
func (s *System) arrive(w http.ResponseWriter, r *http.Request, n newSession, e entry, next string) error {
	if e.session == "" {
		s.setPendingCookie(w, n.pending)
		return web.SeeOther(w, r, "/-/login/mfa?"+url.Values{"next": {web.LocalPath(next, "/")}}.Encode())
	}
	s.setCookies(w, r, n)
	return web.SeeOther(w, r, web.LocalPath(next, "/"))
}
