package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
)

func TestProtectHoldsTheProgramToItsRules(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	exec := func(query string) error {
		return db.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec(query); return err })
	}
	for _, q := range []string{`CREATE TABLE lasting (id INTEGER PRIMARY KEY, a TEXT, b TEXT)`, `CREATE TABLE loose (id INTEGER PRIMARY KEY)`,
		`CREATE INDEX lasting_a ON lasting (a)`, `INSERT INTO lasting (id, a, b) VALUES (1, 'x', 'y')`, `INSERT INTO loose (id) VALUES (1)`} {
		if err := exec(q); err != nil {
			t.Fatal(err)
		}
	}
	// A statement that was prepared before the rules were installed obeys them, too.
	const before = `UPDATE lasting SET a = 'before'`
	if err := exec(before); err != nil {
		t.Fatal(err)
	}
	if err := db.Protect(t.Context(), Rule{Table: "lasting", Update: []string{"b"}}); err != nil {
		t.Fatal(err)
	}
	for query, allowed := range map[string]bool{
		before: false, `DELETE FROM lasting`: false, `DROP TABLE lasting`: false, `DROP INDEX lasting_a`: false, `ALTER TABLE lasting RENAME COLUMN a TO c`: false,
		`CREATE TRIGGER x BEFORE INSERT ON lasting BEGIN SELECT 1; END`: false, `CREATE TEMP TABLE lasting (id INTEGER)`: false, `PRAGMA writable_schema = 1`: false,
		`UPDATE LASTING SET a = 'x'`: false, `UPDATE main.lasting SET a = 'x'`: false, `CREATE INDEX lasting_b ON lasting (b)`: false,
		`UPDATE lasting SET b = 'z'`: true, `INSERT INTO lasting (id, a, b) VALUES (2, 'x', 'y')`: true, `DELETE FROM loose`: true,
	} {
		if err := exec(query); (err == nil) != allowed || err != nil && !errors.Is(err, ErrConstraint) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestBeforeCommitRunsOnceAGroupAndWithIt(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	if err := db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`CREATE TABLE row (n INTEGER PRIMARY KEY, hooked INTEGER NOT NULL)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	var fail atomic.Bool
	if err := db.BeforeCommit(t.Context(), func(tx *Tx) error {
		if fail.Load() {
			return refused
		}
		_, err := tx.Exec(`UPDATE row SET hooked = 1 WHERE hooked = 0`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	insert := func(n int, then error) error {
		return db.Write(context.Background(), func(tx *Tx) error {
			if _, err := tx.Exec(`INSERT INTO row (n, hooked) VALUES (?, 0)`, n); err != nil {
				return err
			}
			return then
		})
	}
	count := func() (all, hooked int) {
		t.Helper()
		err := db.Read(t.Context(), func(tx *Tx) error {
			return tx.QueryRow(`SELECT count(*), coalesce(sum(hooked), 0) FROM row`).Scan(&all, &hooked)
		})
		if err != nil {
			t.Fatal(err)
		}
		return all, hooked
	}
	for n := range 5 {
		if err := insert(n, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert(9, refused); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if all, hooked := count(); all != 5 || hooked != 5 {
		t.Errorf("%d rows, %d hooked", all, hooked)
	}
	fail.Store(true)
	if err := insert(10, nil); !errors.Is(err, refused) {
		t.Errorf("committed without what belongs to it: %v", err)
	}
	fail.Store(false)
	if all, _ := count(); all != 5 {
		t.Errorf("%d rows", all)
	}
	if err := insert(11, nil); err != nil {
		t.Error(err)
	}
}

func TestReadFileWhileAServerHasIt(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	if err := db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`CREATE TABLE row (n INTEGER PRIMARY KEY)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var n int
	err := ReadFile(t.Context(), db.Path(), func(tx *Tx) error {
		if _, err := tx.Exec(`INSERT INTO row (n) VALUES (1)`); err == nil {
			t.Error("a tool that looks has written")
		}
		return tx.QueryRow(`SELECT count(*) FROM row`).Scan(&n)
	})
	if err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
	if err := ReadFile(t.Context(), filepath.Join(t.TempDir(), "none.db"), func(*Tx) error { return nil }); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := db.Scrub(t.Context()); err != nil || WALBytes(db.Path()) != 0 {
		t.Errorf("scrubbed: %d bytes of log, %v", WALBytes(db.Path()), err)
	}
}
