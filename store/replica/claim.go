package replica

import (
	"context"
	"fmt"

	"seaworthy/store"
)

// metaEpoch is where the database remembers the epoch it is written to.
const metaEpoch = "replica.epoch"

// claim finds the epoch to write to. A plain restart goes on in its own; in
// every other case a fresh one begins, so that a history that someone else may
// be writing, or that no longer fits this file, is never touched.
func (d *Driver) claim(ctx context.Context, fresh string) (string, error) {
	path := d.db.Path()
	mine, err := store.Read(ctx, d.db, func(tx *store.Tx) (string, error) { return store.Meta(tx, metaEpoch) })
	if err != nil {
		return "", fmt.Errorf("read the epoch from the database: %w", err)
	}
	mark, err := readMarker(path)
	if err != nil {
		return "", fmt.Errorf("read the epoch of the local state: %w", err)
	}
	ino, err := inode(path)
	if err != nil {
		return "", err
	}
	r := openRoot(d.cfg.Replica, d.o.limits.silence)
	defer r.close()
	now, err := readCurrent(ctx, r)
	if err != nil {
		return "", unreachable(d.cfg.Replica.Location(), err)
	}
	switch {
	case fresh != "":
	case mine == "":
		fresh = "the database has none yet"
	case mark.Epoch != mine || mark.Inode != ino:
		fresh = "the database file was restored or put here from elsewhere"
	case now.Epoch != mine:
		fresh = fmt.Sprintf("the replica's current epoch is %q", now.Epoch)
	default:
		return mine, writeEnv(path, mine)
	}
	return d.beginEpoch(ctx, r, mine, fresh)
}

func (d *Driver) beginEpoch(ctx context.Context, r root, mine, why string) (string, error) {
	path := d.db.Path()
	if err := forget(path); err != nil {
		return "", fmt.Errorf("remove the local state of the old epoch: %w", err)
	}
	epoch, err := begin(ctx, r, d.o.Rand, d.o.Clock(), mine)
	if err != nil {
		return "", unreachable(d.cfg.Replica.Location(), err)
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, metaEpoch, epoch) })
	if err != nil {
		return "", fmt.Errorf("remember the epoch: %w", err)
	}
	// Last: a start that finds no marker begins again, which is always safe.
	if err := writeMarker(path, epoch); err != nil {
		return "", fmt.Errorf("mark the local state: %w", err)
	}
	if mine == "" {
		d.o.Log.Info("a new epoch begins at the replica", "epoch", epoch, "because", why)
	} else {
		d.o.Log.Warn("a new epoch begins at the replica", "epoch", epoch, "before", mine, "because", why)
	}
	return epoch, writeEnv(path, epoch)
}

// ensureTables creates what litestream.DB would create on its first sync.
func (d *Driver) ensureTables(ctx context.Context) error {
	there, err := store.Read(ctx, d.db, func(tx *store.Tx) (n int, err error) {
		err = tx.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name IN ('_litestream_seq', '_litestream_lock')").Scan(&n)
		return n, err
	})
	if err != nil || there == 2 {
		return err
	}
	return d.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec("CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"); err != nil {
			return err
		}
		_, err := tx.Exec("CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)")
		return err
	})
}
