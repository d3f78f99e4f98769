package store

import (
	"database/sql"

	"modernc.org/sqlite"
)

// KeepWAL says whether the write-ahead log stays on disk, emptied into the
// file, when the database is closed. SQLite deletes it by default; the replica
// then could no longer tell that nothing changed while the database was closed
// and would copy the whole file anew at every start.
func (db *DB) KeepWAL(keep bool) { db.keepWAL.Store(keep) }

// beforeClose applies KeepWAL to a connection that may be the last to close.
// After a fatal failure the log goes: it ends in frames that nobody was told of
// and that may never have reached the disk. The next start would replay them
// from the kernel's cache and append to them, and a power cut would take both.
func (db *DB) beforeClose(conn *sql.Conn) {
	if conn == nil || !db.keepWAL.Load() || db.FailErr() != nil {
		return
	}
	err := conn.Raw(func(driver any) error {
		_, err := driver.(sqlite.FileControl).FileControlPersistWAL("main", 1)
		return err
	})
	if err != nil {
		db.log.Warn("the write-ahead log will not be kept", "err", err)
	}
}
