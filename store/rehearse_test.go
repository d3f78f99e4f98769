package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A rehearsal leaves file and folder as they are, also while the database is open.
func TestRehearse(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps[:1]})
	must(t, err)
	folder := t.TempDir()
	got, err := Rehearse(t.Context(), db.path, folder, MigrateOptions{Steps: twoSteps})
	must(t, err)
	if got != (Migrated{From: 1, To: 2}) {
		t.Errorf("%+v", got)
	}
	if have, err := schemaOf(t.Context(), db); err != nil || have != 1 {
		t.Errorf("the database has schema %d, %v", have, err)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	if copies, _ := os.ReadDir(filepath.Join(filepath.Dir(db.path), "backups")); len(copies) > 0 {
		t.Errorf("it left %v", copies)
	}
	got, err = Rehearse(t.Context(), db.path, folder, MigrateOptions{Steps: twoSteps[:1]})
	if err != nil || got != (Migrated{From: 1, To: 1}) {
		t.Errorf("nothing to do: %+v, %v", got, err)
	}
}

func TestRehearseRefusesWhatMigrateRefuses(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
	must(t, err)
	newer := (*NewerSchemaError)(nil)
	if _, err := Rehearse(t.Context(), db.path, t.TempDir(), MigrateOptions{Steps: twoSteps[:1]}); !errors.As(err, &newer) || newer.Have != 2 {
		t.Errorf("a newer schema: %v", err)
	}
	changed := []Migration{{Version: 1, Name: "test_one", SQL: "CREATE TABLE other (id TEXT) STRICT"}, twoSteps[1]}
	if _, err := Rehearse(t.Context(), db.path, t.TempDir(), MigrateOptions{Steps: changed}); !errors.As(err, new(*ChangedMigrationError)) {
		t.Errorf("another history: %v", err)
	}
	bad := append(twoSteps[:2:2], Migration{Version: 3, Name: "test_bad", SQL: "CREATE TABLE one (id TEXT) STRICT"})
	folder := t.TempDir()
	if _, err := Rehearse(t.Context(), db.path, folder, MigrateOptions{Steps: bad}); err == nil || !strings.Contains(err.Error(), "migration 3 (test_bad)") {
		t.Errorf("a step that fails: %v", err)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	must(t, exec.Command("cp", db.path, foreign).Run())
	other, err := Open(foreign, Options{})
	must(t, err)
	must(t, other.Write(context.Background(), func(tx *Tx) error { _, err := tx.sqlTx.Exec("PRAGMA application_id = 7"); return err }))
	must(t, other.Close())
	if _, err := Rehearse(t.Context(), foreign, t.TempDir(), MigrateOptions{Steps: twoSteps}); !errors.As(err, new(*ForeignFileError)) {
		t.Errorf("another program's file: %v", err)
	}
}

// The kernel's list of locks is read in parts, and changes between them where many are taken.
func TestHolderAmongLocksThatComeAndGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "held.db")
	held, err := lockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	ctx, stop := context.WithCancel(t.Context())
	var churn sync.WaitGroup
	defer churn.Wait()
	defer stop()
	for i := range 4 {
		churn.Go(func() {
			var some [20]*fileLock
			for n := 0; ctx.Err() == nil; n = (n + 1) % len(some) {
				if some[n] != nil {
					some[n].release()
				}
				some[n], _ = lockFile(filepath.Join(dir, fmt.Sprintf("%d-%d", i, n)))
			}
			for _, l := range some {
				if l != nil {
					l.release()
				}
			}
		})
	}
	for n := range 1500 {
		if pid, err := Holder(path); err != nil || pid != os.Getpid() {
			t.Fatalf("look %d: %d, %v", n, pid, err)
		}
	}
}

func TestHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	wants := func(what string, want int) {
		t.Helper()
		if pid, err := Holder(path); err != nil || pid != want {
			t.Errorf("%s: process %d, %v; want %d", what, pid, err, want)
		}
	}
	wants("no file", 0)
	db, err := Open(path, Options{})
	must(t, err)
	wants("open", os.Getpid())
	must(t, db.Close())
	wants("closed", 0)
	// A killed process leaves its number, which may be another's by now.
	must(t, os.WriteFile(path+".lock", []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600))
	wants("killed", 0)
}
