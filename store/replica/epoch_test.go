package replica

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestBeginIsExclusive(t *testing.T) {
	t.Parallel()
	roots := map[string]func(*testing.T) Replica{
		"file": func(t *testing.T) Replica { return Replica{Type: "file", Path: filepath.Join(t.TempDir(), "r")} },
		"s3":   func(t *testing.T) Replica { return newFakeS3(t).config(t).Replica },
		"sftp": func(t *testing.T) Replica { return newSFTP(t) },
	}
	for name, open := range roots {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rep := open(t)
			r := openRoot(rep, callTimeout)
			defer r.close()
			if c, err := readCurrent(t.Context(), r); err != nil || c.Epoch != "" {
				t.Fatalf("current of an empty replica = %+v, %v", c, err)
			}
			if names, err := r.list(t.Context()); err != nil || len(names) != 0 {
				t.Fatalf("list of an empty replica = %v, %v", names, err)
			}
			first, err := begin(t.Context(), r, rand.Reader, time.Now(), "")
			if err != nil {
				t.Fatal(err)
			}
			if err := r.put(t.Context(), currentName, []byte("{}"), ""); !errors.Is(err, errChanged) {
				t.Errorf("create over the existing one: %v", err)
			}
			if err := r.put(t.Context(), currentName, []byte("{}"), "other"); !errors.Is(err, errChanged) {
				t.Errorf("replace another version: %v", err)
			}
			second, err := begin(t.Context(), r, rand.Reader, time.Now(), "e0041-aaaaaaaa")
			if err != nil || epochNumber(second) != 42 {
				t.Errorf("the epoch after 41 is %q, %v", second, err)
			}
			c, err := readCurrent(t.Context(), r)
			if err != nil || c.Epoch != second || len(c.Previous) != 1 || c.Previous[0] != first {
				t.Errorf("current = %+v, %v", c, err)
			}
			if names, err := r.list(t.Context()); err != nil || len(names) != 1 || names[0] != currentName {
				t.Errorf("list = %v, %v", names, err)
			}
		})
	}
}

// Where the provider has no conditional writes there is no lease, and the epochs alone keep
// two nodes apart.
func TestTwoNodesNeverShareAnEpoch(t *testing.T) {
	t.Parallel()
	s3 := newFakeS3(t)
	s3.plain.Store(true)
	a := s3.config(t)
	replicated(t, a)
	// A copy of the whole data folder goes on on another machine.
	b := elsewhere(t, a)
	if err := os.CopyFS(filepath.Dir(b.DBPath), os.DirFS(filepath.Dir(a.DBPath))); err != nil {
		t.Fatal(err)
	}
	dbA, dbB := openDB(t, a), openDB(t, b)
	dA := start(t, dbA, a, Options{})
	dB := start(t, dbB, b, Options{})
	epochA, epochB := epochOf(t, dA), epochOf(t, dB)
	if epochA == epochB {
		t.Fatalf("both write %s", epochA)
	}
	var wg sync.WaitGroup
	wg.Go(func() { insert(t, dbA, 30, 200) })
	wg.Go(func() { insert(t, dbB, 40, 200) })
	wg.Wait()
	wantA, wantB := digest(t, dbA), digest(t, dbB)
	closeAll(t, dA, dbA)
	closeAll(t, dB, dbB)
	for epoch, want := range map[string]string{epochA: wantA, epochB: wantB} {
		there := elsewhere(t, a)
		if _, err := Restore(t.Context(), a, there.DBPath, RestoreOptions{Epoch: epoch}); err != nil {
			t.Fatal(err)
		}
		if got := digest(t, openDB(t, there)); got != want {
			t.Errorf("%s restores to other rows", epoch)
		}
	}

	// The replica has gone over to B: A begins anew rather than interfere.
	dbA = openDB(t, a)
	dA = start(t, dbA, a, Options{})
	if got := epochOf(t, dA); got == epochA || got == epochB {
		t.Errorf("A goes on in %s", got)
	}
	closeAll(t, dA, dbA)
}

func TestEmptyEpochFallsBack(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	want := replicated(t, cfg)
	// The machine dies after an epoch was begun and before it got anything.
	r := openRoot(cfg.Replica, callTimeout)
	if _, err := begin(t.Context(), r, rand.Reader, time.Now(), ""); err != nil {
		t.Fatal(err)
	}
	loseMachine(t, cfg)
	if out, err := Boot(t.Context(), cfg, cfg.DBPath, BootOptions{}); err != nil || epochNumber(out.Epoch) != 1 {
		t.Fatalf("Boot = %+v, %v", out, err)
	}
	if got := digest(t, openDB(t, cfg)); got != want {
		t.Error("restored other rows")
	}
}
