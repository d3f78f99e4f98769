package replica

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/store"
	"seaworthy/store/replica/bucket"
)

// quick are small limits with a lease that is given up after 400 ms.
func quick() Options { return Options{limits: small()} }

func held(err error) bool {
	var h *HeldError
	return errors.As(err, &h) && h.Host != ""
}

func leaseOf(t testing.TB, cfg Config, id string) *lease {
	t.Helper()
	l, err := newLease(cfg, small().lease, time.Second, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.bucket.Close)
	if id != "" {
		l.owner = id
	}
	return l
}

func TestSecondNodeIsKeptOut(t *testing.T) {
	t.Parallel()
	a := newFakeS3(t).config(t)
	want := replicated(t, a)
	dbA := openDB(t, a)
	dA := start(t, dbA, a, quick())
	epochA := epochOf(t, dA)

	// Another machine with a copy of the whole folder.
	b := elsewhere(t, a)
	if err := os.CopyFS(filepath.Dir(b.DBPath), os.DirFS(filepath.Dir(a.DBPath))); err != nil {
		t.Fatal(err)
	}
	dbB := openDB(t, b)
	if _, err := Start(t.Context(), dbB, b, quick()); !held(err) {
		t.Fatalf("a second node starts: %v", err)
	}
	// And one without a database, which may not even restore.
	c := elsewhere(t, a)
	if _, err := Boot(t.Context(), c, c.DBPath, BootOptions{lease: small().lease}); !held(err) {
		t.Errorf("Boot beside a living node: %v", err)
	}
	if there, _ := exists(c.DBPath); there {
		t.Error("it restored a database all the same")
	}
	if got := digest(t, dbA); got != want || dA.Status().Epoch != epochA || dbA.FailErr() != nil {
		t.Errorf("the first node was disturbed: %+v, %v", dA.Status(), dbA.FailErr())
	}
	closeAll(t, dA, dbA)

	// Whoever ends cleanly keeps nobody waiting.
	l := leaseOf(t, b, "")
	l.times.ttl = time.Hour
	if err := l.acquire(soon(t)); err != nil {
		t.Errorf("after a clean end: %v", err)
	}
}

// A node that was cut off goes on serving, is taken over, and learns of it.
func TestTakeover(t *testing.T) {
	t.Parallel()
	s3 := newFakeS3(t)
	b := s3.config(t)
	cut := s3.front(t)
	a := cut.config(t)
	dbA := openDB(t, a)
	dA := start(t, dbA, a, quick())
	insert(t, dbA, 10, 100)
	if err := dA.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	shared := digest(t, dbA)
	epochA := epochOf(t, dA)

	cut.set("503")
	insert(t, dbA, 5, 100) // an outage is no reason to refuse writes
	out, err := Boot(t.Context(), b, b.DBPath, BootOptions{lease: small().lease})
	if err != nil || out.Epoch != epochA {
		t.Fatalf("Boot = %+v, %v", out, err)
	}
	dbB := openDB(t, b)
	if got := digest(t, dbB); got != shared {
		t.Error("restored other rows than were replicated")
	}
	dB := start(t, dbB, b, quick())
	insert(t, dbB, 7, 100)
	if err := dB.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	want := digest(t, dbB)
	if err := dbA.FailErr(); err != nil {
		t.Fatalf("A cannot know yet, and stops: %v", err)
	}

	cut.set("ok")
	select {
	case <-dbA.Failed():
	case <-time.After(30 * time.Second):
		t.Fatal("A never learns that it was taken over")
	}
	if err := dbA.FailErr(); !held(err) {
		t.Errorf("A stops because %v", err)
	}
	err = dbA.Write(t.Context(), func(*store.Tx) error { return nil })
	if !errors.Is(err, store.ErrClosed) || !held(err) {
		t.Errorf("A still writes: %v", err)
	}
	digest(t, dbA) // and can be read
	closeAll(t, dB, dbB)
	there := elsewhere(t, b)
	if out, err := Boot(t.Context(), there, there.DBPath, BootOptions{lease: small().lease}); err != nil || out.Epoch == epochA {
		t.Fatalf("Boot = %+v, %v", out, err)
	}
	if got := digest(t, openDB(t, there)); got != want {
		t.Error("what B wrote is not what is restored")
	}
}

