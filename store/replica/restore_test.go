package replica

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPointInTime(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{})
	insert(t, db, 10, 100)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	want := digest(t, db)
	// The replica's times have milliseconds.
	between := time.Now().Add(5 * time.Millisecond)
	eventually(t, time.Second, "the clock moves on", func() (string, bool) {
		return "", time.Since(between) > 5*time.Millisecond
	})
	insert(t, db, 10, 100)
	closeAll(t, d, db)

	there := elsewhere(t, cfg)
	if _, err := Restore(t.Context(), cfg, there.DBPath, RestoreOptions{At: between}); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, openDB(t, there)); got != want {
		t.Errorf("restored %.30s, want %.30s", got, want)
	}
	if _, err := Restore(t.Context(), cfg, there.DBPath, RestoreOptions{}); err == nil {
		t.Error("an existing file was restored over")
	}
	early := filepath.Join(t.TempDir(), "x.db")
	if _, err := Restore(t.Context(), cfg, early, RestoreOptions{At: between.Add(-time.Hour)}); !errors.Is(err, ErrNothing) {
		t.Errorf("a time before the first copy: %v", err)
	}
}

// A pointer that cannot be read is no outage, and does not stand in the way of who knows the epoch.
func TestDamagedPointer(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	want := replicated(t, cfg)
	epoch := currentEpoch(t, cfg).Epoch
	loseMachine(t, cfg)
	if err := os.WriteFile(filepath.Join(cfg.Replica.Path, currentName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
	var damaged *DamagedError
	var away *UnreachableError
	if !errors.As(err, &damaged) || errors.As(err, &away) || !strings.Contains(err.Error(), cfg.Replica.Location()) {
		t.Errorf("Boot = %v", err)
	}
	if there, _ := exists(cfg.DBPath); there {
		t.Error("a database was made")
	}
	has, err := Inspect(t.Context(), cfg)
	if err != nil || len(has.Epochs) != 1 || has.Epochs[0].Name != epoch || has.Epochs[0].Current || has.Epochs[0].Files == 0 {
		t.Errorf("it has %+v, %v", has, err)
	}
	if _, err := Restore(t.Context(), cfg, cfg.DBPath, RestoreOptions{Epoch: epoch}); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, openDB(t, cfg)); got != want {
		t.Error("restored other rows")
	}
}
