package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// maxDevices bounds how many devices the account page shows.
const maxDevices = 50

// deviceView is a session as the account page shows it: where somebody is signed in.
type deviceView struct {
	ID, Device, Icon, IP, Place  string
	Current, API                 bool
	Support                      bool // somebody who runs this site acts as the user
	Created, FirstSeen, LastSeen time.Time
}

// trustedView is a device on which the second step is not asked for.
type trustedView struct {
	ID, Device  string
	Seen, Until time.Time
}

type sessionsData struct {
	Done    string // what the person did last, "" for nothing
	Devices []deviceView
	More    bool // there are more than are shown
	Others  bool // there is one besides this
	Trusted []trustedView
}

// done is what happened before the page was shown again.
var done = map[string]string{"device": "That device is signed out.", "others": "Every other device is signed out.",
	"forgotten": "The second step is asked for there again."}

func (s *System) sessionsPage(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	var ease []trusted
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (all []signedIn, err error) {
		if ease, err = trustedDevices(tx, id.User); err != nil {
			return nil, err
		}
		return userSessions(tx, id.User, maxDevices+1)
	})
	if err != nil {
		return err
	}
	d := sessionsData{Done: done[r.URL.Query().Get("done")]}
	if len(all) > maxDevices {
		all, d.More = all[:maxDevices], true
	}
	for _, t := range ease {
		d.Trusted = append(d.Trusted, trustedView{ID: t.id, Device: t.label, Seen: t.seen, Until: t.until})
	}
	for _, se := range all {
		view := s.view(se, id.Session)
		d.Devices, d.Others = append(d.Devices, view), d.Others || !view.Current
	}
	return s.Pages.Render(w, r, "auth/sessions", web.View{Title: "Devices", Data: d})
}

func (s *System) view(se signedIn, current string) deviceView {
	return deviceView{ID: se.id, Device: se.label(), Icon: se.icon(), IP: se.ip, Place: s.Places.Of(se.ip),
		Current: se.id == current, API: se.kind == apiSession, Support: se.support, Created: se.created, FirstSeen: se.firstSeen, LastSeen: se.lastSeen}
}

// The sessions that one act can end.
const (
	whichOne    = "one" // the one that is named
	whichOthers = "others"
	whichAll    = "all"
)

// end ends sessions of whoever asks, from the next request on, and returns how
// many. A session that is another's or has ended is not there. A device that is
// signed out from another one may be lost: it is trusted no longer.
func (s *System) end(r *http.Request, which, id string) (n int, err error) {
	me := web.IdentityOf(r.Context())
	return store.Write(r.Context(), s.DB, func(tx *store.Tx) (n int, err error) {
		switch which {
		case whichOthers:
			if err := forgetOtherDevices(tx, me.User, me.Session); err != nil {
				return 0, err
			}
			return s.revokeOthers(tx, me.User, me.Session, "signed out from another device")
		case whichAll:
			return s.revokeAll(tx, me.User, "signed out everywhere")
		}
		reason := "signed out from another device"
		if id == me.Session {
			reason = "signed out"
		} else if err := forgetDeviceOf(tx, me.User, id); err != nil {
			return 0, err
		}
		ended, err := s.revoke(tx, me.User, id, reason)
		if err == nil && !ended {
			err = store.ErrNotFound
		}
		return 1, err
	})
}

type revokeFormInput struct {
	Which   string `json:"which"`
	Session string `json:"session,omitempty"`
}

// revokeForm is the account page's; programs have the API. A device that is
// signed out already is what the person wanted.
func (s *System) revokeForm(w http.ResponseWriter, r *http.Request) error {
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly // it may end the browser's session, and a program has none
	}
	in, err := web.Decode[revokeFormInput](r)
	if err != nil {
		return err
	}
	if in.Which != whichOne && in.Which != whichOthers && in.Which != whichAll {
		return web.BadRequest("bad_field", "Choose what to sign out.")
	}
	if _, err := s.end(r, in.Which, in.Session); err != nil && !isNotFound(err) {
		return err
	}
	switch {
	case in.Which == whichAll || in.Which == whichOne && in.Session == web.IdentityOf(r.Context()).Session:
		s.sessions.WriteSessionCookie(r.Context(), w, "", time.Time{})
		return web.SeeOther(w, r, "/-/login?notice=out")
	case in.Which == whichOthers:
		return web.SeeOther(w, r, "/-/account/sessions?done=others")
	}
	return web.SeeOther(w, r, "/-/account/sessions?done=device")
}
