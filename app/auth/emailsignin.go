package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Sign-in by mail: one message with a link and a code. The link works in any
// browser that opens it, after a warning where another one asked. The code works
// only where it was asked for: that browser, or program, holds a token of its own
// (the attempt), so that a code which somebody is talked out of, or six digits
// that somebody guesses, are nothing elsewhere.
//
// A row for the attempt is made for every address, known or not, so that neither
// the answers nor what can be tried tell which addresses have an account.

// perMailedCode bounds wrong codes for one address over all attempts: whoever asks for
// code after code still has a million to guess from.
var perMailedCode = web.Limit{Every: 48 * time.Minute, Burst: 30}

// Both factors of a second channel: the page and the mailbox (RFC 8176 section 2).
// It is no "otp", which is said of what a device of its user computes.
var (
	byEmailLink = proof{method: "email_link", amr: "mca"}
	byEmailCode = proof{method: "email_code", amr: "mca"}
)

// SendSignIn is the job that mails link and code, if the address has an account.
// As with SendReset, looking that up in the job keeps the answer and its time the
// same for every address.
type SendSignIn struct {
	Email   string `json:"email"`   // normalised
	Attempt string `json:"attempt"` // hash of the attempt's token, hex
	Device  string `json:"device"`  // that asked
	Next    string `json:"next"`
}

// Kind implements queue.Args.
func (SendSignIn) Kind() string { return "auth.send_sign_in" }

func (s *System) sendSignIn(ctx context.Context, job queue.Job[SendSignIn]) error {
	link, code, in := newToken(), newSentCode(), job.Args
	attempt, err := hex.DecodeString(in.Attempt)
	if err != nil {
		return queue.Cancel(err)
	}
	err = job.Complete(ctx, func(tx *store.Tx) error {
		u, err := owner(tx, in.Email)
		if isNotFound(err) {
			u, err = newestClaim(tx, in.Email)
		}
		if err != nil {
			return err
		}
		if !u.mayEnter() {
			return store.ErrNotFound
		}
		if err := voidSignIns(tx, u.id); err != nil {
			return err
		}
		about := map[string]string{"email": u.email.norm, "typed": u.email.typed, "attempt": in.Attempt, "device": in.Device, "next": in.Next,
			"mac": s.codeMAC("sign-in "+in.Attempt, string(code))}
		if err := bindAttempt(tx, attempt, u.id, about); err != nil {
			return err
		}
		delete(about, "mac")
		if err := issue(tx, link, oneTime{purpose: forEmailLink, user: u.id, payload: about}); err != nil {
			return err
		}
		_, err = s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/sign_in", User: u.id, Vars: map[string]string{
			"Name": u.name, "Code": string(code[:3] + " " + code[3:]), "Device": in.Device, "URL": s.URL + "/-/login/email?token=" + string(link)}})
		return err
	})
	if isNotFound(err) {
		return queue.Cancel(errors.New("no account has this address, or nobody waits for the code any more"))
	}
	return err
}

// askSignIn notes that somebody wants to sign in by mail, and returns the token
// by which the browser or program that asked is known again.
func (s *System) askSignIn(ctx context.Context, text, next string) (token, error) {
	var c web.Check
	addr := checkAddress(&c, "email", text)
	if err := c.Err(); err != nil {
		return "", err
	}
	if err := s.mayMail(ctx, addr); err != nil {
		return "", err
	}
	attempt, device := newToken(), deviceLabel(web.OriginOf(ctx).UserAgent)
	return attempt, s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := issue(tx, attempt, oneTime{purpose: forEmailCode, payload: map[string]string{"email": addr.norm, "typed": addr.typed}}); err != nil {
			return err
		}
		if _, err := queue.Enqueue(tx, SendSignIn{Email: addr.norm, Attempt: hex.EncodeToString(attempt.hash()), Device: device,
			Next: web.LocalPath(next, "")}); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actSignInAsked, Personal: map[string]string{"email": addr.typed}})
	})
}

// enterByMail is how both ways end, in the transaction that used up link or code:
// whoever has the mailbox has the account.
func (s *System) enterByMail(tx *store.Tx, o oneTime, n newSession, p proof) (entry, error) {
	u, err := userByID(tx, o.user)
	if err != nil {
		return entry{}, err
	}
	if !u.mayEnter() || o.payload["email"] != u.email.norm {
		return entry{}, errLink
	}
	if err := voidSignIns(tx, u.id); err != nil {
		return entry{}, err
	}
	if !u.verified {
		if err := s.claimByMail(tx, u, n.device); err != nil {
			return entry{}, err
		}
		u.verified = true
	}
	return s.welcome(tx, n, u, p)
}

// claimByMail gives an account that only claimed an address to whoever has shown
// to have the mailbox. If he comes from a device on which the account was never
// used, somebody else may have made it and wait in it: then whatever opened it
// ends (spec/auth.md section 1.1).
func (s *System) claimByMail(tx *store.Tx, u user, device token) error {
	known, err := hasUsed(tx, u.id, device.hash())
	if err == nil && !known {
		err = s.seize(tx, u, "email")
	}
	if err != nil {
		return err
	}
	return s.verified(tx, u)
}

// attemptOf is the attempt of the browser that asks, "" for none.
func (s *System) attemptOf(r *http.Request) token {
	if t := token(s.cookieOf(r, attemptCookie)); len(t) == len(newToken()) {
		return t
	}
	return ""
}
