package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/audit/merkle"
	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

func (b *bare) wantSound() verify.Report {
	b.t.Helper()
	keys, err := store.Read(b.t.Context(), b.DB, audit.VerifierKeys)
	b.must(err)
	r, err := verify.Database(b.t.Context(), b.DB.Read, verify.Options{Keys: keys})
	if err != nil || !r.OK() {
		b.t.Fatalf("the log does not verify: %+v, %v", r, err)
	}
	return r
}

// Case 8: what is rolled back leaves no event and no trace in the tree, wherever
// in a tile it happens and whoever shares the commit.
func TestRollbackLeavesNoTrace(t *testing.T) {
	t.Parallel()
	b := openBare(t, t.TempDir())
	refused := errors.New("refused")
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 120 {
				err := b.DB.Write(t.Context(), func(tx *store.Tx) error {
					for range 1 + i%4 {
						if err := b.Record(tx, audit.Event{Action: "thing.done", Org: "org_a", Actor: audit.User("usr_a")}); err != nil {
							return err
						}
					}
					if (i+w)%3 == 0 {
						return refused
					}
					return store.SetMeta(tx, "done", "x")
				})
				if err != nil && !errors.Is(err, refused) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	want := int64(signingKeyEvents)
	for w := range 8 {
		for i := range 120 {
			if (i+w)%3 != 0 {
				want += int64(1 + i%4)
			}
		}
	}
	if r := b.wantSound(); r.Events != want {
		t.Errorf("%d events, want %d", r.Events, want)
	}
	// A rollback over the end of a tile, alone.
	for range 600 {
		b.DB.Write(t.Context(), func(tx *store.Tx) error {
			for range 5 {
				if err := b.Record(tx, audit.Event{Action: "thing.done", Actor: audit.User("usr_a")}); err != nil {
					t.Error(err)
				}
			}
			return refused
		})
		b.do(1)
	}
	b.wantSound()
}

// An action that no system declares is a mistake in the program and refused.
func TestUndeclaredActionsAreRefused(t *testing.T) {
	t.Parallel()
	b := openBare(t, t.TempDir())
	err := b.DB.Write(t.Context(), func(tx *store.Tx) error { return b.Record(tx, audit.Event{Action: "thing.dnoe"}) })
	if err == nil || !strings.Contains(err.Error(), "declared") {
		t.Errorf("got %v", err)
	}
	for _, k := range []audit.Kind{{Action: "thing.done", Title: "a", Means: "b"}, {Action: "Thing", Title: "a", Means: "b"}, {Action: "a.b", Means: "b"}} {
		if b.Declare(k) == nil {
			t.Errorf("%+v was taken", k)
		}
	}
}

// A start on a file that was tampered with is no crash loop: the state says so
// loudly, events go on, nothing is signed until an operator has acknowledged it.
func TestABrokenLogIsALoudState(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openBare(t, folder)
	b.do(20)
	b.must(b.Checkpoint(t.Context()))
	b.must(b.DB.Close())
	shell(t, filepath.Join(folder, "test.db"), `UPDATE audit_event SET leaf = zeroblob(32) WHERE seq = 7`)

	for range 2 { // and it stays so, start after start
		b = openBare(t, folder)
		if st := b.state(); !strings.Contains(st.Broken, "does not follow") {
			t.Fatalf("state: %+v", st)
		}
		if !strings.Contains(b.said(), "THE AUDIT LOG IS BROKEN") {
			t.Error("nothing was said")
		}
		b.do(3)
		if err := b.Checkpoint(t.Context()); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("signed: %v", err)
		}
		b.must(b.DB.Close())
	}
	b = openBare(t, folder)
	wantBad(t, b.DB.Path(), verify.Options{}, 7, "its body is not the one that was recorded")
	b.must(b.Restart(t.Context(), "looked into, see ticket 12"))
	b.do(2)
	b.must(b.Checkpoint(t.Context()))
	st := b.state()
	if st.Origin != "app.example.com/-/audit/log/2" || st.Broken != "" || st.SignedSize != st.Size || st.Earlier != 27 {
		t.Errorf("after the restart: %+v", st)
	}
	first := b.newest("audit.origin_started")
	if !strings.Contains(first.Details["reason"].(string), "ticket 12") || number(first.Details["signed_size"]) != 21 {
		t.Errorf("leaf 0 says %v", first.Details)
	}
	if err := b.Restart(t.Context(), "again"); err == nil {
		t.Error("a sound log was restarted")
	}
}

