package replica

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// fakeS3 is a bucket whose server can be made to fail. The server behind is one in memory,
// or a real one, see realS3.
type fakeS3 struct {
	mode    atomic.Value // ok, 503, hang, full, reset, slow
	puts    atomic.Int64
	release chan struct{} // closed at the end, for what hangs
	server  *httptest.Server
	plain   atomic.Bool // it knows no writes with a condition
}

// latency is what each call takes longer in mode slow.
const latency = 150 * time.Millisecond

func newFakeS3(t testing.TB) *fakeS3 {
	t.Helper()
	if program := os.Getenv(envServer); program != "" {
		return frontOf(t, realS3(t, program))
	}
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	return frontOf(t, gofakes3.New(backend).Server())
}

// front is another way to the same bucket, which fails on its own.
func (f *fakeS3) front(t testing.TB) *fakeS3 { return frontOf(t, f.server.Config.Handler) }

func frontOf(t testing.TB, inner http.Handler) *fakeS3 {
	t.Helper()
	f := &fakeS3{release: make(chan struct{})}
	f.set("ok")
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			f.puts.Add(1)
		}
		switch mode := f.mode.Load().(string); {
		case f.plain.Load() && r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "":
			w.WriteHeader(http.StatusNotImplemented)
			w.Write([]byte("<Error><Code>NotImplemented</Code></Error>"))
		case mode == "deaf" && r.Method == http.MethodPut: // it does what it is asked, and its answer is lost
			f.set("ok")
			inner.ServeHTTP(httptest.NewRecorder(), r)
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		case mode == "reset":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // so that the client is reset and not told of an end
			}
			conn.Close()
		case mode == "slow":
			select {
			case <-time.After(latency):
				inner.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
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
