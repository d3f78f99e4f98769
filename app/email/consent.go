package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Consent is an entry of the log of who said yes or no to which mail: the evidence
// that a mail was wanted (GDPR article 7). Entries are never changed; an erasure
// takes the person out of them.
type Consent struct {
	ID          string
	Hash        []byte // of the address
	Address     string // "" once erased
	Category    string // "*": every one
	Act         string // asked, given, withdrawn
	Source      string // one_click, preferences, account, confirmed, api, provider
	TextVersion string // of the words that were agreed to
	IP          string
	UserAgent   string
	Actor       string // "user:…", "key:…"; "" for whoever held the link
	Message     string // whose link was used; "" for none
	At          time.Time
}

// The acts of consent.
const (
	asked     = "asked"
	given     = "given"
	withdrawn = "withdrawn"
)

// addConsent writes an entry.
func addConsent(tx *store.Tx, c Consent) (id string, err error) {
	id = tx.NewID("con")
	_, err = tx.Exec(`INSERT INTO email_consent (id, address_hash, address, category, act, source, text_version, ip, user_agent, actor, message_id, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, c.Hash, orNull(c.Address), c.Category, c.Act, c.Source, c.TextVersion,
		orNull(c.IP), orNull(c.UserAgent), c.Actor, orNull(c.Message), tx.Now().UnixMilli())
	return id, err
}

const consentColumns = `SELECT id, address_hash, coalesce(address, ''), category, act, source, text_version, coalesce(ip, ''), coalesce(user_agent, ''), actor, coalesce(message_id, ''), at
	FROM email_consent `

func scanConsent(r store.Scanner) (c Consent, err error) {
	var at int64
	err = r.Scan(&c.ID, &c.Hash, &c.Address, &c.Category, &c.Act, &c.Source, &c.TextVersion, &c.IP, &c.UserAgent, &c.Actor, &c.Message, &at)
	c.At = time.UnixMilli(at).UTC()
	return c, err
}

func consentByID(tx *store.Tx, id string) (Consent, error) {
	return scanConsent(tx.QueryRow(consentColumns+`WHERE id = ?`, id))
}

// consentsOf are the entries of an address, newest first, those before an id if it
// is not empty.
func consentsOf(tx *store.Tx, hash []byte, before string, limit int) ([]Consent, error) {
	if before == "" {
		return store.All(tx, scanConsent, consentColumns+`WHERE address_hash = ? ORDER BY id DESC LIMIT ?`, hash, limit)
	}
	return store.All(tx, scanConsent, consentColumns+`WHERE address_hash = ? AND id < ? ORDER BY id DESC LIMIT ?`, hash, before, limit)
}

// lastConsent is the newest yes or no to exactly this category; a zero Consent if
// there was none.
func lastConsent(tx *store.Tx, hash []byte, category string) (Consent, error) {
	c, err := scanConsent(tx.QueryRow(consentColumns+`WHERE address_hash = ? AND category = ? AND act <> 'asked' ORDER BY id DESC LIMIT 1`, hash, category))
	if isGone(err) {
		return Consent{}, nil
	}
	return c, err
}

// lastAsked is the newest time that somebody was asked to confirm; a zero Consent
// if there was none.
func lastAsked(tx *store.Tx, hash []byte, category string) (Consent, error) {
	c, err := scanConsent(tx.QueryRow(consentColumns+`WHERE address_hash = ? AND category = ? AND act = 'asked' ORDER BY id DESC LIMIT 1`, hash, category))
	if isGone(err) {
		return Consent{}, nil
	}
	return c, err
}

// consented reports whether the newest word on a category is a yes. A no to
// everything counts until there is a later yes.
func consented(tx *store.Tx, hash []byte, category string) (bool, error) {
	one, err := lastConsent(tx, hash, category)
	if err != nil || one.Act != given {
		return false, err
	}
	all, err := lastConsent(tx, hash, everyCategory)
	return err == nil && all.ID < one.ID, err
}

// mayHave reports whether a category may be sent as far as consent goes. One that is
// not in the list asks for none.
func mayHave(tx *store.Tx, hash []byte, category string) (bool, error) {
	c, err := categoryByKey(tx, category)
	if isGone(err) {
		return true, nil
	}
	if err != nil || !c.Consent {
		return err == nil, err
	}
	return consented(tx, hash, category)
}

// textVersion names the words that a category was described with.
func (c Category) textVersion() string {
	sum := sha256.Sum256([]byte(c.Title + "\n" + c.Description))
	return c.Key + "@" + hex.EncodeToString(sum[:6])
}

// reader is whose mail it is, as far as it is known: by a link only the hash.
type reader struct {
	hash    []byte
	address string // normalised; "" if not known
	message string // whose link was used; "" for none
}

func (s *System) readerOf(norm string) reader {
	return reader{hash: s.addressHash(norm), address: norm}
}

func (r reader) is(s *System, norm string) bool { return bytes.Equal(r.hash, s.addressHash(norm)) }

// said is how a yes or no came.
type said struct{ source, textVersion, ip, userAgent, actor string }

// saidBy is how it came in a request.
func saidBy(tx *store.Tx, source string) said {
	o := web.OriginOf(tx.Context())
	v := said{source: source, userAgent: o.UserAgent, actor: o.Identity.Actor()}
	if o.Addr.IsValid() {
		v.ip = o.Addr.String()
	}
	return v
}

func (r reader) consent(act, category string, how said) Consent {
	return Consent{Hash: r.hash, Address: r.address, Category: category, Act: act, Source: how.source, TextVersion: how.textVersion,
		IP: how.ip, UserAgent: how.userAgent, Actor: how.actor, Message: r.message}
}
