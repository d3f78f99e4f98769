package replica

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/store"
)

// replicated is a closed database with some rows, and its replica.
func replicated(t testing.TB, cfg Config) (rows string) {
	t.Helper()
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{})
	insert(t, db, 20, 500)
	rows = digest(t, db)
	closeAll(t, d, db)
	return rows
}

func TestBootTable(t *testing.T) {
	t.Parallel()
	t.Run("present: open", func(t *testing.T) {
		t.Parallel()
		cfg := fileConfig(t)
		replicated(t, cfg)
		out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{})
		if err != nil || out.Action != Opened {
			t.Errorf("Boot = %+v, %v", out, err)
		}
	})
	for _, left := range []string{"seaworthy.db-wal", "seaworthy.db-shm", "seaworthy.db-journal", ".seaworthy.db-litestream"} {
		t.Run("missing but "+left+": refuse", func(t *testing.T) {
			t.Parallel()
			cfg := fileConfig(t)
			replicated(t, cfg)
			loseMachine(t, cfg)
			file := filepath.Join(filepath.Dir(cfg.DBPath), left)
			if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
			var refused *LeftoverError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "mv '"+file+"'") {
				t.Fatalf("Boot = %v", err)
			}
			if got := ls(t, filepath.Dir(cfg.DBPath)); !strings.Contains(got, left) || strings.Contains(got, "seaworthy.db ") {
				t.Errorf("after the refusal there is %s", got)
			}
		})
	}
	t.Run("missing, local replica empty: create", func(t *testing.T) {
		t.Parallel()
		cfg := fileConfig(t)
		out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{})
		if err != nil || out.Action != Created {
			t.Errorf("Boot = %+v, %v", out, err)
		}
	})
	t.Run("missing, remote replica empty: flag", func(t *testing.T) {
		t.Parallel()
		cfg := newFakeS3(t).config(t)
		_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{})
		var refused *FirstInstallError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "--first-install") {
			t.Errorf("without the flag: %v", err)
		}
		out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
		if err != nil || out.Action != Created {
			t.Errorf("with the flag: %+v, %v", out, err)
		}
	})
	t.Run("missing, remote replica has data: restore whatever the flag", func(t *testing.T) {
		t.Parallel()
		cfg := newFakeS3(t).config(t)
		want := replicated(t, cfg)
		loseMachine(t, cfg)
		out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
		if err != nil || out.Action != Restored {
			t.Fatalf("Boot = %+v, %v", out, err)
		}
		if got := digest(t, openDB(t, cfg)); got != want {
			t.Errorf("restored %.40s, want %.40s", got, want)
		}
	})
	t.Run("missing, replica unreachable: retry, never create", func(t *testing.T) {
		t.Parallel()
		bucket := newFakeS3(t)
		cfg := bucket.config(t)
		bucket.server.Close()
		_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
		var away *UnreachableError
		if !errors.As(err, &away) {
			t.Errorf("Boot = %v", err)
		}
		if there, _ := exists(cfg.DBPath); there {
			t.Error("a database was created")
		}
	})
	t.Run("missing, disk of the replica not mounted: retry", func(t *testing.T) {
		t.Parallel()
		cfg := fileConfig(t)
		cfg.Replica.Path = filepath.Join(t.TempDir(), "mnt", "replica")
		_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
		var away *UnreachableError
		if !errors.As(err, &away) {
			t.Errorf("Boot = %v", err)
		}
	})
	t.Run("missing, data but no current.json: refuse", func(t *testing.T) {
		t.Parallel()
		cfg := fileConfig(t)
		replicated(t, cfg)
		loseMachine(t, cfg)
		if err := os.Remove(filepath.Join(cfg.Replica.Path, currentName)); err != nil {
			t.Fatal(err)
		}
		_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true})
		var refused *UnnamedError
		if !errors.As(err, &refused) {
			t.Errorf("Boot = %v", err)
		}
	})
	t.Run("missing, current.json garbled: refuse", func(t *testing.T) {
		t.Parallel()
		cfg := fileConfig(t)
		replicated(t, cfg)
		loseMachine(t, cfg)
		if err := os.WriteFile(filepath.Join(cfg.Replica.Path, currentName), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{FirstInstall: true}); err == nil {
			t.Errorf("Boot = %+v", out)
		}
	})
	t.Run("replaced file with the old log: refuse", func(t *testing.T) {
		t.Parallel()
		cfg := fileConfig(t)
		replicated(t, cfg)
		other := fileConfig(t)
		replicated(t, other)
		if err := os.Rename(other.DBPath, cfg.DBPath); err != nil {
			t.Fatal(err)
		}
		_, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{})
		var refused *ReplacedError
		if !errors.As(err, &refused) {
			t.Fatalf("Boot = %v", err)
		}
		if err := os.Rename(cfg.DBPath+"-wal", cfg.DBPath+".old-wal"); err != nil {
			t.Fatal(err)
		}
		if out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil || out.Action != Opened {
			t.Errorf("after the advice was followed: %+v, %v", out, err)
		}
	})
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(t *testing.T, cfg Config)
		schema int
		want   func(error) bool
	}{
		{"a newer schema", func(*testing.T, Config) {}, 1, func(err error) bool {
			var newer *store.NewerSchemaError
			return errors.As(err, &newer)
		}},
		{"a torn object", func(t *testing.T, cfg Config) { eachObject(t, cfg, func(b []byte) []byte { return b[:len(b)/2] }) }, 0, nil},
		{"garbled objects", func(t *testing.T, cfg Config) {
			eachObject(t, cfg, func(b []byte) []byte {
				for i := 150; i < len(b)-150; i += 97 {
					b[i] ^= 0x55
				}
				return b
			})
		}, 0, nil},
		{"a foreign database", func(t *testing.T, cfg Config) {
			db, err := store.Open(cfg.DBPath, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			sqlExec(t, db, "PRAGMA application_id = 7")
			d := start(t, db, cfg, Options{})
			closeAll(t, d, db)
		}, 0, func(err error) bool {
			var foreign *store.ForeignFileError
			return errors.As(err, &foreign)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := fileConfig(t)
			replicated(t, cfg)
			tt.damage(t, cfg)
			loseMachine(t, cfg)
			out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{KnownSchema: tt.schema})
			if err == nil {
				t.Fatalf("Boot = %+v", out)
			}
			if tt.want != nil && !tt.want(err) {
				t.Errorf("Boot = %v", err)
			}
			if got := ls(t, filepath.Dir(cfg.DBPath)); got != "replica" {
				t.Errorf("the failed restore left %s", got)
			}
		})
	}
}

