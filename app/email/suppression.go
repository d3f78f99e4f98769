package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"seaworthy/store"
)

// Scope is what a suppression holds back.
type Scope string

// The scopes (spec/email.md section 1): a dead mailbox gets nothing, whoever
// complained gets only what his security needs, and whoever unsubscribed gets
// nothing of that category.
const (
	ScopeAll         Scope = "all"
	ScopeNonSecurity Scope = "nonsecurity"
	ScopeCategory    Scope = "category"
)

// everyCategory is the category of who wants nothing that can be unsubscribed from,
// also of what there will be.
const everyCategory = "*"

// Suppression is an address that gets no mail, or not all of it.
type Suppression struct {
	ID, Address string // normalised; "" once erased
	Hash        []byte // of the address; made from Address if nil
	Scope       Scope
	Category    string // of ScopeCategory; "*" is every one
	Reason      string // bounce, complaint, unsubscribe, manual, provider; of suppressed alone: consent, for want of one
	Event       string // email_event that led to it; "" for none
	By          string // user id or "key:…" of who added it; "" for nobody
	Created     time.Time
	Lifted      time.Time // zero: it holds
	LiftedBy    string
	LiftedWhy   string
}

// hash is the hash of the address.
func (p Suppression) hash(s *System) []byte {
	if p.Hash != nil {
		return p.Hash
	}
	return s.addressHash(p.Address)
}

// addressHash finds an address that was erased: HMAC-SHA256 of the normalised
// address under a key derived from the master key.
func (s *System) addressHash(norm string) []byte {
	mac := hmac.New(sha256.New, s.Keys.Derive("email/suppression"))
	mac.Write([]byte(norm))
	return mac.Sum(nil)
}

// suppress puts an address on the list; fresh is false if the same held already.
func (s *System) suppress(tx *store.Tx, p Suppression) (id string, fresh bool, err error) {
	id = tx.NewID("sup")
	n, err := tx.Exec(`INSERT INTO email_suppression (id, address_hash, address, scope, category, reason, event_id, created_at, created_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address_hash, scope, category) WHERE lifted_at IS NULL DO NOTHING`,
		id, p.hash(s), orNull(p.Address), string(p.Scope), p.Category, p.Reason, orNull(p.Event), tx.Now().UnixMilli(), orNull(p.By))
	if err != nil {
		return "", false, fmt.Errorf("suppress: %w", err)
	}
	return id, n == 1, nil
}

// suppressed finds what holds back mail of a class and category to an address: a
// suppression, or that nobody consented to a category that asks for it. It returns
// ErrNotFound if nothing does.
func (s *System) suppressed(tx *store.Tx, norm, class, category string) (p Suppression, err error) {
	hash := s.addressHash(norm)
	p.Address, p.Hash = norm, hash
	err = tx.QueryRow(`SELECT id, scope, category, reason, coalesce(event_id, '') FROM email_suppression
		WHERE address_hash = ? AND lifted_at IS NULL
		  AND (scope = 'all' OR scope = 'nonsecurity' AND ? <> 'security' OR scope = 'category' AND ? <> '' AND (category = ? OR category = '*'))
		ORDER BY scope, category LIMIT 1`, hash, class, category, category).Scan(&p.ID, &p.Scope, &p.Category, &p.Reason, &p.Event)
	if !errors.Is(err, store.ErrNotFound) || category == "" {
		return p, err
	}
	ok, cErr := mayHave(tx, hash, category)
	if cErr != nil || ok {
		return p, errors.Join(cErr, store.ErrNotFound)
	}
	p.Scope, p.Category, p.Reason = ScopeCategory, category, "consent"
	return p, nil
}
