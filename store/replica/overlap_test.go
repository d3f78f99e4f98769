package replica

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/store"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// late is a client whose uploads take longer than anybody waits, and then do
// their work all the same, as on a disk that stalls in fsync.
type late struct {
	litestream.ReplicaClient
	on   func() bool
	let  chan struct{}
	mu   *sync.Mutex
	now  map[string]int
	most *int
}

func (c late) WriteLTXFile(ctx context.Context, level int, low, high ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	object := fmt.Sprint(level, low, high)
	c.mu.Lock()
	c.now[object]++
	*c.most = max(*c.most, c.now[object])
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now[object]--
	}()
	if c.on() {
		<-c.let
	}
	return c.ReplicaClient.WriteLTXFile(ctx, level, low, high, r)
}

func TestUploadsOfOneObjectNeverOverlap(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	var on atomic.Bool
	var most int
	c := late{on: on.Load, let: make(chan struct{}), mu: &sync.Mutex{}, now: map[string]int{}, most: &most}
	d := start(t, db, cfg, Options{limits: small(), wrap: func(inner litestream.ReplicaClient) litestream.ReplicaClient {
		c := c
		c.ReplicaClient = inner
		return c
	}})
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	on.Store(true)
	insert(t, db, 10, 1000)
	var fails int
	eventually(t, 30*time.Second, "several attempts are given up", func() (string, bool) {
		done := make(chan struct{})
		d.post(func() { fails = d.uploadFails; close(done) })
		<-done
		return fmt.Sprint(fails), fails >= 3
	})
	close(c.let)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	want := digest(t, db)
	closeAll(t, d, db)
	if most != 1 {
		t.Errorf("%d uploads of one object at once", most)
	}
	loseMachine(t, cfg)
	restoredEquals(t, cfg, want)
}

// Litestream's local state cannot be read for a while: writes go on, the log
// is emptied without it, and what follows is complete again.
func TestLocalStateUnreadable(t *testing.T) {
	t.Parallel()
	cfg := fileConfig(t)
	db := openDB(t, cfg)
	d := start(t, db, cfg, Options{limits: small()})
	insert(t, db, 10, 1000)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	level := filepath.Join(metaDir(cfg.DBPath), "ltx", "0")
	if err := os.Rename(level, level+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(level, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the session is given up and the log emptied", func() (string, bool) {
		insert(t, db, 20, 4000)
		s := d.Status()
		return say(s), !s.Initialised && s.LastError != nil && store.WALBytes(cfg.DBPath) < 512<<10
	})
	if err := os.Remove(level); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(level+".away", level); err != nil {
		t.Fatal(err)
	}
	insert(t, db, 10, 1000)
	if err := d.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	want := digest(t, db)
	closeAll(t, d, db)
	loseMachine(t, cfg)
	restoredEquals(t, cfg, want)
}
