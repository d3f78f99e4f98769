package replica

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"seaworthy/store"
)

// small limits make minutes of an outage happen in a moment.
func small() limits {
	return limits{checkpoint: 256 << 10, watchdog: 1 << 20, abort: 4 << 20, backlog: 1 << 40,
		stuck: 500 * time.Millisecond, idle: 100 * time.Millisecond, retry: 50 * time.Millisecond, silence: 300 * time.Millisecond, lease: leaseTimes{50 * time.Millisecond, 400 * time.Millisecond}}
}

// fill writes about so many bytes from several goroutines and reports the
// largest write-ahead log seen on disk.
func fill(t testing.TB, db *store.DB, bytes int) (largest int64) {
	t.Helper()
	const rows, size = 10, 2000
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		wg.Go(func() {
			for range bytes / 4 / rows / size {
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					for range rows {
						if _, err := tx.Exec("INSERT INTO test_row (body) VALUES (randomblob(?))", size); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Errorf("write: %v", err)
					return
				}
				mu.Lock()
				largest = max(largest, store.WALBytes(db.Path()))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return largest
}

// restoredEquals restores the replica elsewhere and compares.
func restoredEquals(t testing.TB, cfg Config, want string) {
	t.Helper()
	there := elsewhere(t, cfg)
	out, err := Boot(t.Context(), there, there.DBPath, BootOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if out.Action != Restored {
		t.Fatalf("Boot = %+v", out)
	}
	db := openDB(t, there)
	if got := digest(t, db); got != want {
		t.Errorf("the replica restores to other rows than there were (%d and %d bytes of digest)", len(got), len(want))
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"503", "hang", "full", "reset"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			bucket := newFakeS3(t)
			cfg := bucket.config(t)
			db := openDB(t, cfg)
			d := start(t, db, cfg, Options{limits: small(), StaleAfter: 300 * time.Millisecond})
			insert(t, db, 3, 100)
			if err := d.Wait(soon(t)); err != nil {
				t.Fatal(err)
			}
			epoch := d.Status().Epoch

			bucket.set(mode)
			if wal := fill(t, db, 5<<20); wal > 4<<20 {
				t.Errorf("the log grew to %d bytes during the outage", wal)
			}
			eventually(t, 30*time.Second, "the outage shows in Status", func() (string, bool) {
				s := d.Status()
				return say(s), s.Stale && s.LastError != nil && s.LagSeconds > 0.3 && s.Initialised
			})
			short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := d.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Wait during the outage = %v", err)
			}

			bucket.set("ok")
			if err := d.Wait(soon(t)); err != nil {
				t.Fatalf("after the outage: %v", err)
			}
			eventually(t, 30*time.Second, "Status recovers", func() (string, bool) {
				s := d.Status()
				return say(s), !s.Stale && s.LastError == nil && s.LagSeconds == 0 && s.LagTXIDs == 0
			})
			if got := d.Status().Epoch; got != epoch {
				t.Errorf("the outage changed the epoch from %s to %s", epoch, got)
			}
			want := digest(t, db)
			closeAll(t, d, db)
			restoredEquals(t, cfg, want)
		})
	}
}

// A far bucket is no outage: writes do not wait for it, and it keeps up.
func TestSlowBucket(t *testing.T) {
	t.Parallel()
	bucket := newFakeS3(t)
	bucket.set("slow")
	cfg := bucket.config(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{limits: limits{checkpoint: 256 << 10, watchdog: 8 << 20, abort: 16 << 20, backlog: 1 << 40,
		stuck: 5 * time.Second, idle: 100 * time.Millisecond, retry: 50 * time.Millisecond, silence: 5 * time.Second, lease: leaseTimes{500 * time.Millisecond, 4 * time.Second}}})
	epochOf(t, d)
	if wal := fill(t, db, 3<<20); wal > 4<<20 {
		t.Errorf("the log grew to %d bytes", wal)
	}
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	if s := d.Status(); s.LastError != nil || s.Stale {
		t.Errorf("%+v", s)
	}
	bucket.set("ok")
	want := digest(t, db)
	closeAll(t, d, db)
	restoredEquals(t, cfg, want)
}

func TestDownAtStart(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"503", "hang", "reset"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			bucket := newFakeS3(t)
			bucket.set(mode)
			cfg := bucket.config(t)
			db := openDB(t, cfg)
			began := time.Now()
			d := start(t, db, cfg, Options{limits: small(), FirstSync: 200 * time.Millisecond})
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("Start took %v", took)
			}
			if s := d.Status(); !s.Stale || s.Initialised {
				t.Errorf("Status = %+v", s)
			}
			fill(t, db, 2<<20)
			// The watchdog looks once a second; until then the log may grow.
			eventually(t, 30*time.Second, "the log starts over without Litestream", func() (string, bool) {
				insert(t, db, 1, 10)
				s := d.Status()
				return say(s), store.WALBytes(cfg.DBPath) < 1<<20 && s.LastError != nil
			})
			bucket.set("ok")
			if err := d.Wait(soon(t)); err != nil {
				t.Fatal(err)
			}
			want := digest(t, db)
			closeAll(t, d, db)
			restoredEquals(t, cfg, want)
		})
	}
}

func TestRestartWhileDown(t *testing.T) {
	t.Parallel()
	bucket := newFakeS3(t)
	cfg := bucket.config(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{limits: small()})
	epoch := epochOf(t, d)
	closeAll(t, d, db)

	bucket.set("503")
	db = openDB(t, cfg)
	d = start(t, db, cfg, Options{limits: small()})
	insert(t, db, 20, 100)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := d.Close(ctx); err == nil {
		t.Error("Close did not tell that commits stayed behind")
	}
	db.Close()

	bucket.set("ok")
	db = openDB(t, cfg)
	d = start(t, db, cfg, Options{limits: small()})
	if got := epochOf(t, d); got != epoch {
		t.Errorf("epoch %s, want %s: an outage is no reason for another", got, epoch)
	}
	want := digest(t, db)
	closeAll(t, d, db)
	restoredEquals(t, cfg, want)
}

func TestBacklogStartsAfresh(t *testing.T) {
	t.Parallel()
	bucket := newFakeS3(t)
	cfg := bucket.config(t)
	db := openDB(t, cfg)
	l := small()
	l.backlog = 64 << 10
	d := start(t, db, cfg, Options{limits: l})
	d.post(func() { d.measured = time.Time{} })
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	epoch := d.Status().Epoch

	bucket.set("503")
	eventually(t, 30*time.Second, "the backlog is dropped", func() (string, bool) {
		// Rows that replace each other: the log outgrows the file.
		sqlExec(t, db, "INSERT INTO test_row (id, body) VALUES (1, randomblob(200000)) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
		d.post(func() { d.measured = time.Time{} })
		s := d.Status()
		return say(s), !s.Initialised
	})
	if s := d.Status(); s.LagSeconds == 0 {
		t.Errorf("a dropped backlog is no reason to claim there is none: %+v", s)
	}
	bucket.set("ok")
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	if got := d.Status().Epoch; got == epoch {
		t.Errorf("the epoch is still %s", got)
	}
	want := digest(t, db)
	closeAll(t, d, db)
	restoredEquals(t, cfg, want)
}

// deaf is a client whose uploads ignore their context until let go.
type deaf struct {
	litestream.ReplicaClient
	on  func() bool
	let chan struct{}
}

func (c deaf) WriteLTXFile(ctx context.Context, level int, low, high ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if c.on() {
		<-c.let
		return nil, errors.New("let go")
	}
	return c.ReplicaClient.WriteLTXFile(ctx, level, low, high, r)
}
