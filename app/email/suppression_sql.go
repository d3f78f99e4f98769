package email

import (
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

const suppressionColumns = `SELECT id, address_hash, coalesce(address, ''), scope, category, reason, coalesce(event_id, ''), coalesce(created_by, ''), created_at,
	coalesce(lifted_at, 0), coalesce(lifted_by, ''), coalesce(lifted_why, '') FROM email_suppression `

func scanSuppression(r store.Scanner) (p Suppression, err error) {
	var created, lifted int64
	err = r.Scan(&p.ID, &p.Hash, &p.Address, &p.Scope, &p.Category, &p.Reason, &p.Event, &p.By, &created, &lifted, &p.LiftedBy, &p.LiftedWhy)
	p.Created, p.Lifted = time.UnixMilli(created).UTC(), timeOrZero(lifted)
	return p, err
}

func suppressionByID(tx *store.Tx, id string) (Suppression, error) {
	return scanSuppression(tx.QueryRow(suppressionColumns+`WHERE id = ?`, id))
}

// suppressionFilter narrows the list; the zero value is all that hold, newest first.
type suppressionFilter struct {
	query  string // an address begins with it
	hash   []byte // of query if that is a whole address: it finds the erased too
	reason string // "": any
	lifted bool   // those that hold no more instead
	after  string // cursor: an id, or with a query "address id"
}

// top sorts behind every id.
const top = "~"

// suppressions is a page of the list.
func suppressions(tx *store.Tx, f suppressionFilter, limit int) ([]Suppression, error) {
	after, lifted := f.after, oneIf(f.lifted)
	if after == "" {
		after = top
	}
	switch {
	case f.hash != nil:
		return store.All(tx, scanSuppression, suppressionColumns+`WHERE address_hash = ? AND (? = '' OR reason = ?)
			AND (? = 1 AND lifted_at IS NOT NULL OR ? = 0 AND lifted_at IS NULL) AND id < ? ORDER BY id DESC LIMIT ?`, f.hash, f.reason, f.reason, lifted, lifted, after, limit)
	case f.query != "":
		address, id := cutCursor(f.after, f.query)
		return store.All(tx, scanSuppression, suppressionColumns+`WHERE address >= ? AND address < ? AND (address > ? OR id > ?) AND (? = '' OR reason = ?)
			AND (? = 1 AND lifted_at IS NOT NULL OR ? = 0 AND lifted_at IS NULL) ORDER BY address, id LIMIT ?`,
			address, f.query+"\U0010ffff", address, id, f.reason, f.reason, lifted, lifted, limit)
	case f.reason != "":
		return store.All(tx, scanSuppression, suppressionColumns+`WHERE reason = ? AND id < ?
			AND (? = 1 AND lifted_at IS NOT NULL OR ? = 0 AND lifted_at IS NULL) ORDER BY id DESC LIMIT ?`, f.reason, after, lifted, lifted, limit)
	}
	return store.All(tx, scanSuppression, suppressionColumns+`WHERE id < ? AND (? = 1 AND lifted_at IS NOT NULL OR ? = 0 AND lifted_at IS NULL)
		ORDER BY id DESC LIMIT ?`, after, lifted, lifted, limit)
}

// suppressionsFrom are those that hold, oldest first, for an export.
func suppressionsFrom(tx *store.Tx, after string, limit int) ([]Suppression, error) {
	return store.All(tx, scanSuppression, suppressionColumns+`WHERE id > ? AND lifted_at IS NULL ORDER BY id LIMIT ?`, after, limit)
}

// HeldBack are the newest suppressions that hold for an address, as the page of a
// user shows them.
func HeldBack(tx *store.Tx, address string, limit int) ([]Suppression, error) {
	return store.All(tx, scanSuppression, suppressionColumns+`WHERE address = ? AND lifted_at IS NULL ORDER BY id DESC LIMIT ?`, strings.ToLower(address), limit)
}

// holding are those that hold for an address.
func (s *System) holding(tx *store.Tx, norm string, limit int) ([]Suppression, error) {
	return suppressions(tx, suppressionFilter{hash: s.addressHash(norm)}, limit)
}

// liftOne ends a suppression; store.ErrNotFound for one that is not there or holds no more.
func liftOne(tx *store.Tx, id, why string) error {
	return tx.ExecOne(`UPDATE email_suppression SET lifted_at = ?, lifted_by = ?, lifted_why = ? WHERE id = ? AND lifted_at IS NULL`,
		tx.Now().UnixMilli(), web.IdentityOf(tx.Context()).Actor(), why, id)
}
