package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// SendReset is the job that mails a reset link, if the address has an account.
// Looking that up in the job and not in the request keeps the answer and its
// time the same for every address.
type SendReset struct {
	Email string `json:"email"` // normalised
}

// Kind implements queue.Args.
func (SendReset) Kind() string { return "auth.send_reset" }

func (s *System) sendReset(ctx context.Context, job queue.Job[SendReset]) error {
	t := newToken()
	err := job.Complete(ctx, func(tx *store.Tx) error {
		u, err := owner(tx, job.Args.Email)
		if isNotFound(err) {
			u, err = newestClaim(tx, job.Args.Email)
		}
		if err != nil {
			return err
		}
		if u.status != "active" {
			return store.ErrNotFound
		}
		return s.mailReset(tx, u, t)
	})
	if isNotFound(err) {
		return queue.Cancel(errors.New("no account has this address"))
	}
	return err
}

// offerReset issues the token of a reset link, in place of any earlier one.
func offerReset(tx *store.Tx, u user, t token) error {
	if err := voidTokens(tx, u.id, forReset); err != nil {
		return err
	}
	return issue(tx, t, oneTime{purpose: forReset, user: u.id, payload: map[string]string{"email": u.email.norm}})
}

// mailReset mails a user the link.
func (s *System) mailReset(tx *store.Tx, u user, t token) error {
	if err := offerReset(tx, u, t); err != nil {
		return err
	}
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/reset", User: u.id, Vars: map[string]string{"Name": u.name, "URL": s.resetURL(t)}})
	return err
}

func (s *System) resetURL(t token) string { return s.URL + "/-/reset?token=" + string(t) }

func (s *System) forgotPage(w http.ResponseWriter, r *http.Request) error {
	return s.Pages.Render(w, r, "auth/forgot", web.View{Title: "Forgot your password?"})
}

type forgotInput struct {
	Email string `json:"email"`
}

func (s *System) forgotForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[forgotInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	addr := checkAddress(&c, "email", in.Email)
	if err := c.Err(); err != nil {
		return s.again(w, r, "auth/forgot", web.View{Title: "Forgot your password?"}, map[string]string{"email": in.Email}, err)
	}
	if err := s.mayMail(r.Context(), addr); err != nil {
		return s.again(w, r, "auth/forgot", web.View{Title: "Forgot your password?"}, map[string]string{"email": in.Email}, err)
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if _, err := queue.Enqueue(tx, SendReset{Email: addr.norm}, queue.Unique(addr.norm, time.Minute)); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actResetAsked, Personal: map[string]string{"email": addr.typed}})
	}); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Check your mail", Data: notice{Kind: "info", Heading: "Check your mail",
		Body:       []string{"If " + addr.masked() + " has an account here, a link to choose a new password is on its way. It works for 30 minutes."},
		ResendPath: "/-/forgot", ResendEmail: addr.typed}})
}

type resetData struct{ Token, Email, name string }

// resetPage shows the form only for a link that works.
func (s *System) resetPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	data, err := s.resetTarget(r.Context(), t)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/reset", web.View{Title: "Choose a new password", Data: data})
}

func (s *System) resetTarget(ctx context.Context, t token) (resetData, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (resetData, error) {
		o, err := peek(tx, t, forReset)
		if err != nil {
			return resetData{}, err
		}
		u, err := userByID(tx, o.user)
		return resetData{Token: string(t), Email: u.email.typed, name: u.name}, err
	})
}

type resetInput struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

func (s *System) resetForm(w http.ResponseWriter, r *http.Request) error {
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly // it ends the browser's session, and a program has none
	}
	in, err := web.Decode[resetInput](r)
	if err != nil {
		return err
	}
	// The link first: without a living one no work is done for the password.
	data, err := s.resetTarget(r.Context(), token(in.Token))
	if err != nil {
		return err
	}
	var c web.Check
	s.checkNewPassword(r.Context(), &c, in.Password, data.name, data.Email)
	if err := c.Err(); err != nil {
		return s.again(w, r, "auth/reset", web.View{Title: "Choose a new password", Data: data}, nil, err)
	}
	phc, err := s.Hasher.Hash(r.Context(), in.Password)
	if err != nil {
		return err
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.reset(tx, token(in.Token), phc) }); err != nil {
		return err
	}
	if addr, ok := newAddress(data.Email); ok {
		s.throttle.succeeded(s.DB.Now(), addr.norm, web.OriginOf(r.Context()).Addr)
	}
	s.sessions.WriteSessionCookie(r.Context(), w, "", time.Time{})
	return web.SeeOther(w, r, "/-/login?notice=reset")
}

// reset sets the password and signs the user out everywhere. The link came by
// mail, so the address is verified by it too.
func (s *System) reset(tx *store.Tx, t token, phc string) error {
	o, err := consume(tx, t, forReset)
	if err != nil {
		return err
	}
	u, err := userByID(tx, o.user)
	if err != nil {
		return err
	}
	if u.status != "active" || o.payload["email"] != u.email.norm {
		return errLink
	}
	if !u.verified {
		if err := s.evict(tx, u); err != nil {
			return err
		}
		if err := s.verified(tx, u); err != nil {
			return err
		}
	}
	if err := setPassword(tx, u.id, phc); err != nil {
		return err
	}
	if _, err := s.revokeAll(tx, u.id, "password changed"); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actPasswordReset, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)}}); err != nil {
		return err
	}
	return s.tellPasswordChanged(tx, u, "You were signed out on every device.")
}
