package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// sessionJSON is a session as the API gives it to its user.
type sessionJSON struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"` // browser or api
	Current   bool      `json:"current"`
	Support   bool      `json:"support,omitempty"` // somebody who runs this site acts as you
	Device    string    `json:"device"`
	IP        string    `json:"ip"`
	Place     string    `json:"place,omitempty"`
	Created   time.Time `json:"created_at"`
	FirstSeen time.Time `json:"first_seen_at"` // of the device
	LastSeen  time.Time `json:"last_seen_at"`
	Expires   time.Time `json:"expires_at"` // if it is not used any more
}

type sessionList struct {
	Sessions []sessionJSON `json:"sessions"`
	Next     string        `json:"next_cursor,omitempty"` // of the next, older page; none on the last
}

func (s *System) sessionsAPI(w http.ResponseWriter, r *http.Request) error {
	before, limit, err := pageOf(r)
	if err != nil {
		return err
	}
	me := web.IdentityOf(r.Context())
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]signedIn, error) { return sessionsBefore(tx, me.User, before, limit+1) })
	if err != nil {
		return err
	}
	out := sessionList{Sessions: []sessionJSON{}}
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].id
	}
	for _, se := range all {
		out.Sessions = append(out.Sessions, s.sessionJSON(se, me.Session))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) sessionJSON(se signedIn, current string) sessionJSON {
	return sessionJSON{ID: se.id, Kind: string(se.kind), Current: se.id == current, Support: se.support, Device: se.label(), IP: se.ip,
		Place: s.Places.Of(se.ip), Created: se.created, FirstSeen: se.firstSeen, LastSeen: se.lastSeen, Expires: se.expires}
}

// revokeInput says which sessions to end. It may stand in the query instead,
// because some clients send no body with DELETE.
type revokeInput struct {
	Which string `json:"which" doc:"others, or all"`
}

type revokeOutput struct {
	Revoked int `json:"revoked"`
}

func (s *System) revokeManyAPI(w http.ResponseWriter, r *http.Request) error {
	in := revokeInput{Which: r.URL.Query().Get("which")}
	if r.ContentLength != 0 {
		var err error
		if in, err = web.Decode[revokeInput](r); err != nil {
			return err
		}
	}
	var c web.Check
	c.Fault(in.Which == whichOthers || in.Which == whichAll, "which", "choice", "Say others or all.")
	if err := c.Err(); err != nil {
		return err
	}
	n, err := s.end(r, in.Which, "")
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, revokeOutput{Revoked: n})
}

func (s *System) revokeOneAPI(w http.ResponseWriter, r *http.Request) error {
	_, err := s.end(r, whichOne, r.PathValue("id"))
	return noContent(w, err)
}
