package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"seaworthy/store"
)

var sideSchema = []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL) STRICT`}

func TestSideKeepsAndBounds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "side.db")
	s, err := store.OpenSide(path, store.SideOptions{Schema: sideSchema, MaxBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	put := func(v string) error {
		return s.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO t (v) VALUES (?)`, v)
			return err
		})
	}
	count := func() (n int) {
		if err := s.Read(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(`SELECT count(*) FROM t`).Scan(&n) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := put("a"); err != nil {
		t.Fatal(err)
	}
	// A closure that fails leaves nothing, one that fills the file neither.
	if err := s.Write(t.Context(), func(tx *store.Tx) error {
		tx.Exec(`INSERT INTO t (v) VALUES ('b')`)
		return errors.New("no")
	}); err == nil || count() != 1 {
		t.Errorf("a failed write: %v, %d rows", err, count())
	}
	if err := put(string(make([]byte, 300<<10))); !errors.Is(err, store.ErrFull) || count() != 1 {
		t.Errorf("beyond the bound: %v, %d rows", err, count())
	}
	if err := put("c"); err != nil || count() != 2 {
		t.Errorf("after a full file: %v, %d rows", err, count())
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := put("d"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a write after the close: %v", err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the log stays behind: %v", err)
	}
	if _, err := store.OpenSide(path, store.SideOptions{Schema: nil, Existing: true}); err != nil {
		t.Errorf("a file opened without a schema: %v", err)
	}
}

func TestSideRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := store.OpenSide(filepath.Join(dir, "none.db"), store.SideOptions{Existing: true}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); !os.IsNotExist(err) {
		t.Error("a missing file was made")
	}
	rotten := filepath.Join(dir, "rotten.db")
	os.WriteFile(rotten, make([]byte, 8192), 0o600)
	os.WriteFile(rotten, []byte("this is not a database, and was never one: it only lies there"), 0o600)
	if _, err := store.OpenSide(rotten, store.SideOptions{Schema: sideSchema}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a rotten file: %v", err)
	}
	newer := filepath.Join(dir, "newer.db")
	s, err := store.OpenSide(newer, store.SideOptions{Schema: append(sideSchema, `CREATE TABLE u (id INTEGER PRIMARY KEY) STRICT`)})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := store.OpenSide(newer, store.SideOptions{Schema: sideSchema}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("a newer file: %v", err)
	}
}

func TestSideWaitsForAnothersLockButNotLong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "side.db")
	open := func() *store.Side {
		s, err := store.OpenSide(path, store.SideOptions{Schema: sideSchema, BusyWait: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := open(), open()
	defer a.Close()
	defer b.Close()
	err := a.Write(t.Context(), func(*store.Tx) error {
		return b.Write(context.Background(), func(*store.Tx) error { return nil })
	})
	if !errors.Is(err, store.ErrBusy) {
		t.Errorf("a locked file: %v", err)
	}
}
