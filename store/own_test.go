package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func ownFiles(texts ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, text := range texts {
		files["migrations/"+[]string{"0001_first", "0002_second"}[i]+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const makeNote = "CREATE TABLE shop_note (id TEXT NOT NULL PRIMARY KEY) STRICT; CREATE INDEX shop_note_id ON shop_note (id)"

func migrateOwn(ctx context.Context, db *DB, ours []Migration, texts ...string) (Migrated, error) {
	own, err := ReadOwn("shop", ownFiles(texts...))
	if err != nil {
		return Migrated{}, err
	}
	return Migrate(ctx, db, MigrateOptions{Steps: ours, Own: own, Binary: "1"})
}

// Both sequences grow on their own, in either order, each time after a verified copy.
func TestOwnStepsGrowBesideOurs(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	got, err := migrateOwn(t.Context(), db, twoSteps[:1], makeNote)
	must(t, err)
	if got != (Migrated{To: 1, OwnTo: 1}) {
		t.Fatalf("fresh: %+v", got)
	}
	must(t, db.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec("INSERT INTO shop_note (id) VALUES ('kept')"); return err }))
	const more = "ALTER TABLE shop_note ADD COLUMN text TEXT NOT NULL DEFAULT ''"
	got, err = migrateOwn(t.Context(), db, twoSteps[:1], makeNote, more)
	must(t, err)
	if got.OwnFrom != 1 || got.OwnTo != 2 || got.From != 1 || filepath.Base(got.Copy) != "pre-v1-shop-v2.db" {
		t.Fatalf("own upgrade: %+v", got)
	}
	must(t, CheckFile(t.Context(), got.Copy))
	got, err = migrateOwn(t.Context(), db, twoSteps, makeNote, more)
	must(t, err)
	if got.From != 1 || got.To != 2 || got.OwnFrom != 2 || filepath.Base(got.Copy) != "pre-v2.db" {
		t.Fatalf("our upgrade: %+v", got)
	}
	got, err = migrateOwn(t.Context(), db, twoSteps, makeNote, more)
	must(t, err)
	if got.Copy != "" || got.From != 2 || got.OwnFrom != 2 {
		t.Fatalf("again: %+v", got)
	}
	id, err := Read(t.Context(), db, func(tx *Tx) (s string, err error) { return s, tx.QueryRow("SELECT id || text FROM shop_note").Scan(&s) })
	if err != nil || id != "kept" {
		t.Errorf("%q, %v", id, err)
	}
	// The stock binary, which knows nothing of the shop, opens it, too.
	_, err = Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps})
	must(t, err)
}

func TestOwnStepsTouchTheirOwnOnly(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a table of another name": "CREATE TABLE note (id TEXT) STRICT",
		"a table of ours dropped": "DROP TABLE one",
		"a column of ours":        "ALTER TABLE one ADD COLUMN x TEXT",
		"an index on ours":        "CREATE INDEX shop_one ON one (id)",
		"a trigger on ours":       "CREATE TRIGGER shop_t AFTER INSERT ON one BEGIN SELECT 1; END",
		"the history":             "DROP TABLE schema_migration",
		"a wrong name of a table": "CREATE TABLE shopping (id TEXT) STRICT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openEmpty(t)
			_, err := Migrate(t.Context(), db, MigrateOptions{Steps: twoSteps[:1]})
			must(t, err)
			if _, err = migrateOwn(t.Context(), db, twoSteps[:1], makeNote, text); !errors.Is(err, ErrNotOwn) {
				t.Fatalf("got %v", err)
			}
			// The rehearsal failed: not even the good step before was applied.
			left, err := Read(t.Context(), db, func(tx *Tx) (n int, err error) {
				return n, tx.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'shop%' OR name = 'schema_own'").Scan(&n)
			})
			if err != nil || left != 0 {
				t.Errorf("%d objects are left, %v", left, err)
			}
		})
	}
}

func TestOwnStepsThatDiffer(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	_, err := migrateOwn(t.Context(), db, twoSteps, makeNote, "CREATE TABLE shop_two (id TEXT) STRICT")
	must(t, err)
	_, err = migrateOwn(t.Context(), db, twoSteps, makeNote)
	var newer *NewerSchemaError
	if !errors.As(err, &newer) || newer.Have != 2 || newer.Known != 1 || !strings.Contains(err.Error(), "of shop") {
		t.Errorf("an older program: %v", err)
	}
	_, err = migrateOwn(t.Context(), db, twoSteps, makeNote, "CREATE TABLE shop_other (id TEXT) STRICT")
	var changed *ChangedMigrationError
	if !errors.As(err, &changed) || changed.Version != 2 || !strings.Contains(err.Error(), "of shop") {
		t.Errorf("another text: %v", err)
	}
	// A name that one of our systems has.
	own, err := ReadOwn("audit", fstest.MapFS{"migrations/0001_x.sql": {Data: []byte("CREATE TABLE audit_mine (id TEXT) STRICT")}})
	must(t, err)
	if _, err := Migrate(t.Context(), openEmpty(t), MigrateOptions{Own: own}); err == nil || !strings.Contains(err.Error(), "taken") {
		t.Errorf("the name of a system: %v", err)
	}
	for _, name := range []string{"", "s", "Shop", "shop_x", "1shop"} {
		if _, err := ReadOwn(name, ownFiles()); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
}
