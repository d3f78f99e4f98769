package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"seaworthy/store"
)

// Rehearse tries the migration of a data folder's database on a copy, beside a server that
// runs or without one, and says what came of it.
func Rehearse(ctx context.Context, data, version string, own Own) (string, error) {
	path := filepath.Join(data, "seaworthy.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "There is no database in " + data + " yet: there is nothing to migrate.", nil
	}
	_, steps, err := own.open()
	if err != nil {
		return "", err
	}
	// Where the copies before a migration go, there is the room that one needs.
	backups := filepath.Join(data, "backups")
	if err := os.MkdirAll(backups, 0o700); err != nil {
		return "", fmt.Errorf("folder for the copy: %w", err)
	}
	folder, err := os.MkdirTemp(backups, "rehearsal-*")
	if err != nil {
		return "", fmt.Errorf("folder for the copy: %w", err)
	}
	defer os.RemoveAll(folder)
	began := time.Now()
	done, err := store.Rehearse(ctx, path, folder, store.MigrateOptions{Binary: version, Own: steps})
	if err != nil {
		return "", err
	}
	if done.From == done.To && done.OwnFrom == done.OwnTo {
		return fmt.Sprintf("The schema is %d already: there is nothing to migrate.", done.From), nil
	}
	return fmt.Sprintf("The migration from schema %d to %d was tried on a copy in %s, and what came of it is sound.", done.From, done.To, time.Since(began).Round(time.Millisecond)), nil
}