// Case 7: an older database in place of the newer one is found out by the
// checkpoint that was kept outside. The log does not extend what it has signed;
// a new origin records what is missing.
func TestRestoreBehindASignedSizeStartsANewOrigin(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openBare(t, folder)
	b.do(10)
	b.must(b.Checkpoint(t.Context()))
	older := filepath.Join(t.TempDir(), "older.db")
	b.must(b.DB.CopyTo(t.Context(), older))
	b.do(10)
	b.must(b.Checkpoint(t.Context()))
	b.must(b.DB.Close())
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(folder, "test.db"+suffix))
	}
	b.must(os.Rename(older, filepath.Join(folder, "test.db")))

	b = openBare(t, folder)
	b.do(1)
	b.must(b.Checkpoint(t.Context()))
	st := b.state()
	if st.Origin != "app.example.com/-/audit/log/2" || st.Earlier != 11 || st.Size != 2 || st.SignedSize != 2 || st.Broken != "" {
		t.Fatalf("%+v", st)
	}
	first := b.newest("audit.origin_started")
	for name, want := range map[string]string{"signed_size": "21", "old_size": "11", "missing_events": "10", "first_seq": "12", "signed_origin": "app.example.com/-/audit/log"} {
		if fmt.Sprint(first.Details[name]) != want {
			t.Errorf("leaf 0: %s is %v, want %v", name, first.Details[name], want)
		}
	}
	b.wantSound()
}

// A name of an origin is never used twice, however far back a restore goes.
func TestOriginsAreNeverReused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openBare(t, folder)
	b.do(5)
	b.must(b.Checkpoint(t.Context()))
	older := filepath.Join(t.TempDir(), "older.db")
	b.must(b.DB.CopyTo(t.Context(), older))
	b.do(5)
	b.must(b.Checkpoint(t.Context()))
	b.must(b.DB.Close())
	for want := 2; want < 5; want++ {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(filepath.Join(folder, "test.db"+suffix))
		}
		data, err := os.ReadFile(older)
		b.must(err)
		b.must(os.WriteFile(filepath.Join(folder, "test.db"), data, 0o600))
		b = openBare(t, folder)
		b.do(1)
		b.must(b.Checkpoint(t.Context()))
		if got := b.state().Origin; got != audit.Origin("https://app.example.com", int64(want)) {
			t.Errorf("origin %s, want number %d", got, want)
		}
		b.must(b.DB.Close())
	}
}

// Case 10: without the replica's word nothing is signed; the state says since
// when, events go on, and the signature follows when the replica is back.
func TestNothingIsSignedThatTheReplicaHasNotConfirmed(t *testing.T) {
	t.Parallel()
	down := errors.New("the replica does not answer")
	var reply error
	b := openBare(t, t.TempDir(), func(d *audit.Deps) {
		d.Confirmed = func(context.Context) error { return reply }
	})
	b.do(3)
	b.must(b.Checkpoint(t.Context()))
	reply = down
	b.do(2)
	for range 3 {
		b.clock.Advance(time.Minute)
		if err := b.Checkpoint(t.Context()); !errors.Is(err, down) {
			t.Fatalf("got %v", err)
		}
	}
	b.do(2) // writes go on
	st := b.state()
	if st.SignedSize != 3+signingKeyEvents || st.Unsigned() != 4 || !strings.Contains(st.Failing, "does not answer") || b.clock.Now().Sub(st.Since) != 2*time.Minute {
		t.Errorf("%+v", st)
	}
	reply = errors.New("the bucket is gone")
	if err := b.Checkpoint(t.Context()); !errors.Is(err, reply) {
		t.Fatalf("got %v", err)
	}
	if now := b.state(); !strings.Contains(now.Failing, "the bucket is gone") || !now.Since.Equal(st.Since) {
		t.Errorf("another reason is not told, or as if it were new: %+v", now)
	}
	reply = nil
	b.must(b.Checkpoint(t.Context()))
	if st := b.state(); st.Unsigned() != 0 || st.Failing != "" {
		t.Errorf("after it came back: %+v", st)
	}
}

