package auth

import (
	"net/http"
	"net/url"
	"time"

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
	session  string    // "" while it waits
	methods  []string  // to show the second step by
	deleteAt time.Time // there is no session: the account is to be deleted then, and may be kept instead
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
	if u.status == statusDeleting {
		return s.offerToKeep(tx, n, u, p)
	}
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

// waits reports whether the second step is still to come.
func (e entry) waits() bool { return len(e.methods) > 0 }

// nowhere reports whether it led nowhere.
func (e entry) nowhere() bool { return e.session == "" && !e.waits() && e.deleteAt.IsZero() }

// arrive sends a browser on after a sign-in, to a path on this site that it asked
// for, or first to the second step, or to whether the account is kept.
func (s *System) arrive(w http.ResponseWriter, r *http.Request, n newSession, e entry, next string) error {
	switch {
	case e.waits():
		s.setCookie(w, pendingCookie, string(n.pending), life[forMFA])
		return web.SeeOther(w, r, "/-/login/mfa?"+url.Values{"next": {web.LocalPath(next, "/")}}.Encode())
	case !e.deleteAt.IsZero():
		return s.Pages.Render(w, r, "auth/keep", web.View{Title: "Keep your account?", Data: keepData{Token: string(n.keep), DeleteAt: e.deleteAt}})
	}
	s.setCookies(w, r, n)
	return web.SeeOther(w, r, web.LocalPath(next, "/"))
}
