package replica

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLossOfTheMachine(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{})
	insert(t, db, 50, 300)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	want := digest(t, db)
	first := d.Status().Epoch
	closeAll(t, d, db)
	loseMachine(t, cfg)

	out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	if out.Action != Restored || out.Epoch != first {
		t.Fatalf("Boot = %+v, want restored from %s", out, first)
	}
	if got := ls(t, filepath.Dir(cfg.DBPath)); got != "replica seaworthy.db" {
		t.Errorf("left beside the restored file: %s", got)
	}
	db = openDB(t, cfg)
	if got := digest(t, db); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
	d = start(t, db, cfg, Options{})
	second := epochOf(t, d)
	if second == first || epochNumber(second) != 2 {
		t.Errorf("the epoch after a restore is %s, before it was %s", second, first)
	}
	if c := currentEpoch(t, cfg); c.Epoch != second || len(c.Previous) != 1 || c.Previous[0] != first {
		t.Errorf("current.json = %+v", c)
	}
	if _, err := os.Stat(filepath.Join(cfg.Replica.Path, first, "ltx")); err != nil {
		t.Errorf("the old epoch is gone: %v", err)
	}
	insert(t, db, 5, 300)
	want = digest(t, db)
	closeAll(t, d, db)

	// The new epoch stands on its own, and so does the old one.
	loseMachine(t, cfg)
	if _, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil {
		t.Fatal(err)
	}
	db = openDB(t, cfg)
	if got := digest(t, db); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
	old := filepath.Join(t.TempDir(), "old.db")
	if r, err := Restore(t.Context(), cfg, old, RestoreOptions{Epoch: first}); err != nil || r.Epoch != first {
		t.Errorf("restore the old epoch: %+v, %v", r, err)
	}
}

func TestRestartKeepsTheEpoch(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{})
	insert(t, db, 200, 2000)
	epoch := d.Status().Epoch
	closeAll(t, d, db)
	files, _ := filepath.Glob(filepath.Join(cfg.Replica.Path, epoch, "ltx", "0", "*"))

	if out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil || out.Action != Opened {
		t.Fatalf("Boot = %+v, %v", out, err)
	}
	db = openDB(t, cfg)
	d = start(t, db, cfg, Options{})
	if got := epochOf(t, d); got != epoch {
		t.Errorf("epoch after a restart = %s, want %s", got, epoch)
	}
	insert(t, db, 1, 10)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	// Not a copy of the whole file: the log was kept across the restart.
	after, _ := filepath.Glob(filepath.Join(cfg.Replica.Path, epoch, "ltx", "0", "*"))
	for _, f := range after[len(files):] {
		if info, err := os.Stat(f); err != nil || info.Size() > 100_000 {
			t.Errorf("%s has %d bytes after a restart with one row", filepath.Base(f), info.Size())
		}
	}
	closeAll(t, d, db)
}