func TestOutageLosesNoLease(t *testing.T) {
	t.Parallel()
	s3 := newFakeS3(t)
	cfg := s3.config(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, quick())
	epoch := epochOf(t, d)
	s3.set("503")
	insert(t, db, 5, 100)
	before, began := s3.puts.Load(), time.Now()
	eventually(t, 30*time.Second, "the outage outlasts the lease", func() (string, bool) {
		return fmt.Sprint(s3.puts.Load() - before), s3.puts.Load() > before+5 && time.Since(began) > 2*small().lease.ttl
	})
	s3.set("ok")
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	if err := db.FailErr(); err != nil || d.Status().Epoch != epoch {
		t.Errorf("%v, %+v", err, d.Status())
	}
}

// A killed process takes its own lease back at once.
func TestRestartNeedNotWait(t *testing.T) {
	t.Parallel()
	cfg := newFakeS3(t).config(t)
	for range 2 {
		l := leaseOf(t, cfg, "")
		l.times.ttl = time.Hour
		if err := l.acquire(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeaseHasOneWinner(t *testing.T) {
	t.Parallel()
	cfg := newFakeS3(t).config(t)
	var won, kept atomic.Int64
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for i := range 20 {
		l := leaseOf(t, cfg, fmt.Sprint("node ", i))
		all.Go(func() {
			err := l.acquire(ctx)
			if err != nil {
				if kept.Add(1); !held(err) {
					t.Errorf("node %d: %v", i, err)
				}
				if kept.Load() == 19 {
					stop()
				}
				return
			}
			won.Add(1)
			tick := time.NewTicker(l.times.renew)
			defer tick.Stop()
			for ctx.Err() == nil {
				if err := l.renew(context.WithoutCancel(ctx)); err != nil {
					t.Errorf("node %d renews: %v", i, err)
				}
				<-tick.C
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d nodes have the lease", won.Load())
	}
}

// The write was done and its answer lost: the second attempt meets the first.
func TestLostAnswerIsNoTakeover(t *testing.T) {
	t.Parallel()
	s3 := newFakeS3(t)
	l := leaseOf(t, s3.config(t), "")
	if err := l.acquire(soon(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s3.set("deaf")
		if err := l.renew(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.release(soon(t)); err != nil {
		t.Fatal(err)
	}
}

func TestLeaseThatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := leaseOf(t, newFakeS3(t).config(t), "")
	if _, err := l.bucket.Put(t.Context(), l.key, []byte("{\x00"), "text/plain", bucket.Condition{}); err != nil {
		t.Fatal(err)
	}
	// It is nobody's of ours, so it is waited for like another's.
	if err := l.acquire(soon(t)); err != nil {
		t.Fatal(err)
	}
	now, _, err := l.read(t.Context())
	if err != nil || now.Owner != l.owner {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "data", "seaworthy.db")
	first, err := ownerOf(db)
	if err != nil || len(first) != 16 {
		t.Fatal(first, err)
	}
	if again, err := ownerOf(db); err != nil || again != first {
		t.Errorf("after a restart: %q, %v", again, err)
	}
	copied := filepath.Join(dir, "copy")
	if err := os.CopyFS(copied, os.DirFS(filepath.Dir(db))); err != nil {
		t.Fatal(err)
	}
	other, err := ownerOf(filepath.Join(copied, "seaworthy.db"))
	if err != nil || other == first {
		t.Errorf("a copy of the folder is the same owner: %q, %v", other, err)
	}
	if again, err := ownerOf(filepath.Join(copied, "seaworthy.db")); err != nil || again != other {
		t.Errorf("after a restart of the copy: %q, %v", again, err)
	}
}
