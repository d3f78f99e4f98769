package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/sms"
	"seaworthy/app/web"
	"seaworthy/store"
)

// A code that is sent has six digits, can be got wrong a few times, and counts for
// one occasion: a sign-in that waits, a session that is to be confirmed, a phone
// that is being set up. The newest of an occasion counts alone.
const (
	sentLife   = 5 * time.Minute
	codeDigits = 6
	codeTries  = 5
)

// sentCode is made outside the transaction.
type sentCode string

func newSentCode() sentCode {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return sentCode(fmt.Sprintf("%0*d", codeDigits, n))
}

// occasionHash finds the code of an occasion.
func occasionHash(userID, occasion string) []byte {
	sum := sha256.Sum256([]byte("code\x00" + userID + "\x00" + occasion))
	return sum[:]
}

// codeMAC is what is stored of a code that is sent for something. Six digits would
// be found at once from a plain hash, so it is under a key that stands outside of
// the database.
func (s *System) codeMAC(what, code string) string {
	mac := hmac.New(sha256.New, s.Master.Derive("auth sent code"))
	mac.Write([]byte(what + "\x00" + code))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *System) keepSent(tx *store.Tx, userID, occasion string, code sentCode) error {
	payload, err := json.Marshal(map[string]string{"mac": s.codeMAC(userID+"\x00"+occasion, string(code))})
	if err != nil {
		return err
	}
	return replaceOneTime(tx, occasionHash(userID, occasion), oneTime{purpose: forCode, user: userID}, string(payload), tx.Now().Add(sentLife))
}

// useSent reports whether a code is the one that was sent for an occasion, and
// uses it up. Each try counts, and after the last none does.
func (s *System) useSent(tx *store.Tx, userID, occasion, code string) (bool, error) {
	hash := occasionHash(userID, occasion)
	o, err := readOneTime(try(tx, hash, forCode, codeTries))
	if errors.Is(err, errLink) {
		return false, nil
	}
	if err != nil || !hmac.Equal([]byte(o.payload["mac"]), []byte(s.codeMAC(userID+"\x00"+occasion, code))) {
		return false, err
	}
	_, err = consumeHash(tx, hash, forCode)
	return err == nil, err
}

// sendText texts a code to a phone of a user. Its last line binds the code to our
// origin, so that browsers fill it in here alone (WICG, origin-bound one-time codes).
func (s *System) sendText(tx *store.Tx, f factor, occasion string, code sentCode) error {
	number, err := s.secretOf(f)
	if err != nil {
		return err
	}
	host := s.URL
	if u, err := url.Parse(s.URL); err == nil {
		host = u.Hostname()
	}
	body := fmt.Sprintf("%s is your %s code. It works for 5 minutes. Give it to nobody.\n\n@%s #%s", code, s.Pages.Site().Brand, host, code)
	if _, err := s.Texts.Send(tx, sms.Message{To: sms.Phone(number), Body: body, User: f.user, Life: sentLife}); err != nil {
		return err
	}
	return s.codeSent(tx, f.user, occasion, code, string(smsFactor))
}

// mailCode mails a user a code to confirm who he is.
func (s *System) mailCode(tx *store.Tx, u user, occasion string, code sentCode) error {
	if _, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/confirm_code", User: u.id, Vars: map[string]string{
		"Name": u.name, "Code": string(code), "Device": deviceLabel(web.OriginOf(tx.Context()).UserAgent), "URL": s.URL + "/-/confirm?method=email&sent=1"}}); err != nil {
		return err
	}
	return s.codeSent(tx, u.id, occasion, code, methodEmail)
}

func (s *System) codeSent(tx *store.Tx, userID, occasion string, code sentCode, method string) error {
	if err := s.keepSent(tx, userID, occasion, code); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actCodeSent, Targets: []audit.Ref{audit.User(userID)}, Subject: audit.User(userID),
		Details: map[string]any{"method": method}})
}

// phoneOf is the phone of a user that gets texts; of several, the one used last.
func phoneOf(tx *store.Tx, userID string) (newest factor, err error) {
	all, err := factors(tx, userID)
	if err != nil {
		return newest, err
	}
	err = store.ErrNotFound
	for _, f := range all {
		if f.kind == smsFactor && (err != nil || f.used.After(newest.used)) {
			newest, err = f, nil
		}
	}
	return newest, err
}
