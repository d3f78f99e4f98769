package auth

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// A key signs for thirty days. Whoever verifies keeps the published keys for
// five minutes, so the next one must have been published for longer than that
// before it signs, and a retired one stays until its last token has expired and
// a clock that is five minutes slow agrees.
const (
	rotateEvery = 30 * 24 * time.Hour
	keysMaxAge  = 5 * time.Minute
	publishLead = 2 * keysMaxAge
	retiredStay = accessLife + 5*time.Minute
)

// keyring is what signs and what verifies. It never changes: a rotation puts
// another in its place, so that whoever has one in hand goes on with it.
type keyring struct {
	active, next signingKey
	retired      []signingKey
}

// published are the keys to verify with at a time, the active one first.
func (r *keyring) published(now time.Time) []signingKey {
	all := []signingKey{r.active, r.next}
	for _, k := range r.retired {
		if now.Before(k.retired.Add(retiredStay)) {
			all = append(all, k)
		}
	}
	return all
}

// verifier is the published key of a name, nil if there is none. Nothing is ever
// fetched for one that is not known.
func (r *keyring) verifier(kid string, now time.Time) *ecdsa.PublicKey {
	for _, k := range r.published(now) {
		if k.kid == kid {
			return k.public
		}
	}
	return nil
}

// Open reads the signing keys, and makes them at the first start. Keys that were
// sealed with a master key which is gone are replaced: nobody can sign with them.
func (s *System) Open(ctx context.Context) error {
	if err := s.loadThrottle(ctx); err != nil {
		return err
	}
	err := s.loadKeys(ctx)
	if err == nil || !errors.Is(err, errNoKeys) && !errors.Is(err, errKeyLocked) {
		return err
	}
	first := errors.Is(err, errNoKeys)
	if !first {
		s.Log.Warn("the keys that sign access tokens were sealed with another master key and are replaced; programs must sign in again")
	}
	rows, err := s.freshRows(keyActive, keyNext)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.replaceKeys(tx, rows); err != nil || first {
			return err // the first keys come with the installation, as its tables do
		}
		return s.recordKeys(tx, rows[0].kid, rows[1].kid)
	})
	if err != nil {
		return fmt.Errorf("make the signing keys: %w", err)
	}
	return s.loadKeys(ctx)
}

func (s *System) replaceKeys(tx *store.Tx, rows []signingRow) error {
	if err := retireSigningKey(tx); err != nil {
		return err
	}
	if err := deleteNextKey(tx); err != nil {
		return err
	}
	for _, r := range rows {
		if err := insertSigningKey(tx, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) recordKeys(tx *store.Tx, active, next string) error {
	e := audit.Event{Action: actSigningKey, Targets: []audit.Ref{{Type: "signing_key", ID: active}}, Details: map[string]any{"next": next}}
	if onMachine(tx.Context()) {
		e.Actor = audit.Ref{Type: "system", ID: "auth"}
	}
	return s.Audit.Record(tx, e)
}

// freshRows makes a new key for each state, outside of any transaction.
func (s *System) freshRows(states ...keyState) (rows []signingRow, err error) {
	for _, state := range states {
		k, err := newSigningKey()
		if err != nil {
			return nil, err
		}
		r, err := s.row(k, state)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

var errNoKeys = errors.New("there are no signing keys")

func (s *System) loadKeys(ctx context.Context) error {
	rows, err := store.Read(ctx, s.DB, selectSigningKeys)
	if err != nil {
		return err
	}
	var ring keyring
	for _, r := range rows {
		k, err := s.openKey(r)
		if err != nil {
			return err
		}
		switch k.state {
		case keyActive:
			ring.active = k
		case keyNext:
			ring.next = k
		case keyRetired:
			ring.retired = append(ring.retired, k)
		}
	}
	if ring.active.private == nil || ring.next.private == nil {
		return errNoKeys
	}
	s.ring.Store(&ring)
	return nil
}

// RotateKeys makes the next key the one that signs, retires the one that did,
// and publishes a new next one. It returns the name of the key that signs now.
func (s *System) RotateKeys(ctx context.Context) (kid string, err error) {
	ring := s.ring.Load()
	if early := ring.next.created.Add(publishLead).Sub(s.DB.Now()); early > 0 {
		return "", fmt.Errorf("the next key is not published for long enough, and whoever verifies tokens may not know it: try again in %s", early.Round(time.Second))
	}
	rows, err := s.freshRows(keyNext)
	if err != nil {
		return "", err
	}
	kid, err = store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		if err := retireSigningKey(tx); err != nil {
			return "", err
		}
		kid, err := activateSigningKey(tx)
		if err != nil {
			return "", err
		}
		if err := insertSigningKey(tx, rows[0]); err != nil {
			return "", err
		}
		return kid, s.recordKeys(tx, kid, rows[0].kid)
	})
	if err != nil {
		return "", fmt.Errorf("rotate the signing keys: %w", err)
	}
	return kid, s.loadKeys(ctx)
}

// Tend rotates the signing keys when it is time and forgets those that are
// published no more.
func (s *System) Tend(ctx context.Context) error {
	ring, now := s.ring.Load(), s.DB.Now()
	if now.Sub(ring.active.active) >= rotateEvery {
		if _, err := s.RotateKeys(ctx); err != nil {
			return err
		}
		ring = s.ring.Load()
	}
	if len(ring.published(now)) == 2+len(ring.retired) {
		return nil
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error { return deleteRetiredKeys(tx, now.Add(-retiredStay).UnixMilli()+1) })
	if err != nil {
		return err
	}
	return s.loadKeys(ctx)
}

// keysAPI publishes the keys (RFC 7517 section 5) to whoever verifies our tokens,
// pages of other sites among them.
func (s *System) keysAPI(w http.ResponseWriter, r *http.Request) error {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	for _, k := range s.ring.Load().published(s.DB.Now()) {
		set.Keys = append(set.Keys, k.jwk())
	}
	body, err := json.Marshal(set)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(keysMaxAge.Seconds())))
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, err = w.Write(body)
	return err
}
