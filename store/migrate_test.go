package store

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var twoSteps = []Migration{
	{Version: 1, Name: "test_one", SQL: "CREATE TABLE one (id TEXT NOT NULL PRIMARY KEY) STRICT; INSERT INTO one (id) VALUES ('kept')"},
	{Version: 2, Name: "test_two", SQL: "CREATE TABLE two (id TEXT NOT NULL PRIMARY KEY) STRICT"},
}

func openEmpty(t *testing.T) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "test.db"), Options{})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestMigrateFreshThenUpgradeThenNothing(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	got, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps[:1], Binary: "1"})
	must(t, err)
	if got != (Migrated{From: 0, To: 1}) {
		t.Fatalf("fresh: %+v", got)
	}
	got, err = Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps, Binary: "2"})
	must(t, err)
	if got.From != 1 || got.To != 2 || got.Copy == "" {
		t.Fatalf("upgrade: %+v", got)
	}
	must(t, CheckFile(t.Context(), got.Copy))
	old, err := sql.Open("sqlite", got.Copy)
	must(t, err)
	defer old.Close()
	var id string
	must(t, old.QueryRow("SELECT id FROM one").Scan(&id))
	if err := old.QueryRow("SELECT id FROM two").Scan(&id); err == nil {
		t.Error("the copy from before the upgrade has the new table")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(got.Copy), "rehearsal*")); len(left) > 0 {
		t.Errorf("the rehearsal left %v", left)
	}
	got, err = Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
	must(t, err)
	if got != (Migrated{From: 2, To: 2}) {
		t.Fatalf("again: %+v", got)
	}
}

func TestMigrateRefusesWhatItMustNotTouch(t *testing.T) {
	t.Parallel()
	t.Run("newer schema", func(t *testing.T) {
		db := openEmpty(t)
		_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
		must(t, err)
		_, err = Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps[:1]})
		var newer *NewerSchemaError
		if !errors.As(err, &newer) || newer.Have != 2 || newer.Known != 1 {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("changed text", func(t *testing.T) {
		db := openEmpty(t)
		_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
		must(t, err)
		other := []Migration{twoSteps[0], {Version: 2, Name: "test_two", SQL: "CREATE TABLE other (id TEXT) STRICT"}}
		_, err = Migrate(t.Context(), db, MigrateOptions{Steps: other})
		var changed *ChangedMigrationError
		if !errors.As(err, &changed) || changed.Version != 2 {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("somebody else's file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "theirs.db")
		theirs, err := sql.Open("sqlite", path)
		must(t, err)
		_, err = theirs.Exec("CREATE TABLE theirs (id)")
		must(t, errors.Join(err, theirs.Close()))
		db, err := Open(path, Options{})
		must(t, err)
		defer db.Close()
		_, err = Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
		var foreign *ForeignFileError
		if !errors.As(err, &foreign) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestFailingMigrationLeavesTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps[:1]})
	must(t, err)
	bad := append(append([]Migration{}, twoSteps...), Migration{Version: 3, Name: "test_three", SQL: "CREATE TABLE three (id TEXT) STRICT; INSERT INTO nowhere VALUES (1)"})
	if _, err = Migrate(t.Context(), db, MigrateOptions{Steps: bad}); err == nil || !strings.Contains(err.Error(), "migration 3 (test_three)") {
		t.Fatalf("got %v", err)
	}
	// The rehearsal failed, so not even the good step 2 was applied.
	v, err := Read(t.Context(), db, func(tx *Tx) (v int, err error) { return v, tx.QueryRow("PRAGMA user_version").Scan(&v) })
	must(t, err)
	if v != 1 {
		t.Errorf("schema %d", v)
	}
}

func TestMigrationNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"0002_store_x.sql", "one_store_x.sql", "0001.sql"} {
		if _, err := readMigrations(fstest.MapFS{"migrations/" + name: &fstest.MapFile{}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if all, err := Migrations(); err != nil || len(all) == 0 {
		t.Errorf("built in: %d, %v", len(all), err)
	}
}

// TestMigrateAfterARehearsalWasKilled is a start after one that was killed amid
// its rehearsal: what that left, a log with the steps in it, must not be read
// into the new copy.
func TestMigrateAfterARehearsalWasKilled(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps[:1]})
	must(t, err)
	backups := filepath.Join(filepath.Dir(db.path), "backups")
	must(t, os.MkdirAll(backups, 0o700))
	trial := filepath.Join(backups, "rehearsal-v2.db")
	must(t, db.CopyTo(t.Context(), trial))
	other, err := Open(trial, Options{})
	must(t, err)
	must(t, apply(t.Context(), other, twoSteps[1:], "1"))
	log, err := os.ReadFile(trial + "-wal")
	must(t, err)
	must(t, other.Close())
	must(t, os.WriteFile(trial+"-wal", log, 0o600))

	got, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
	must(t, err)
	if got.From != 1 || got.To != 2 {
		t.Errorf("migrated %+v", got)
	}
}
