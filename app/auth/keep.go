package auth

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// errErasing is the answer to a sign-in when the time to keep the account is over.
var errErasing = &web.Error{Status: http.StatusForbidden, Code: "erasing", Public: "This account is being deleted. Sign up anew in a few minutes, if you like."}

// offerToKeep is how a sign-in ends for an account that is to be deleted: with
// the offer to keep it, and with nothing else.
func (s *System) offerToKeep(tx *store.Tx, n newSession, u user, p proof) (entry, error) {
	at, _, err := erasureOf(tx, u.id)
	if err != nil {
		return entry{}, err
	}
	if !at.After(tx.Now()) {
		return entry{}, errErasing
	}
	if err := issue(tx, n.keep, oneTime{purpose: forKeep, user: u.id}); err != nil {
		return entry{}, err
	}
	return entry{deleteAt: at}, s.Audit.Record(tx, audit.Event{Action: actKeepOffered, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)},
		Details: map[string]any{"method": p.method}})
}

type keepData struct {
	Token    string
	DeleteAt time.Time
}

// keepPage asks; it is where the link in the mail leads.
func (s *System) keepPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (keepData, error) {
		o, err := peek(tx, t, forKeep)
		if err != nil {
			return keepData{}, err
		}
		at, status, err := erasureOf(tx, o.user)
		if err == nil && (status != statusDeleting || !at.After(tx.Now())) {
			err = errLink
		}
		return keepData{Token: string(t), DeleteAt: at}, err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/keep", web.View{Title: "Keep your account?", Data: data})
}

func (s *System) keepForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[tokenInput](r)
	if err != nil {
		return err
	}
	if err := s.keepBy(r, token(in.Token)); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/login?notice=kept")
}

type keepInput struct {
	Token string `json:"keep_token" doc:"From the answer to signing in"`
}

func (s *System) keepAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[keepInput](r)
	if err != nil {
		return err
	}
	return noContent(w, s.keepBy(r, token(in.Token)))
}

func (s *System) keepBy(r *http.Request, t token) error {
	return s.DB.Write(r.Context(), func(tx *store.Tx) error {
		o, err := consume(tx, t, forKeep)
		if err != nil {
			return err
		}
		u, err := userByID(tx, o.user)
		if err != nil {
			return err
		}
		return s.keep(tx, u)
	})
}

// keep calls a deletion off. Its job will find nothing to do.
func (s *System) keep(tx *store.Tx, u user) error {
	if err := callOffErasure(tx, u.id); isNotFound(err) {
		return errLink
	} else if err != nil {
		return err
	}
	if err := voidTokens(tx, u.id, forKeep); err != nil {
		return err
	}
	if _, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/account_kept", User: u.id,
		Vars: map[string]string{"Name": u.name, "URL": s.URL + "/-/login"}}); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actKept, Actor: actorOr(tx, u.id), Targets: []audit.Ref{audit.User(u.id)},
		Changes: map[string]audit.Change{"status": {From: statusDeleting, To: "active"}}})
}
