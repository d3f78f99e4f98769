package replica

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// fakeS3 is a bucket whose server can be made to fail.
type fakeS3 struct {
	mode    atomic.Value // ok, 503, hang, full
	puts    atomic.Int64
	release chan struct{} // closed at the end, for what hangs
	server  *httptest.Server
}

func newFakeS3(t testing.TB) *fakeS3 {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(backend).Server()
	f := &fakeS3{release: make(chan struct{})}
	f.set("ok")
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			f.puts.Add(1)
		}
		switch mode := f.mode.Load().(string); {
		case mode == "503":
			http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
		case mode == "full" && r.Method == http.MethodPut:
			w.WriteHeader(http.StatusInsufficientStorage)
			w.Write([]byte("<Error><Code>QuotaExceeded</Code><Message>the bucket is full</Message></Error>"))
		case mode == "hang":
			select {
			case <-r.Context().Done():
			case <-f.release:
			}
		default:
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(sync.OnceFunc(func() {
		close(f.release)
		f.server.CloseClientConnections()
		f.server.Close()
	}))
	return f
}

func (f *fakeS3) set(mode string) { f.mode.Store(mode) }

// config is a configuration of the bucket, with a database in a fresh folder.
func (f *fakeS3) config(t testing.TB) Config {
	t.Helper()
	cfg := fileConfig(t)
	cfg.Replica = Replica{Type: "s3", Bucket: "bucket", Path: "app", Endpoint: f.server.URL, Region: "us-east-1",
		AccessKeyID: "id", SecretAccessKey: "secret", ForcePathStyle: true, SyncInterval: 20 * time.Millisecond}
	return cfg
}

// elsewhere is the same replica seen from another machine.
func elsewhere(t testing.TB, cfg Config) Config {
	t.Helper()
	cfg.DBPath = fileConfig(t).DBPath
	return cfg
}
