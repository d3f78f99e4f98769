package auth

import (
	"context"
	"net/http"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

type signUpInput struct {
	Name     string `json:"name" doc:"What people call you"`
	Email    string `json:"email" doc:"Which is verified by a mail"`
	Password string `json:"password" doc:"Common, stolen and guessable ones are refused"`
	Next     string `json:"next,omitempty" doc:"Page to go to"`
}

// signedUp is the answer of the API.
type signedUp struct {
	User    userJSON `json:"user"`
	Session string   `json:"session_id"`
}

type userJSON struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Verified bool   `json:"email_verified"`
}

func (u user) json() userJSON {
	return userJSON{ID: u.id, Email: u.email.typed, Name: u.name, Verified: u.verified}
}

// newUser is a checked sign-up.
type newUser struct {
	name  string
	email address
	phc   string
}

// checkNewUser validates the input and hashes the password, outside any transaction.
func (s *System) checkNewUser(ctx context.Context, in signUpInput) (newUser, error) {
	var c web.Check
	n := newUser{name: c.Text("name", in.Name, 1, 100), email: checkAddress(&c, "email", in.Email)}
	c.Fault(!looksLikeLink(n.name), "name", "link", "A name cannot contain a web address.")
	s.checkNewPassword(ctx, &c, in.Password, in.Name, in.Email)
	if err := c.Err(); err != nil {
		return n, err
	}
	var err error
	n.phc, err = s.Hasher.Hash(ctx, in.Password)
	return n, err
}

// looksLikeLink finds names that every mail program would turn into links: a sign-up
// with somebody else's address must not be a way to send them one. A bare domain is
// not found: there are people and companies that are called like one.
func looksLikeLink(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "://") || strings.Contains(name, "www.")
}

// signUp makes a user with a personal org, a session and the mail that verifies
// the address, in one transaction with its audit event.
//
// An address that somebody has verified can still be signed up with: the answer
// must not tell whether an address is known here. The new account can then never
// verify it, and the owner is told by mail.
func (s *System) signUp(ctx context.Context, in signUpInput, n newSession) (signedUp, error) {
	person, err := s.checkNewUser(ctx, in)
	if err != nil {
		return signedUp{}, err
	}
	if err := s.mayMailTo(person.email); err != nil {
		return signedUp{}, err
	}
	verify := newToken()
	return store.Write(ctx, s.DB, func(tx *store.Tx) (signedUp, error) {
		u, org, err := s.addUser(tx, person, verify)
		if err != nil {
			return signedUp{}, err
		}
		id, err := s.start(tx, n, u, org, byPassword)
		if err != nil {
			return signedUp{}, err
		}
		return signedUp{User: u.json(), Session: id}, s.Audit.Record(tx, audit.Event{Action: actSignedUp, Actor: audit.User(u.id),
			Targets: []audit.Ref{audit.User(u.id), {Type: "session", ID: id}}, Org: org,
			Personal: map[string]string{"email": u.email.typed, "name": u.name}})
	})
}

// addUser adds a user and queues the mail to the address.
func (s *System) addUser(tx *store.Tx, n newUser, verify token) (u user, org string, err error) {
	if u, org, err = insertPerson(tx, n); err != nil {
		return u, "", err
	}
	return u, org, s.askToVerify(tx, u, verify)
}

// insertPerson inserts the user, the personal org and its membership.
func insertPerson(tx *store.Tx, n newUser) (u user, org string, err error) {
	u = user{id: tx.NewID("usr"), name: n.name, email: n.email, phc: n.phc}
	if err := insertUser(tx, u); err != nil {
		return u, "", err
	}
	org = tx.NewID("org")
	if err := insertOrg(tx, org, personalPrefix+org[len(org)-12:], n.name, u.id); err != nil {
		return u, "", err
	}
	if err := insertMember(tx, org, u.id); err != nil {
		return u, "", err
	}
	return u, org, bindRole(tx, u.id, org, ownerRole)
}

// askToVerify mails the link that verifies an address, or, if somebody else has
// verified it, tells that person.
func (s *System) askToVerify(tx *store.Tx, u user, t token) error {
	holder, err := owner(tx, u.email.norm)
	switch {
	case err == nil && holder.id != u.id:
		_, err = s.Mail.Send(tx, email.Message{To: holder.email.typed, Template: "auth/exists", User: holder.id,
			Vars: map[string]string{"Name": holder.name, "URL": s.URL + "/-/login"}})
		return err
	case err != nil && !isNotFound(err):
		return err
	}
	if err := voidTokens(tx, u.id, forVerify); err != nil {
		return err
	}
	o := web.OriginOf(tx.Context())
	if err := issue(tx, t, oneTime{purpose: forVerify, user: u.id,
		payload: map[string]string{"email": u.email.norm, "device": deviceLabel(o.UserAgent)}}); err != nil {
		return err
	}
	_, err = s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/verify", User: u.id,
		Vars: map[string]string{"Name": u.name, "URL": s.URL + "/-/verify?token=" + string(t)}})
	return err
}

type nextData struct {
	Next, Notice string
	Email        bool // sign-in by mail is offered
}

func next(r *http.Request) nextData {
	return nextData{Next: web.LocalPath(r.URL.Query().Get("next"), "")}
}

func (s *System) signUpPage(w http.ResponseWriter, r *http.Request) error {
	return s.Pages.Render(w, r, "auth/signup", web.View{Title: "Sign up", Data: next(r)})
}

func (s *System) signUpForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[signUpInput](r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	done, err := s.signUp(r.Context(), in, n)
	if err != nil {
		return s.again(w, r, "auth/signup", web.View{Title: "Sign up", Data: nextData{Next: web.LocalPath(in.Next, "")}},
			map[string]string{"name": in.Name, "email": in.Email}, err)
	}
	s.setCookies(w, r, n)
	addr, _ := newAddress(done.User.Email)
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Check your mail", Data: notice{Kind: "info",
		Heading: "Check your mail",
		Body: []string{"We sent a link to " + addr.masked() + " that verifies your address. It works for 24 hours.",
			"You are signed in already."},
		Action: "Continue", Path: web.LocalPath(in.Next, "/"), ResendPath: "/-/verify/resend", ResendEmail: done.User.Email}})
}

func (s *System) signUpAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[signUpInput](r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	done, err := s.signUp(r.Context(), in, n)
	if err != nil {
		return err
	}
	s.setCookies(w, r, n)
	return web.JSON(w, http.StatusCreated, done)
}
