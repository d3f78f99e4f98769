package auth

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// proof is how somebody has shown who he is.
type proof struct {
	method string // as the audit log says it: password, magic_link, google
	amr    string // RFC 8176 values, space separated
}

var byPassword = proof{method: "password", amr: "pwd"}

// entry is what a sign-in led to.
type entry struct {
	session  string
	deleteAt time.Time // there is no session: the account is to be deleted then, and may be kept instead
}

// welcome is how every sign-in ends, whatever proved it: with a session, and
// with its event. To an account that is to be deleted only its keeping is offered.
func (s *System) welcome(tx *store.Tx, n newSession, u user, p proof) (entry, error) {
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

// arrive sends a browser on after a sign-in, to a path on this site that it asked for.
func (s *System) arrive(w http.ResponseWriter, r *http.Request, n newSession, e entry, next string) error {
	if !e.deleteAt.IsZero() {
		return s.Pages.Render(w, r, "auth/keep", web.View{Title: "Keep your account?", Data: keepData{Token: string(n.keep), DeleteAt: e.deleteAt}})
	}
	s.setCookies(w, r, n)
	return web.SeeOther(w, r, web.LocalPath(next, "/"))
}
