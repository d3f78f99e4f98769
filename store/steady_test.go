package store

import (
	"context"
	"path/filepath"
	"testing"
)

// Every connection of ours keeps its plans. When this fails after an update of the
// driver, its fields have other names: see steady.
func TestPlansAreKept(t *testing.T) {
	t.Parallel()
	db, err := Open(filepath.Join(t.TempDir(), "a.db"), Options{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !guarantee(db.writer.conn, -1) {
		t.Error("the writer's plans are not kept")
	}
	s := <-db.readers.free
	defer func() { db.readers.free <- s }()
	if !guarantee(s.conn, -1) {
		t.Error("a reader's plans are not kept")
	}
	if guarantee(s.conn, 0) || guarantee(s.conn, -1) {
		t.Error("it cannot be told from one that is not kept")
	}
}

// BenchmarkLimit is a statement whose number of rows is an argument, as every page of a
// list has.
func BenchmarkLimit(b *testing.B) {
	db := benchDB(b)
	if err := insertBench(db, "b_1"); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for b.Loop() {
		err := db.Read(ctx, func(tx *Tx) error {
			_, err := All(tx, func(r Scanner) (id string, err error) { return id, r.Scan(&id) }, "SELECT id FROM bench WHERE id > ? ORDER BY id LIMIT ?", "a", 10)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
