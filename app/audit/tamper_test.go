package audit_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/audit/merkle"
	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

// tampered is a log of some hundreds of events, signed in two places.
func tampered(t *testing.T) (a *apptest.App, o verify.Options) {
	t.Helper()
	a = apptest.New(t)
	record(t, a, 300, "org_a")
	a.Must(a.Audit.Checkpoint(t.Context()))
	old, err := os.ReadFile(filepath.Join(a.Config.Data, "audit", "audit-checkpoint"))
	a.Must(err)
	record(t, a, 400, "org_b")
	a.Must(a.Audit.Checkpoint(t.Context()))
	return a, verify.Options{Keys: keysOf(t, a), Checkpoints: [][]byte{old}}
}

const (
	newLeaf = `leaf = (SELECT leaf FROM audit_event x WHERE x.seq = audit_event.seq + 1)`
)

// Cases 3, 4 and 5, and more: each tampering with the file is caught, and the
// first event that is wrong is named.
func TestTamperingWithTheFileIsNamed(t *testing.T) {
	t.Parallel()
	a, o := tampered(t)
	last := int64(a.Count("audit_event"))
	for _, c := range []struct {
		name       string
		statements []string
		seq        int64
		words      string
	}{
		{"nothing", nil, 0, ""},
		{"a body is edited", []string{`UPDATE audit_event SET body = replace(body, '"n":50', '"n":51') WHERE seq = 52`}, 52, "its body is not the one"},
		{"a body and its leaf are edited", []string{`UPDATE audit_event SET body = (SELECT body FROM audit_event WHERE seq = 53), id = (SELECT id || 'x' FROM audit_event WHERE seq = 53), ` + newLeaf + ` WHERE seq = 52`}, 52, "its column id"},
		{"two events are swapped", []string{swap(60, 61)}, 60, "it is number 60 of org_a"},
		{"the actor's column is edited", []string{`UPDATE audit_event SET actor = 'user:usr_x' WHERE seq = 70`}, 70, "its column actor"},
		{"the action's column is edited", []string{`UPDATE audit_event SET action = 'user.signed_up' WHERE seq = 71`}, 71, "its column action"},
		{"the time is edited", []string{`UPDATE audit_event SET ts = ts - 1000 WHERE seq = 72`}, 72, "its column ts"},
		{"an event is moved to another org", []string{`UPDATE audit_event SET org = 'org_c', org_seq = 1 WHERE seq = 73`}, 73, "its column org"},
		{"an event in the middle is deleted", []string{`DELETE FROM audit_event WHERE seq = 80`}, 80, "it is missing"},
		{"the first event is deleted", []string{`DELETE FROM audit_event WHERE seq = 1`}, 1, "it is missing"},
		{"the newest events are deleted", []string{`DELETE FROM audit_event WHERE seq > 690`}, 691, "the log ends here"},
		{"the newest events are deleted and the head goes along", []string{`DELETE FROM audit_event WHERE seq > 690`, `UPDATE audit_head SET size = 690`}, 691, "events were signed"},
		{"a body is dropped before its time", []string{`UPDATE audit_event SET body = NULL WHERE seq = 90`}, 90, "its details were dropped, but personal data"},
		{"personal data is changed", []string{`UPDATE audit_disclosure SET items = '["WyJhIiwiaXAiLCIxLjIuMy40Il0"]' WHERE seq = 91`}, 91, "personal data of it"},
		{"a tile is edited", []string{`UPDATE audit_tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE n = 1`}, 257, "its leaf is not the one in the tree"},
		{"a tile's root is edited", []string{`UPDATE audit_tile SET root = zeroblob(32) WHERE n = 1`}, 257, "another root"},
		{"a tile is deleted", []string{`DELETE FROM audit_tile WHERE n = 0`}, 1, "is missing"},
		{"the head is edited", []string{`UPDATE audit_head SET root = zeroblob(32)`}, 0, "the head's root"},
		{"an event is added behind the head", []string{fmt.Sprintf(`INSERT INTO audit_event (seq, id, ts, actor, action, body, leaf) VALUES (%d, 'evt_x', 1, 'user:x', 'a.b', '%s', x'%x')`,
			last+1, forged, hash(merkle.Leaf([]byte(forged))))}, last + 1, "the head counts"},
		{"a checkpoint is edited", []string{`UPDATE audit_checkpoint SET note = replace(note, '` + fmt.Sprint(last) + `', '5')`}, 0, "not signed by a known key"},
		{"the checkpoints are deleted and the newest events with them", []string{`DELETE FROM audit_checkpoint`, `DELETE FROM audit_event WHERE seq > 300`, `UPDATE audit_head SET size = 300`, `DELETE FROM audit_tile WHERE n > 0`}, 301, "events were signed"},
		{"the tree is deleted", []string{`DELETE FROM audit_origin`, `DELETE FROM audit_head`}, 0, "there is no tree"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := copyOf(t, a)
			shell(t, path, c.statements...)
			if c.words == "" {
				if r, err := verify.File(t.Context(), path, o); err != nil || !r.OK() || r.Events != last || !r.Pinned || len(r.SignedBy) != 1 {
					t.Fatalf("untouched: %+v, %v", r, err)
				}
				return
			}
			wantBad(t, path, o, c.seq, c.words)
		})
	}
}

