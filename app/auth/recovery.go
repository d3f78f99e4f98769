package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Recovery codes stand in for a factor that is lost, once each.
const (
	recoveryCount = 10
	recoveryChars = 12                         // of five bits: 60 bits a code
	recoveryLife  = 100 * 365 * 24 * time.Hour // they wait in a drawer
)

// recoveryCodes are shown once. What is stored of one is an HMAC under the master
// key, with its user: a stolen backup lets nobody try codes, and a code is
// nothing to anybody else.
type recoveryCodes []string

func newRecoveryCodes() recoveryCodes {
	codes := make(recoveryCodes, recoveryCount)
	for i := range codes {
		var b [8]byte
		rand.Read(b[:])
		c := secretEncoding.EncodeToString(b[:])[:recoveryChars]
		codes[i] = c[:4] + "-" + c[4:8] + "-" + c[8:]
	}
	return codes
}

// recoveryHash reads a code as people type it: in capitals, with any gaps, with O
// for 0 and I or L for 1 (Crockford's base32, which has neither).
func (s *System) recoveryHash(userID, typed string) []byte {
	code := strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(plainCode(typed)))
	mac := hmac.New(sha256.New, s.Master.Derive("auth recovery"))
	mac.Write([]byte(userID + " " + code))
	return mac.Sum(nil)
}

// keepRecovery gives a user new codes; the old ones are void.
func (s *System) keepRecovery(tx *store.Tx, userID string, codes recoveryCodes) error {
	if err := voidTokens(tx, userID, forRecovery); err != nil {
		return err
	}
	for _, c := range codes {
		if err := insertOneTime(tx, s.recoveryHash(userID, c), oneTime{purpose: forRecovery, user: userID}, "{}", tx.Now().Add(recoveryLife)); err != nil {
			return err
		}
	}
	return nil
}

// useRecovery uses a code up, records it and tells the user how many are left.
func (s *System) useRecovery(tx *store.Tx, u user, typed string) (bool, error) {
	if len(typed) > 2*recoveryChars {
		return false, nil
	}
	if _, err := consumeHash(tx, s.recoveryHash(u.id, typed), forRecovery); isNotFound(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	left, err := livingTokens(tx, u.id, forRecovery)
	if err != nil {
		return false, err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actRecoveryUsed, Actor: actorOr(tx, u.id), Targets: []audit.Ref{audit.User(u.id)},
		Details: map[string]any{"left": left}}); err != nil {
		return false, err
	}
	_, err = s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/recovery_used", User: u.id, Vars: map[string]string{
		"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "Left": leftWords(left),
		"Device": deviceLabel(web.OriginOf(tx.Context()).UserAgent), "URL": s.URL + "/-/account/security"}})
	return err == nil, err
}

func leftWords(n int) string {
	switch n {
	case 0:
		return "None is left: make new ones now"
	case 1:
		return "One is left: make new ones now"
	}
	return strconv.Itoa(n) + " are left"
}

// regenerate makes new codes for whoever asks and has a factor.
func (s *System) regenerate(tx *store.Tx, codes recoveryCodes) error {
	u, err := userByID(tx, web.IdentityOf(tx.Context()).User)
	if err != nil {
		return err
	}
	if has, err := hasFactor(tx, u.id); err != nil || !has {
		return firstError(err, errNoFactor)
	}
	if err := s.keepRecovery(tx, u.id, codes); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actRecoveryMade, Targets: []audit.Ref{audit.User(u.id)}}); err != nil {
		return err
	}
	return s.tellFactor(tx, u, "auth/recovery_made", "")
}

// errNoFactor keeps codes from standing in for nothing.
var errNoFactor = &web.Error{Status: http.StatusConflict, Code: "no_factor", Public: "Set up two-step sign-in first; recovery codes stand in for it."}