// Case 22: the clock goes back; the order stays that of the seq, and the events
// say so.
func TestAClockThatGoesBack(t *testing.T) {
	t.Parallel()
	b := openBare(t, t.TempDir())
	b.do(1)
	b.clock.Advance(-time.Hour)
	b.do(2)
	all, err := store.Read(t.Context(), b.DB, func(tx *store.Tx) ([]audit.Entry, error) { return audit.List(tx, audit.Filter{Action: "thing.done"}) })
	b.must(err)
	if len(all) != 3 || all[0].Seq < all[1].Seq || all[0].ClockBack || !all[1].ClockBack || all[2].ClockBack {
		t.Errorf("%+v", all)
	}
	b.wantSound()
}

// Case 21: while a rotation lasts both keys sign; after it the old one is not
// believed beyond the size at which it was retired.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openBare(t, folder)
	b.do(3)
	b.must(b.Checkpoint(t.Context()))
	before := b.state().Keys
	old := keyIn(t, folder)
	seed, err := os.ReadFile(filepath.Join(folder, "keys", "audit.key"))
	b.must(err)
	if err := b.RetireKey(t.Context()); err == nil {
		t.Error("the only key was retired")
	}
	b.must(b.RotateKey(t.Context()))
	if err := b.RotateKey(t.Context()); err == nil {
		t.Error("two rotations at once")
	}
	b.must(b.DB.Close())

	b = openBare(t, folder)
	b.do(1)
	b.must(b.Checkpoint(t.Context()))
	note, err := os.ReadFile(filepath.Join(folder, "audit", "audit-checkpoint"))
	b.must(err)
	both := b.state().Keys
	for _, k := range both {
		if c, err := merkle.Open(note, k); err != nil || c.Size != b.state().Size {
			t.Errorf("%s: %v", k, err)
		}
	}
	if len(both) != 2 || (both[0] != before[0] && both[1] != before[0]) {
		t.Errorf("keys %v", both)
	}
	b.must(b.RetireKey(t.Context()))
	b.must(b.DB.Close())
	b = openBare(t, folder)
	b.do(1)
	b.must(b.Checkpoint(t.Context()))
	note, err = os.ReadFile(filepath.Join(folder, "audit", "audit-checkpoint"))
	b.must(err)
	if _, err := merkle.Open(note, before...); err == nil {
		t.Error("the retired key still signs")
	}
	b.wantSound()

	// Whoever has the retired key signs a larger log with it.
	st := b.state()
	signer, err := old.Signer(st.Origin)
	b.must(err)
	msg, err := merkle.Sign(merkle.Checkpoint{Origin: st.Origin, Size: st.Size, Root: b.wantSound().Root}, signer)
	b.must(err)
	path := filepath.Join(t.TempDir(), "copy.db")
	b.must(b.DB.CopyTo(t.Context(), path))
	shell(t, path, `DROP TABLE IF EXISTS x`, "UPDATE audit_checkpoint SET note = '"+string(msg)+"' WHERE size = (SELECT max(size) FROM audit_checkpoint)")
	wantBad(t, path, verify.Options{}, 0, "retired before it")
	// Put back into the folder of keys, it is refused at the start.
	b.must(b.DB.Close())
	b.must(os.WriteFile(filepath.Join(folder, "keys", "audit-old.key"), seed, 0o600))
	db, err := store.Open(filepath.Join(folder, "test.db"), store.Options{})
	b.must(err)
	defer db.Close()
	again := audit.New(audit.Deps{DB: db, Logger: b.Logger, URL: "https://app.example.com", Keys: filepath.Join(folder, "keys"), Vaults: b.Vaults})
	if err := again.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "was retired") {
		t.Errorf("got %v", err)
	}
}

// A verification beside the events that are recorded meanwhile finds nothing wrong with the
// tiles that they fill.
func TestVerifyingWhileTheLogGrows(t *testing.T) {
	t.Parallel()
	b := openBare(t, t.TempDir())
	b.do(200)
	grow := sync.OnceFunc(func() { b.do(400) })
	read := func(ctx context.Context, fn func(*store.Tx) error) error {
		err := b.DB.Read(ctx, fn)
		grow() // after the head was read, before anything else is
		return err
	}
	r, err := verify.Database(t.Context(), read, verify.Options{})
	if err != nil || !r.OK() || r.Events != 200+signingKeyEvents {
		t.Errorf("%+v, %v", r, err)
	}
}
