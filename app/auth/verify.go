package auth

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

type verifyData struct {
	Token, Email, Name, Device string
	Asked                      time.Time
	Mine                       bool
}

// verifyPage shows what would be verified and asks. Opening the link changes
// nothing: mail scanners open links too.
func (s *System) verifyPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (verifyData, error) {
		o, err := peek(tx, t, forVerify)
		if err != nil {
			return verifyData{}, err
		}
		u, err := userByID(tx, o.user)
		return verifyData{Token: string(t), Email: u.email.typed, Name: u.name, Device: o.payload["device"], Asked: o.created,
			Mine: u.id == web.IdentityOf(r.Context()).User}, err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/verify", web.View{Title: "Verify your address", Data: data})
}

type verifyInput struct {
	Token string `json:"token"`
	Act   string `json:"act"`
}

func (s *System) verifyForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[verifyInput](r)
	if err != nil {
		return err
	}
	switch in.Act {
	case "confirm":
		return s.confirm(w, r, token(in.Token))
	case "deny":
		return s.disown(w, r, token(in.Token))
	}
	return web.BadRequest("bad_field", "Choose whether to verify the address.")
}

func (s *System) confirm(w http.ResponseWriter, r *http.Request, t token) error {
	u, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (user, error) {
		o, err := consume(tx, t, forVerify)
		if err != nil {
			return user{}, err
		}
		u, err := userByID(tx, o.user)
		if err != nil {
			return u, err
		}
		if u.status != "active" || o.payload["email"] != u.email.norm {
			return u, errLink
		}
		return u, s.verified(tx, u)
	})
	if err != nil {
		return err
	}
	data := notice{Kind: "ok", Heading: "Your address is verified", Body: []string{u.email.typed + " is yours now at this site."},
		Action: "Continue", Path: "/"}
	if web.IdentityOf(r.Context()).User != u.id {
		data.Body = append(data.Body, "Sign in to go on.")
		data.Action, data.Path = "Sign in", "/-/login"
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: data.Heading, Data: data})
}

// verified makes an address a user's own. Whoever else claimed it without proof
// loses the claim, with every session: an attacker who signed up first with
// somebody's address must be left with nothing.
func (s *System) verified(tx *store.Tx, u user) error {
	if err := s.claimAddress(tx, u); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actEmailVerified, Actor: actorOr(tx, u.id), Targets: []audit.Ref{audit.User(u.id)},
		Subject: audit.User(u.id), Personal: map[string]string{"email": u.email.typed}})
}

// claimAddress marks an address verified and ends every other claim to it.
func (s *System) claimAddress(tx *store.Tx, u user) error {
	if holder, err := owner(tx, u.email.norm); err == nil && holder.id != u.id {
		return errLink
	} else if err != nil && !isNotFound(err) {
		return err
	}
	if err := markVerified(tx, u.id, u.email.norm); err != nil {
		return err
	}
	others, err := claims(tx, u.email.norm, u.id)
	if err != nil {
		return err
	}
	for _, other := range others {
		if err := s.retire(tx, other, actSuperseded, "the address was verified by its owner"); err != nil {
			return err
		}
	}
	return nil
}

// retire ends an account that only claimed an address.
func (s *System) retire(tx *store.Tx, u user, act audit.Action, reason string) error {
	if !u.mayEnter() {
		return nil
	}
	if err := setStatus(tx, u.id, "superseded"); err != nil {
		return err
	}
	if _, err := s.revokeAll(tx, u.id, reason); err != nil {
		return err
	}
	if err := s.EndInstanceKeys(tx, u.id); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{audit.User(u.id)},
		Changes: map[string]audit.Change{"status": {From: u.status, To: "superseded"}}})
}

// disown is "this was not me": the owner of the mailbox ends an account that
// somebody made with the address.
func (s *System) disown(w http.ResponseWriter, r *http.Request, t token) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		o, err := consume(tx, t, forVerify)
		if err != nil {
			return err
		}
		u, err := userByID(tx, o.user)
		if err != nil {
			return err
		}
		if u.verified {
			return errLink
		}
		return s.retire(tx, u, actDisowned, "the owner of the address did not make this account")
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Thank you", Data: notice{Kind: "ok", Heading: "The account was closed",
		Body: []string{"Nobody can use your address at this site unless you sign up yourself."}}})
}

type resendInput struct {
	Email string `json:"email,omitempty"` // as the page shows it; the session decides
}

func (s *System) resendForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.Decode[resendInput](r); err != nil {
		return err
	}
	t := newToken()
	id := web.IdentityOf(r.Context())
	if to, ok := newAddress(id.Email); ok && !id.Verified {
		if err := s.mayMailTo(to); err != nil {
			return err
		}
	}
	u, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (user, error) {
		u, err := userByID(tx, id.User)
		if err != nil || u.verified {
			return u, err
		}
		if err := s.askToVerify(tx, u, t); err != nil {
			return u, err
		}
		return u, s.Audit.Record(tx, audit.Event{Action: actVerifyAsked, Targets: []audit.Ref{audit.User(u.id)}})
	})
	if err != nil {
		return err
	}
	data := notice{Kind: "info", Heading: "Check your mail", Action: "Continue", Path: "/-/account",
		Body:       []string{"We sent a new link to " + u.email.masked() + ". It works for 24 hours; earlier links no longer do."},
		ResendPath: "/-/verify/resend", ResendEmail: u.email.typed}
	if u.verified {
		data = notice{Kind: "ok", Heading: "Your address is verified", Action: "Continue", Path: "/-/account", Body: []string{"There is nothing left to do."}}
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: data.Heading, Data: data})
}