// eachObject changes every LTX file of a file replica.
func eachObject(t *testing.T, cfg Config, change func([]byte) []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cfg.Replica.Path, "e*", "ltx", "*", "*.ltx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("objects: %v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, change(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeftoverFilesOfAKilledRestore(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	want := replicated(t, cfg)
	loseMachine(t, cfg)
	for _, suffix := range []string{"", ".tmp", "-wal"} {
		if err := os.WriteFile(cfg.DBPath+".restore-20200101T000000.000000"+suffix, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := ls(t, filepath.Dir(cfg.DBPath)); got != "replica seaworthy.db" {
		t.Errorf("left: %s", got)
	}
	if got := digest(t, openDB(t, cfg)); got != want {
		t.Error("restored other rows")
	}
}

// What a person put there under a name of that kind may be the only copy there is; and a folder
// may have any name.
func TestBootRemovesOnlyItsOwnLeftovers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[b*")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg, err := Parse([]byte(DefaultYAML), env(dir))
	if err != nil {
		t.Fatal(err)
	}
	want := replicated(t, cfg)
	loseMachine(t, cfg)
	for _, suffix := range []string{"old", "old-wal", "20200101", "20200101T000000.000000.tmp"} {
		if err := os.WriteFile(cfg.DBPath+".restore-"+suffix, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := ls(t, dir); got != "replica seaworthy.db seaworthy.db.restore-20200101 seaworthy.db.restore-old seaworthy.db.restore-old-wal" {
		t.Errorf("left: %s", got)
	}
	if got := digest(t, openDB(t, cfg)); got != want {
		t.Error("restored other rows")
	}
}