const forged = `{"v":2,"id":"evt_x","ts":1,"action":"a.b","actor":{"type":"user","id":"x"},"nonce":"x"}`

// hash is the bytes alone: as a tlog.Hash it would print as base64.
func hash(h merkle.Hash) []byte { return h[:] }

// swap exchanges two events, all but their seq.
func swap(a, b int) string {
	return fmt.Sprintf(`UPDATE audit_event SET seq = -1 WHERE seq = %[1]d; UPDATE audit_event SET seq = %[1]d WHERE seq = %[2]d; UPDATE audit_event SET seq = %[2]d WHERE seq = -1;
		UPDATE audit_disclosure SET seq = -1 WHERE seq = %[1]d; UPDATE audit_disclosure SET seq = %[1]d WHERE seq = %[2]d; UPDATE audit_disclosure SET seq = %[2]d WHERE seq = -1`, a, b)
}

// Case 6: somebody with the file and with the key rewrites everything and signs
// it anew. Whoever kept a checkpoint proves the fork.
func TestAKeptCheckpointProvesARewrite(t *testing.T) {
	t.Parallel()
	a, o := tampered(t)
	path := copyOf(t, a)
	rewriteAll(t, path, keyIn(t, a.Config.Data), 40)

	// With the log's own checkpoints alone nothing is to be seen.
	r, err := verify.File(t.Context(), path, verify.Options{Keys: o.Keys})
	if err != nil || !r.OK() {
		t.Fatalf("the rewrite is clumsy, which proves nothing: %+v, %v", r, err)
	}
	// The kept one covers the first 301 events.
	wantBad(t, path, o, 1, "events 1 to 301 are not those that were signed")

	// A rewrite with another key does not even need that.
	stranger := merkle.NewKey([]byte(strings.Repeat("k", ed25519.SeedSize)))
	path = copyOf(t, a)
	rewriteAll(t, path, stranger, 40)
	wantBad(t, path, verify.Options{Keys: o.Keys}, 0, "not signed by a known key")
}

