package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A failed fsync leaves frames at the end of the write-ahead log that may exist
// in the kernel's cache alone: it marks them clean and never writes them again.
// The next start replays them; commits appended behind them would be lost with
// them at a power cut. So a failure leaves a mark beside the database, and the
// next start first copies the whole log into the file, which writes those pages
// anew and syncs them.

func (db *DB) failureMark() string { return db.path + ".failed" }

// markFailed leaves the mark, as well as a failing disk allows.
func (db *DB) markFailed(err error) {
	if werr := os.WriteFile(db.failureMark(), []byte(err.Error()+"\n"), 0o600); werr != nil {
		db.log.Error("the failure could not be marked", "err", werr)
	}
}

// afterFailure makes durable what an earlier failure left in doubt.
func (w *writer) afterFailure() error {
	mark := w.db.failureMark()
	if _, err := os.Stat(mark); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var busy, logged, done int
	row := w.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := row.Scan(&busy, &logged, &done); err != nil || busy != 0 {
		return errors.Join(fmt.Errorf("empty the log that a failed write left (busy %d)", busy), translate(err))
	}
	w.db.log.Warn("an earlier failure of the disk left its log in doubt; it was written anew")
	return os.Remove(mark)
}
