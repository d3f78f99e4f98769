package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// purpose is what a one-time token is for; a token of one purpose is nothing for
// another.
type purpose string

const (
	forVerify purpose = "verify"
	forReset  purpose = "reset"
	forSetup  purpose = "setup"
	forSocial purpose = "social"

	forMFA      purpose = "mfa"      // a sign-in that waits for its second step
	forCode     purpose = "code"     // six digits that were sent by text or mail
	forRecovery purpose = "recovery" // stands in for a second factor

	forEmailLink purpose = "email_link" // signs in, as does the code of the same mail
	forEmailCode purpose = "email_code"

	forEmailChange purpose = "email_change" // sent to the new address
	forEmailUndo   purpose = "email_undo"   // sent to the one it took the place of
	forKeep        purpose = "keep"         // keeps an account that is to be deleted
)

// mailed are the purposes of what was sent to a user's address: it means nothing
// once the address is another's.
var mailed = []purpose{forVerify, forReset, forEmailLink, forEmailCode, forCode}

// life is how long a token of each purpose works.
var life = map[purpose]time.Duration{forVerify: 24 * time.Hour, forReset: 30 * time.Minute, forSetup: 24 * time.Hour,
	forSocial: 10 * time.Minute, forMFA: 10 * time.Minute, forEmailLink: 15 * time.Minute, forEmailCode: 10 * time.Minute,
	forEmailChange: 24 * time.Hour, forEmailUndo: 7 * 24 * time.Hour, forKeep: deletionGrace}

// token is 256 random bits. Only its hash is stored.
type token string

func newToken() token {
	var b [32]byte
	rand.Read(b[:])
	return token(base64.RawURLEncoding.EncodeToString(b[:]))
}

func (t token) hash() []byte {
	sum := sha256.Sum256([]byte(t))
	return sum[:]
}

// oneTime is the one primitive behind every link and code: made once, used once.
type oneTime struct {
	purpose purpose
	user    string // "" for nobody yet
	session string
	payload map[string]string
	tries   int
	created time.Time
}

// errLink is the answer to a token that is unknown, used, expired or for
// something else; which of them is nobody's business.
var errLink = &web.Error{Status: http.StatusGone, Code: "link_dead",
	Public: "This link has been used, has expired or is incomplete. Ask for a new one."}

// issue stores a token. The token itself is made outside the transaction, which
// may run twice.
func issue(tx *store.Tx, t token, o oneTime) error {
	payload, err := json.Marshal(o.payload)
	if err != nil {
		return err
	}
	return insertOneTime(tx, t.hash(), o, string(payload), tx.Now().Add(life[o.purpose]))
}

// peek reads a living token without using it, for the page that asks.
func peek(tx *store.Tx, t token, p purpose) (oneTime, error) {
	return readOneTime(selectOneTime(tx, t.hash(), p))
}

// consume uses a token: of many at once exactly one succeeds.
func consume(tx *store.Tx, t token, p purpose) (oneTime, error) {
	return readOneTime(consumeOneTime(tx, t.hash(), p))
}

func readOneTime(o oneTime, payload string, err error) (oneTime, error) {
	if errors.Is(err, store.ErrNotFound) {
		return o, errLink
	}
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal([]byte(payload), &o.payload)
}
