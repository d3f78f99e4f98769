package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// ExportTiles writes the signed log of a database file into a new folder, in the
// layout of c2sp.org/tlog-tiles: the newest checkpoint of the current origin, its
// tiles and entries, and the keys. A bundle with a dropped entry becomes an empty
// file. It returns how many events the checkpoint covers.
//
// The entries are every org's: the folder is for the operator and his auditors.
func ExportTiles(ctx context.Context, dbPath, folder string) (events int64, err error) {
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		return 0, errors.Join(fmt.Errorf("%s exists: name a new folder", folder), err)
	}
	err = store.ReadFile(ctx, dbPath, func(tx *store.Tx) error {
		o, err := lastOrigin(tx)
		if err != nil {
			return fmt.Errorf("the log's origin: %w", err)
		}
		c, err := newestCheckpoint(tx, o.gen)
		if errors.Is(err, store.ErrNotFound) {
			return errors.New("nothing is signed yet: let the server run for some seconds first")
		}
		if err != nil {
			return err
		}
		events = c.Size
		return writeTiles(ctx, tx, o, c, folder)
	})
	return events, err
}

func writeTiles(ctx context.Context, tx *store.Tx, o origin, c *signedHead, folder string) error {
	keys, err := verifierKeys(tx, o)
	if err != nil {
		return err
	}
	put := func(path string, data []byte) error {
		full := filepath.Join(folder, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			return err
		}
		return os.WriteFile(full, data, 0o600)
	}
	for _, at := range merkle.Tiles(c.Size) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var data []byte
		if at.Entries {
			data, err = readEntries(tx, o, at)
		} else {
			data, err = readTile(tx, o, c.Size, at)
		}
		if errors.Is(err, errDropped) {
			data, err = nil, nil
		}
		if err == nil {
			err = put(at.Path(), data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at.Path(), err)
		}
	}
	// The checkpoint last: a folder without one is no log.
	return errors.Join(put("keys", []byte(strings.Join(keys, "\n")+"\n")), put("checkpoint", c.note))
}
