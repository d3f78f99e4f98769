package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Losing the lease and losing the disk can come together: the next start must know of both.
func TestFailedSyncIsMarkedThoughTheDatabaseWasFenced(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	gone := errors.New("another process has taken over")
	db.Fence(gone)
	if _, err := os.Stat(db.failureMark()); !os.IsNotExist(err) {
		t.Errorf("a sound file is marked: %v", err)
	}
	db.fail(&Error{Code: 1034, kind: ErrIO, err: errors.New("fsync")})
	if _, err := os.Stat(db.failureMark()); err != nil {
		t.Errorf("the failed fsync left no mark: %v", err)
	}
	if err := db.FailErr(); err != gone {
		t.Errorf("the reason is %v", err)
	}
}

// A checkpoint syncs the files, too: after one whose sync failed nobody is acknowledged any more.
func TestFailedSyncOfACheckpointEndsAllWriting(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	failed := &Error{Code: 1034, kind: ErrIO, err: errors.New("fsync")}
	if err := db.Pause(t.Context(), "checkpoint", func() error { return fmt.Errorf("checkpoint: %w", failed) }); !errors.Is(err, failed) {
		t.Errorf("the pause says %v", err)
	}
	if err := db.Write(t.Context(), insert("late", "x")); !errors.Is(err, ErrClosed) {
		t.Errorf("a write after it: %v", err)
	}
	if _, err := os.Stat(db.failureMark()); err != nil {
		t.Errorf("the next start does not know: %v", err)
	}
}

// A closure that does not heed a full disk saves nothing: SQLite may have rolled back what it had done.
func TestClosureThatIgnoresAFullDiskIsRolledBack(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	must(t, db.Pause(t.Context(), "test", func() error {
		_, err := db.writer.conn.ExecContext(context.Background(), "PRAGMA max_page_count(12)")
		return err
	}))
	err := db.Write(t.Context(), func(tx *Tx) error {
		must(t, insert("before", "x")(tx))
		if err := insert("large", strings.Repeat("x", 100_000))(tx); !errors.Is(err, ErrFull) {
			t.Errorf("the large one: %v", err)
		}
		if err := insert("after", "x")(tx); !errors.Is(err, ErrFull) {
			t.Errorf("a statement after it: %v", err)
		}
		var id string
		if err := tx.QueryRow("SELECT id FROM thing").Scan(&id); !errors.Is(err, ErrFull) {
			t.Errorf("a read after it: %v", err)
		}
		return nil
	})
	if !errors.Is(err, ErrFull) {
		t.Errorf("the write: %v", err)
	}
	if got := rowIDs(t, db); len(got) != 0 {
		t.Errorf("rows: %v", got)
	}
	must(t, db.Write(t.Context(), insert("next", "x")))
}

// Who meets a corrupt page ends all writing (SQLite refuses the commit), and nobody is told that it
// might have been saved. Of rows that are read one by one it is told, too.
func TestCorruptPageEndsAllWriting(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	must(t, db.Write(t.Context(), func(tx *Tx) error {
		for i := range 100 {
			must(t, insert(fmt.Sprintf("t%03d", i), strings.Repeat("x", 1000))(tx))
		}
		return nil
	}))
	must(t, db.Scrub(t.Context()))
	must(t, db.Close())
	file, err := os.ReadFile(db.Path())
	must(t, err)
	half := len(file) / 2 / sidePage * sidePage // the schema and the table's root stay
	copy(file[half:], bytes.Repeat([]byte{0xff}, len(file)-half))
	must(t, os.WriteFile(db.Path(), file, 0o600))

	db, err = Open(db.Path(), Options{})
	must(t, err)
	defer db.Close()
	must(t, db.Read(t.Context(), func(tx *Tx) error {
		rows, err := tx.Query("SELECT body FROM thing")
		if err != nil {
			return nil // found out at once
		}
		defer rows.Close()
		for rows.Next() {
		}
		if !errors.Is(rows.Err(), ErrCorrupt) {
			t.Errorf("reading: %v", rows.Err())
		}
		return nil
	}))
	var met, beside error
	heldGroup(t, db, 2, func(i int) {
		if i == 0 {
			met = db.Write(context.Background(), func(tx *Tx) error {
				var n int
				return tx.QueryRow("SELECT count(*) FROM thing WHERE body = 'y'").Scan(&n)
			})
		} else {
			beside = db.Write(context.Background(), func(tx *Tx) error { return nil })
		}
	})
	if !errors.Is(met, ErrCorrupt) || Uncertain(met) {
		t.Errorf("who met it: %v", met)
	}
	if beside != nil && Uncertain(beside) {
		t.Errorf("who came along: %v", beside)
	}
	select {
	case <-db.Failed():
	case <-time.After(10 * time.Second):
		t.Fatal("the process goes on")
	}
	must(t, os.Remove(db.failureMark()))
	if err := db.Write(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("a write after it: %v", err)
	}
	if _, err := os.Stat(db.failureMark()); !os.IsNotExist(err) {
		t.Errorf("each write after it marks the file again: %v", err)
	}
}

// A read that waits for a connection when the database is closed does not wait for ever.
func TestNobodyWaitsForAReaderOfAClosedDatabase(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	must(t, db.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, _, err := db.readers.lend(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("lent, or waited for: %v", err)
	}
}

func TestLogLeftInDoubtIsWrittenAnew(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	db.KeepWAL(true)
	must(t, db.Write(t.Context(), insert("a", "x")))
	db.fail(&Error{Code: 1034, kind: ErrIO, err: errors.New("fsync")})
	if err := db.Write(t.Context(), insert("b", "x")); !errors.Is(err, ErrClosed) || Uncertain(err) {
		t.Errorf("a write after a failed fsync: %v", err)
	}
	must(t, db.Close())
	again, err := Open(db.Path(), Options{})
	must(t, err)
	defer again.Close()
	if _, err := os.Stat(db.failureMark()); !os.IsNotExist(err) || WALBytes(db.Path()) != 0 {
		t.Errorf("the mark: %v, %d bytes of log", err, WALBytes(db.Path()))
	}
	if got := rowIDs(t, again); !slices.Equal(got, []string{"a"}) {
		t.Errorf("rows: %v", got)
	}
}
