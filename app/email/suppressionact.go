package email

import (
	"errors"
	"net/http"
	"net/mail"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// newSuppression is what somebody adds by hand.
type newSuppression struct {
	Address  string `json:"address" doc:"Who gets no mail"`
	Scope    string `json:"scope,omitempty" doc:"all if left out, or category"`
	Category string `json:"category,omitempty" doc:"Of the scope category"`
}

// check finds what is wrong, and normalises.
func (n *newSuppression) check() error {
	var c web.Check
	if n.Scope == "" {
		n.Scope = string(ScopeAll)
	}
	norm, ok := normalAddress(n.Address)
	c.Fault(ok, "address", "address", "Write one email address, as ada@example.com.")
	n.Address = norm
	switch Scope(n.Scope) {
	case ScopeAll, ScopeNonSecurity:
		c.Fault(n.Category == "", "category", "unexpected", "Only the scope category has one.")
	case ScopeCategory:
		c.Fault(n.Category == everyCategory || categoryForm.MatchString(n.Category), "category", "form", "Name a category, or * for every one.")
	default:
		c.Fault(false, "scope", "choice", "Choose all, nonsecurity or category.")
	}
	return c.Err()
}

// normalAddress is an address as messages keep it.
func normalAddress(s string) (norm string, ok bool) {
	a, err := mail.ParseAddress(strings.TrimSpace(s))
	if err != nil || len(a.Address) > 320 || web.CleanText(a.Address, 320) != a.Address {
		return "", false
	}
	return strings.ToLower(a.Address), true
}

// hold adds a suppression by hand; fresh is false if it held already.
func (s *System) hold(tx *store.Tx, n newSuppression, reason string) (p Suppression, fresh bool, err error) {
	p = Suppression{Address: n.Address, Hash: s.addressHash(n.Address), Scope: Scope(n.Scope), Category: n.Category, Reason: reason, By: web.IdentityOf(tx.Context()).Actor()}
	if p.ID, fresh, err = s.suppress(tx, p); err != nil || !fresh {
		return p, false, err
	}
	if err := noteHeld(tx, p); err != nil {
		return p, false, err
	}
	p.Created = tx.Now()
	return p, true, s.Audit.Record(tx, audit.Event{Action: actSuppressed, Targets: suppressionRef(p.ID), Details: map[string]any{"scope": p.Scope, "category": p.Category, "reason": reason}})
}

// noteHeld writes a no to a category into the consent log, where it came by hand.
func noteHeld(tx *store.Tx, p Suppression) error {
	if p.Scope != ScopeCategory {
		return nil
	}
	no := reader{hash: p.Hash, address: p.Address}.consent(withdrawn, p.Category, saidBy(tx, "api"))
	no.IP, no.UserAgent = "", "" // an operator's, who is in the audit log
	_, err := addConsent(tx, no)
	return err
}

func suppressionRef(id string) []audit.Ref { return []audit.Ref{{Type: "suppression", ID: id}} }

// byOwner reports whether the owner of the address said so.
func (p Suppression) byOwner() bool { return p.Scope == ScopeCategory && p.Reason == "unsubscribe" }

// lift ends a suppression by hand, for a reason. Who unsubscribed has to ask for the
// mail again himself: lifting that lets mail out that its owner said no to, so it is
// refused.
func (s *System) lift(tx *store.Tx, id, why string) error {
	p, err := suppressionByID(tx, id)
	if err != nil {
		return err
	}
	if p.byOwner() {
		return &web.Error{Status: http.StatusConflict, Code: "unsubscribed",
			Public: "The owner of this address unsubscribed. Only a new consent changes that: by the owner on the preferences page, or recorded through the API."}
	}
	if err := liftOne(tx, id, why); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return &web.Error{Status: http.StatusConflict, Code: "lifted", Public: "This suppression was lifted before."}
		}
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actLifted, Targets: suppressionRef(id), Details: map[string]any{"why": why, "scope": p.Scope, "category": p.Category, "reason": p.Reason}})
}