// rewriteAll removes one event and makes the whole file agree with that.
func rewriteAll(t *testing.T, path string, key merkle.Key, without int64) {
	t.Helper()
	var statements []string
	tree := &merkle.Tree{}
	type row struct {
		seq  int64
		leaf []byte
	}
	var rows []row
	var origin string
	if err := store.ReadFile(t.Context(), path, func(tx *store.Tx) (err error) {
		if err := tx.QueryRow(`SELECT origin FROM audit_origin WHERE gen = 1`).Scan(&origin); err != nil {
			return err
		}
		rows, err = store.All(tx, func(r store.Scanner) (x row, err error) { return x, r.Scan(&x.seq, &x.leaf) }, `SELECT seq, leaf FROM audit_event ORDER BY seq`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// The event's place is taken by a harmless one of no org.
	statements = append(statements, fmt.Sprintf(`UPDATE audit_event SET id = 'evt_x', ts = 1, org = NULL, org_seq = NULL, actor = 'user:x', action = 'a.b', request_id = NULL, body = '%s', leaf = x'%x' WHERE seq = %d`,
		forged, hash(merkle.Leaf([]byte(forged))), without), fmt.Sprintf(`DELETE FROM audit_disclosure WHERE seq = %d`, without))
	// Those of its org behind it move up by one, body and leaf.
	statements = append(statements, `DELETE FROM audit_tile`, `DELETE FROM audit_checkpoint`)
	for _, r := range rows {
		leaf := merkle.Hash(r.leaf)
		if r.seq == without {
			leaf = merkle.Leaf([]byte(forged))
		}
		if r.seq > without && r.seq <= 301 {
			var body string
			if err := store.ReadFile(t.Context(), path, func(tx *store.Tx) error {
				return tx.QueryRow(`SELECT body FROM audit_event WHERE seq = ?`, r.seq).Scan(&body)
			}); err != nil {
				t.Fatal(err)
			}
			own := r.seq - signingKeyEvents
			body = strings.Replace(body, fmt.Sprintf(`"org_seq":%d,`, own), fmt.Sprintf(`"org_seq":%d,`, own-1), 1)
			leaf = merkle.Leaf([]byte(body))
			statements = append(statements, fmt.Sprintf(`UPDATE audit_event SET org_seq = %d, body = '%s', leaf = x'%x' WHERE seq = %d`, own-1, body, hash(leaf), r.seq))
		}
		for _, f := range tree.Append(leaf) {
			statements = append(statements, fmt.Sprintf(`INSERT INTO audit_tile (gen, level, n, hashes, root) VALUES (1, %d, %d, x'%x', x'%x')`, f.Level, f.N, merkle.Bytes(f.Hashes), hash(f.Root)))
		}
	}
	signer, err := key.Signer(origin)
	if err != nil {
		t.Fatal(err)
	}
	c := merkle.Checkpoint{Origin: origin, Size: tree.Size(), Root: tree.Root()}
	msg, err := merkle.Sign(c, signer)
	if err != nil {
		t.Fatal(err)
	}
	statements = append(statements, fmt.Sprintf(`UPDATE audit_head SET size = %d, root = x'%x'`, c.Size, hash(c.Root)),
		fmt.Sprintf(`INSERT INTO audit_checkpoint (gen, size, root, note, signed_at) VALUES (1, %d, x'%x', '%s', 1)`, c.Size, hash(c.Root), msg))
	shell(t, path, statements...)
}

// A log of 100,000 events is exported as tiles and verified offline; each of ten
// tamperings with the folder is caught and named.
func TestHundredThousandEventsFromTiles(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	record(t, a, 50_000, "org_a")
	a.Must(a.Audit.Checkpoint(t.Context()))
	old, err := os.ReadFile(filepath.Join(a.Config.Data, "audit", "audit-checkpoint"))
	a.Must(err)
	record(t, a, 50_000, "org_b")
	a.Must(a.Audit.Checkpoint(t.Context()))
	folder := filepath.Join(t.TempDir(), "tiles")
	size, err := audit.ExportTiles(t.Context(), a.DB.Path(), folder)
	if err != nil || size != 100_000+signingKeyEvents {
		t.Fatalf("%d, %v", size, err)
	}
	o := verify.Options{Keys: keysOf(t, a), Checkpoints: [][]byte{old}}
	check := func() verify.Report {
		t.Helper()
		r, err := verify.Tiles(t.Context(), verify.Folder(folder), o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := check(); !r.OK() || r.Events != size || !r.Pinned {
		t.Fatalf("%+v", r)
	}
	file := func(path string) string { return filepath.Join(folder, filepath.FromSlash(path)) }
	edit := func(path string, change func([]byte) []byte) func() {
		return func() {
			data, err := os.ReadFile(file(path))
			a.Must(err)
			a.Must(os.WriteFile(file(path), change(append([]byte{}, data...)), 0o600))
		}
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	signer := func(k merkle.Key) note.Signer {
		s, err := k.Signer(a.Query(`SELECT origin FROM audit_origin`))
		a.Must(err)
		return s
	}
	for _, c := range []struct {
		name  string
		act   func()
		seq   int64
		words string
	}{
		{"a byte of an entry", edit("tile/entries/100", flip(40)), 25601, "its body is not the one in the tree"},
		{"a byte of a tile", edit("tile/0/200", flip(32*7)), 51208, "its body is not the one in the tree"},
		{"an entry longer than its bundle", edit("tile/entries/100", flip(0)), 25601, "is damaged"},
		{"a bundle cut short", edit("tile/entries/100", func(b []byte) []byte { return b[:len(b)-3] }), 25601, "is damaged"},
		{"a bundle missing", func() { a.Must(os.Remove(file("tile/entries/100"))) }, 25601, "is missing"},
		{"a tile missing", func() { a.Must(os.Remove(file("tile/0/200"))) }, 51201, "is missing"},
		{"two bundles swapped", func() {
			a.Must(os.Rename(file("tile/entries/100"), file("x")))
			a.Must(os.Rename(file("tile/entries/101"), file("tile/entries/100")))
			a.Must(os.Rename(file("x"), file("tile/entries/101")))
		}, 25601, "its body is not the one in the tree"},
		{"an entry and its hash", func() {
			edit("tile/entries/100", flip(40))()
			data, err := os.ReadFile(file("tile/entries/100"))
			a.Must(err)
			all, err := merkle.Unbundle(data, 256)
			a.Must(err)
			leaf := merkle.Leaf(all[0])
			edit("tile/0/100", func(b []byte) []byte { copy(b, leaf[:]); return b })()
		}, 1, "events 1 to 50001 are not those that were signed"},
		{"a tile of level 1", edit("tile/1/000", flip(32*3)), 769, "has another hash"},
		{"the root in the checkpoint", edit("checkpoint", func(b []byte) []byte {
			lines := strings.SplitN(string(b), "\n", 4)
			lines[2] = base64.StdEncoding.EncodeToString(make([]byte, 32))
			return []byte(strings.Join(lines, "\n"))
		}), 0, "not signed by a known key"},
		{"a smaller checkpoint, well signed", func() {
			msg, err := merkle.Sign(merkle.Checkpoint{Origin: a.Query(`SELECT origin FROM audit_origin`), Size: 10, Root: merkle.Empty}, signer(keyIn(t, a.Config.Data)))
			a.Must(err)
			a.Must(os.WriteFile(file("checkpoint"), msg, 0o600))
		}, 0, "a checkpoint for 50001 was kept"},
		{"the key", func() {
			key := merkle.NewKey([]byte(strings.Repeat("k", ed25519.SeedSize)))
			msg, err := merkle.Sign(merkle.Checkpoint{Origin: a.Query(`SELECT origin FROM audit_origin`), Size: size, Root: merkle.Empty}, signer(key))
			a.Must(err)
			a.Must(os.WriteFile(file("checkpoint"), msg, 0o600))
		}, 0, "not signed by a known key"},
	} {
		kept := keep(t, folder)
		c.act()
		if r := check(); r.OK() || r.BadSeq != c.seq || !strings.Contains(r.Problem, c.words) {
			t.Errorf("%s: want event %d, %q; got event %d, %q", c.name, c.seq, c.words, r.BadSeq, r.Problem)
		}
		kept()
	}
	if r := check(); !r.OK() {
		t.Errorf("the folder was not put back: %+v", r)
	}
}

// keep remembers the files that the tamperings touch, and puts them back.
func keep(t *testing.T, folder string) func() {
	t.Helper()
	kept := map[string][]byte{}
	for _, name := range []string{"checkpoint", "tile/entries/100", "tile/entries/101", "tile/0/100", "tile/0/200", "tile/1/000"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept[path] = data
	}
	return func() {
		for path, data := range kept {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
