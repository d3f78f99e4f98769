package auth

import (
	"net/http"

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
	session string
}

// welcome is how every sign-in ends, whatever proved it: with a session, and
// with its event.
func (s *System) welcome(tx *store.Tx, n newSession, u user, p proof) (entry, error) {
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
func (s *System) arrive(w http.ResponseWriter, r *http.Request, n newSession, _ entry, next string) error {
	s.setCookies(w, r, n)
	return web.SeeOther(w, r, web.LocalPath(next, "/"))
}
