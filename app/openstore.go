package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"seaworthy/app/seal"
	"seaworthy/store"
)

// openStore brings the database up: boot table, lock, schema.
func (a *App) openStore(ctx context.Context, own store.Own) error {
	path := filepath.Join(a.Config.Data, "seaworthy.db")
	if err := os.MkdirAll(a.Config.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := a.bootReplica(ctx, path); err != nil {
		return err
	}
	_, err := os.Stat(path)
	// Before the database: a process that is killed in between must not leave one without its key.
	if a.keys, err = a.masterKey(!errors.Is(err, fs.ErrNotExist)); err != nil {
		return err
	}
	if a.DB, err = store.Open(path, store.Options{Clock: a.o.Clock, Log: a.log, Watch: a.Observe}); err != nil {
		return err
	}
	done, err := store.Migrate(ctx, a.DB, store.MigrateOptions{Binary: a.o.Version, Own: own})
	if err != nil {
		return err
	}
	// A log that is deleted at the close costs the replica a whole new copy.
	a.DB.KeepWAL(a.Config.Replica != "off")
	if done.From != done.To || done.OwnFrom != done.OwnTo {
		a.log.Info("migrated", "from", done.From, "to", done.To, "own_from", done.OwnFrom, "own_to", done.OwnTo, "copy", done.Copy)
	}
	return nil
}

// masterKey loads the key that secrets are sealed with. A new one is only made for a new
// database: beside an old one it would hide that the right one is missing.
func (a *App) masterKey(existed bool) (*seal.Keys, error) {
	folder := filepath.Join(a.Config.Data, "keys")
	keys, err := seal.Load(folder, !existed || a.Config.NewKeys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the database is there, but its master key %s is not: what was sealed cannot be read without it. Put the file back, "+
			"or run 'seaworthy keys import' with your recovery kit; if it is lost for good, start once with --new-keys", filepath.Join(folder, "master.key"))
	}
	return keys, err
}
