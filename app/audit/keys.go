package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/seal"
	"seaworthy/store"
)

// The key files, beside the master key and never in the database: whoever steals
// the database or its backup can forge no checkpoint. While a rotation lasts both
// keys sign.
const (
	keyFile    = "audit.key"
	oldKeyFile = "audit-old.key"
)

// loadKeys reads the key that signs and, during a rotation, the one before it.
func loadKeys(folder string) ([]merkle.Key, error) {
	key, err := loadKey(seal.Path(folder, keyFile), true)
	if err != nil {
		return nil, err
	}
	keys := []merkle.Key{key}
	old, err := loadKey(filepath.Join(folder, oldKeyFile), false)
	switch {
	case err == nil:
		keys = append(keys, old)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return keys, nil
}

// loadKey reads a key from the file of its seed, or makes one.
func loadKey(path string, create bool) (merkle.Key, error) {
	seed, err := seal.KeyFile(path, create)
	if err != nil {
		return merkle.Key{}, fmt.Errorf("audit key: %w", err)
	}
	return merkle.NewKey(seed), nil
}

// noteKeys writes down the keys that sign from now on, once each.
func (s *System) noteKeys(tx *store.Tx) error {
	for _, k := range s.keys {
		known, err := keyByPublic(tx, k.Public())
		if err == nil && known.retired {
			return fmt.Errorf("the audit key %s was retired and must not sign again: remove it from the keys folder", k.Public())
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := insertKey(tx, k.Public()); err != nil {
			return err
		}
		if err := s.Record(tx, Event{Action: actKeyAdded, Actor: Ref{"system", "audit"}, Details: map[string]any{"public_key": k.Public()}}); err != nil {
			return err
		}
	}
	return nil
}

// signers are the keys as signers for an origin.
func (s *System) signers(origin string) ([]note.Signer, error) {
	var all []note.Signer
	for _, k := range s.keys {
		signer, err := k.Signer(origin)
		if err != nil {
			return nil, err
		}
		all = append(all, signer)
	}
	return all, nil
}

// RotateKey makes a new key, which signs from the next start on together with
// the old one, until RetireKey. Run it while the server is stopped.
func (s *System) RotateKey(ctx context.Context) error {
	current, old := filepath.Join(s.Keys, keyFile), filepath.Join(s.Keys, oldKeyFile)
	if path := seal.Path(s.Keys, keyFile); path != current {
		return fmt.Errorf("the audit key is a credential of the service (%s): to rotate it, keep it as %s, and give the service a new one", path, old)
	}
	if _, err := os.Stat(old); err == nil {
		return errors.New("a rotation is under way already: retire the old key first")
	}
	if err := os.Rename(current, old); err != nil {
		return fmt.Errorf("rotate the audit key: %w", err)
	}
	keys, err := loadKeys(s.Keys)
	if err != nil {
		return err
	}
	s.keys = keys
	return s.DB.Write(ctx, s.noteKeys)
}

// RetireKey ends a rotation: the old key signs nothing any more, and what it may
// have signed beyond the log's size of now is not to be believed.
func (s *System) RetireKey(ctx context.Context) error {
	if len(s.keys) < 2 {
		return errors.New("no rotation is under way: there is one key only")
	}
	old := s.keys[1].Public()
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		h, err := selectHead(tx)
		if err != nil {
			return err
		}
		if err := retireKey(tx, old, h.gen, h.size); err != nil {
			return err
		}
		return s.Record(tx, Event{Action: actKeyRetired, Details: map[string]any{"public_key": old, "gen": h.gen, "size": h.size}})
	})
	if err != nil {
		return err
	}
	s.keys = s.keys[:1]
	return os.Remove(filepath.Join(s.Keys, oldKeyFile))
}
