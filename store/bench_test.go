package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
)

func benchDB(b *testing.B) *DB {
	b.Helper()
	db, err := Open(filepath.Join(b.TempDir(), "bench.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := db.Write(context.Background(), func(tx *Tx) error {
		_, err := tx.Exec("CREATE TABLE bench (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT")
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return db
}

func insertBench(db *DB, key string) error {
	return db.Write(context.Background(), func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO bench (id, body) VALUES (?, ?)", key, "a row of about one hundred bytes, which is what many rows of a business application come to, more or less")
		return err
	})
}

// BenchmarkWrite is one durable insert per transaction, alone and with many callers.
func BenchmarkWrite(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := benchDB(b)
			var n atomic.Int64
			b.SetParallelism(max(1, callers/2))
			if callers == 1 {
				for b.Loop() {
					if err := insertBench(db, db.NewID("b")); err != nil {
						b.Fatal(err)
					}
					n.Add(1)
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := insertBench(db, db.NewID("b")); err != nil {
							b.Error(err)
						}
						n.Add(1)
					}
				})
			}
			s := db.Stats()
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "tx/s")
			b.ReportMetric(float64(s.Writes)/float64(s.Groups), "tx/commit")
		})
	}
}

// BenchmarkRead is a point read by primary key in a transaction of its own.
func BenchmarkRead(b *testing.B) {
	db := benchDB(b)
	key := db.NewID("b")
	if err := insertBench(db, key); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := Read(context.Background(), db, func(tx *Tx) (body string, err error) {
				err = tx.QueryRow("SELECT body FROM bench WHERE id = ?", key).Scan(&body)
				return body, err
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}
