package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var threeSteps = append(append([]Migration{}, twoSteps...), Migration{Version: 3, Name: "test_three", SQL: "CREATE TABLE three (id TEXT NOT NULL PRIMARY KEY) STRICT"})

// A process that is killed between two steps leaves a half-migrated database. The next
// start must not copy that over the copy from before the first step.
func TestCopyFromBeforeSurvivesAHalfMigratedRetry(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps[:1]})
	must(t, err)
	backups := filepath.Join(filepath.Dir(db.path), "backups")
	var first Migrated
	first.From, first.To = 1, 3
	must(t, copyAndRehearse(t.Context(), db, MigrateOptions{Backups: backups}, threeSteps, &first))
	must(t, apply(t.Context(), db, threeSteps[1:2], "")) // and then it was killed

	got, err := Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps})
	must(t, err)
	if got != (Migrated{From: 1, To: 3, Copy: filepath.Join(backups, "pre-v3.db")}) {
		t.Errorf("migrated %+v", got)
	}
	if have, _, err := FileSchema(t.Context(), got.Copy); err != nil || have != 1 {
		t.Errorf("the copy from before has schema %d, %v", have, err)
	}
	if _, err := os.Stat(begunPath(backups)); err == nil {
		t.Error("the migration still counts as begun")
	}
}

// A copy of an earlier attempt, after which the database was used, is replaced.
func TestCopyOfAnEarlierAttemptIsReplaced(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps[:1]})
	must(t, err)
	backups := filepath.Join(filepath.Dir(db.path), "backups")
	must(t, copyAndRehearse(t.Context(), db, MigrateOptions{Backups: backups}, threeSteps, &Migrated{From: 1, To: 3}))
	_, err = Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps[:2]}) // another release, which served
	must(t, err)
	got, err := Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps})
	must(t, err)
	if have, _, err := FileSchema(t.Context(), got.Copy); err != nil || have != 2 || got.From != 2 {
		t.Errorf("migrated %+v; the copy from before has schema %d, %v", got, have, err)
	}
}

func TestPutBack(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps[:1]})
	must(t, err)
	done, err := Migrate(t.Context(), db, MigrateOptions{Steps: threeSteps})
	must(t, err)
	must(t, db.Close())
	if _, err := PutBack(t.Context(), db.path, done.Copy, 2); err == nil || !strings.Contains(err.Error(), "schema 1, not 2") {
		t.Errorf("another schema: %v", err)
	}
	aside, err := PutBack(t.Context(), db.path, done.Copy, 1)
	must(t, err)
	for path, want := range map[string]int{db.path: 1, aside: 3, done.Copy: 1} {
		if have, _, err := FileSchema(t.Context(), path); err != nil || have != want {
			t.Errorf("%s has schema %d, %v; want %d", path, have, err, want)
		}
		must(t, CheckFile(t.Context(), path))
	}
	if n := WALBytes(db.path); n != 0 {
		t.Errorf("%d bytes of log are beside it", n)
	}
}

// The same holds for the steps of a program that embeds us.
func TestHalfway(t *testing.T) {
	t.Parallel()
	b := begunMigration{From: 1, To: 3, OwnFrom: 0, OwnTo: 2}
	for _, c := range []struct {
		have, own int
		want      bool
	}{{1, 0, false}, {2, 0, true}, {3, 0, true}, {3, 1, true}, {3, 2, false}, {4, 2, false}, {0, 0, false}, {3, 3, false}} {
		if got := b.halfway(c.have, c.own); got != c.want {
			t.Errorf("at %d and %d: %v", c.have, c.own, got)
		}
	}
}
