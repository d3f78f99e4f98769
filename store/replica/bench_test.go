package replica

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"seaworthy/store"
)

// One gigabyte out of the bucket: fetched, put together and verified page by page. It needs
// three times that on the disk of TMPDIR: go test -run xxx -bench RestoreGB -benchtime 1x
// ./store/replica, with SEAWORTHY_S3_SERVER for a real server.
func BenchmarkRestoreGB(b *testing.B) {
	const rows, size = 1 << 20, 900
	cfg := newFakeS3(b).config(b)
	db := openDB(b, cfg)
	d := start(b, db, cfg, Options{})
	for range rows / 4096 {
		err := db.Write(b.Context(), func(tx *store.Tx) error {
			for range 4096 {
				if _, err := tx.Exec("INSERT INTO test_row (body) VALUES (randomblob(?))", size); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := d.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
	closeAll(b, d, db)
	info, err := os.Stat(cfg.DBPath)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		there := elsewhere(b, cfg)
		out, err := Boot(b.Context(), there, there.DBPath, BootOptions{})
		if err != nil || out.Action != Restored {
			b.Fatalf("%+v, %v", out, err)
		}
		if err := os.Remove(there.DBPath); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(info.Size())/1e9, "GB")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/restore")
}

// What is lost with the machine: about 500 commits a second, then nothing of it is reached
// any more, and the bucket is restored elsewhere. Each run is cut off at another place of
// the interval. go test -run xxx -bench MachineLoss -benchtime 10x ./store/replica
func BenchmarkMachineLoss(b *testing.B) {
	for name, interval := range map[string]time.Duration{"interval=1s": time.Second, "interval=100ms": 100 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			var lost []time.Duration
			for b.Loop() {
				lost = append(lost, loseOnce(b, interval, len(lost)))
			}
			slices.Sort(lost)
			b.ReportMetric(float64(lost[len(lost)/2].Milliseconds()), "p50-ms-lost")
			b.ReportMetric(float64(lost[len(lost)-1].Milliseconds()), "max-ms-lost")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// loseOnce writes, loses the machine, and is for how long before that commits are gone.
func loseOnce(b *testing.B, interval time.Duration, run int) time.Duration {
	s3 := newFakeS3(b)
	cfg := s3.config(b)
	cfg.Replica.SyncInterval = interval
	db := openDB(b, cfg)
	sqlExec(b, db, "CREATE TABLE test_clock (at INTEGER NOT NULL) STRICT")
	d := start(b, db, cfg, Options{})
	if err := d.Wait(soon(b)); err != nil {
		b.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				sqlExec(b, db, "INSERT INTO test_clock (at) VALUES (?)", time.Now().UnixMilli())
			}
		}
	}()
	time.Sleep(3*time.Second + time.Duration(run)*interval/10)
	s3.set("503") // nothing reaches the bucket from here on
	cut := time.Now().UnixMilli()
	close(stop)
	<-done
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	_ = d.Close(ctx) // it cannot be told any more
	cancel()
	db.Close()
	s3.set("ok")
	there := elsewhere(b, cfg)
	if _, err := Boot(b.Context(), there, there.DBPath, BootOptions{lease: leaseTimes{10 * time.Millisecond, 50 * time.Millisecond}}); err != nil {
		b.Fatal(err)
	}
	newest, err := store.Read(b.Context(), openDB(b, there), func(tx *store.Tx) (at int64, err error) {
		return at, tx.QueryRow("SELECT coalesce(max(at), 0) FROM test_clock").Scan(&at)
	})
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(cut-newest) * time.Millisecond
}
