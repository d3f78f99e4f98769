package replica

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
)

func TestCloseWithHungReplica(t *testing.T) {
	t.Parallel()
	bucket := newFakeS3(t)
	cfg := bucket.config(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{}) // with the limits of production
	insert(t, db, 3, 100)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	bucket.set("hang")
	insert(t, db, 3, 100)
	eventually(t, 30*time.Second, "an upload is under way", func() (string, bool) {
		s := d.Status()
		return say(s), s.LagTXIDs > 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	if err := d.Close(ctx); err == nil {
		t.Error("Close did not tell that commits stayed behind")
	}
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("Close took %v with a second to go", took)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Wait(t.Context()); err == nil {
		t.Error("Wait after Close succeeds")
	}
}

func TestDeafClient(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	var on atomic.Bool
	let := make(chan struct{})
	d := start(t, db, cfg, Options{limits: small(), wrap: func(c litestream.ReplicaClient) litestream.ReplicaClient {
		return deaf{c, on.Load, let}
	}})
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	on.Store(true)
	if wal := fill(t, db, 5<<20); wal > 4<<20 {
		t.Errorf("the log grew to %d bytes", wal)
	}
	eventually(t, 30*time.Second, "the client is given up", func() (string, bool) {
		s := d.Status()
		return say(s), s.LastError != nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	if err := d.Close(ctx); err == nil {
		t.Error("Close did not tell that commits stayed behind")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Close took %v with a second to go", took)
	}
	close(let)
	d.work.Wait() // the calls left behind end as soon as they can
}

// Not parallel: it looks at all goroutines.
func TestNothingIsLeftRunning(t *testing.T) {
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d, err := Start(t.Context(), db, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, db, 20, 100)
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := d.Status(); s.LagSeconds != 0 || s.Initialised {
		t.Errorf("Status after Close = %+v", s)
	}
	db.Close()
	eventually(t, 2*time.Second, "goroutines end", func() (string, bool) {
		buf := make([]byte, 1<<20)
		var left []string
		for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "litestream") || strings.Contains(stack, "replica.(*") || strings.Contains(stack, "replica.await") {
				left = append(left, stack)
			}
		}
		return strings.Join(left, "\n\n"), len(left) == 0
	})
}

func TestStartHeedsItsContext(t *testing.T) {
	t.Parallel()
	bucket := newFakeS3(t)
	bucket.set("hang")
	cfg := bucket.config(t)
	db := openDB(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, db, cfg, Options{}); err == nil {
		t.Error("Start succeeded after its context had ended")
	}
	insert(t, db, 1, 10)
}
