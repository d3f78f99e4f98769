package replica

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"
)

// What lies beside the epochs is no epoch: it can be put, replaced and read, and
// neither a start nor a restore takes it for data.
func TestBesideTheEpochs(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	beside := cfg.Beside()
	if _, err := beside.Get(t.Context(), "anchor"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{"one", "two", "three"} {
		if err := beside.Put(t.Context(), "anchor", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := beside.Get(t.Context(), "anchor"); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil || out.Action != Created {
		t.Errorf("%+v, %v", out, err)
	}
}

// Scrub leaves nothing in the write-ahead log, and the replica in step.
func TestScrubEmptiesTheLog(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{})
	const secret = "a secret that somebody wants erased"
	sqlExec(t, db, "INSERT INTO test_row (body) VALUES (CAST(? AS BLOB))", secret)
	sqlExec(t, db, "DELETE FROM test_row")
	inLog := func() bool {
		t.Helper()
		text, err := os.ReadFile(db.Path() + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(text, []byte(secret))
	}
	if !inLog() {
		t.Fatal("the log never held it")
	}
	if err := d.Scrub(soon(t)); err != nil {
		t.Fatal(err)
	}
	if inLog() {
		t.Error("the log still holds it")
	}
	if err := d.Wait(soon(t)); err != nil {
		t.Error(err)
	}
	closeAll(t, d, db)
}
