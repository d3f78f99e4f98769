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

func TestLogStaysSmallUnderLoad(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{limits: small()})
	// Reads go on all the while, as they do in a service.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := store.Read(context.Background(), db, func(tx *store.Tx) (n int, err error) {
						return n, tx.QueryRow("SELECT count(*) FROM test_row").Scan(&n)
					}); err != nil {
						t.Errorf("read: %v", err)
						return
					}
				}
			}
		})
	}
	if wal := fill(t, db, 5<<20); wal > 4<<20 {
		t.Errorf("the log grew to %d bytes for a limit of %d", wal, small().checkpoint)
	}
	close(stop)
	wg.Wait()
	want := digest(t, db)
	closeAll(t, d, db)
	loseMachine(t, cfg)
	restoredEquals(t, cfg, want)
}

// A read that lasts pins the log: it grows, but nothing spins, and it is
// emptied once the read is over.
func TestLongReadPinsTheLog(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{limits: small()})
	var before uint64
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT count(*) FROM test_row").Scan(&n); err != nil {
			return err
		}
		fill(t, db, 1<<20)
		if err := d.Wait(soon(t)); err != nil {
			return err
		}
		before = d.position(t)
		// Ten idle rounds of the loop later there must be no new files.
		began := time.Now()
		eventually(t, 30*time.Second, "the loop goes round", func() (string, bool) {
			s := d.Status()
			return say(s), s.LastSuccessfulSync.Sub(began) > 10*small().idle
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := d.position(t); after > before+2 {
		t.Errorf("%d new files while nothing was written", after-before)
	}
	eventually(t, 30*time.Second, "the log starts over", func() (string, bool) {
		insert(t, db, 20, 2000)
		s := d.Status()
		return say(s), store.WALBytes(cfg.DBPath) < 512<<10
	})
}

// position is the last transaction captured.
func (d *Driver) position(t *testing.T) (txid uint64) {
	t.Helper()
	done := make(chan struct{})
	d.post(func() { txid = d.captured; close(done) })
	<-done
	return txid
}

// crawling is a client whose snapshots move too slowly to ever end.
type crawling struct{ litestream.ReplicaClient }

func (c crawling) WriteLTXFile(ctx context.Context, level int, low, high ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if level != litestream.SnapshotLevel {
		return c.ReplicaClient.WriteLTXFile(ctx, level, low, high, r)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
			if _, err := r.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
		}
	}
}

// Litestream does not empty the log during a snapshot; one that takes too long
// must not fill the disk.
func TestEndlessSnapshotIsGivenUp(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	l := small()
	l.abort = 1 << 20
	d := start(t, db, cfg, Options{limits: l, wrap: func(c litestream.ReplicaClient) litestream.ReplicaClient { return crawling{c} }})
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	fill(t, db, 2<<20)
	eventually(t, 30*time.Second, "the log starts over", func() (string, bool) {
		insert(t, db, 5, 2000)
		s := d.Status()
		return say(s), store.WALBytes(cfg.DBPath) < 512<<10
	})
	want := digest(t, db)
	closeAll(t, d, db)
	loseMachine(t, cfg)
	restoredEquals(t, cfg, want)
}
