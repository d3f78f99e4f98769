package replica

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// envServer names a versitygw: with it all tests of this package that need a bucket use a
// real server of S3, one for each test, behind the same faults. 'go install
// github.com/versity/versitygw/cmd/versitygw@v1.8.0' makes it.
const envServer = "SEAWORTHY_S3_SERVER"

// realS3 starts a server on a folder of its own, and is the way to it. The Host header stays
// as it came, because signatures cover it (SigV4).
func realS3(t testing.TB, program string) http.Handler {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bucket"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // the server listens there by itself
	cmd := exec.Command(program, "--access", "id", "--secret", "secret", "--region", "us-east-1", "--port", address, "--quiet", "posix", dir)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	eventually(t, 20*time.Second, "the server of S3 listens", func() (string, bool) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err.Error(), false
		}
		conn.Close()
		return "", true
	})
	to := &url.URL{Scheme: "http", Host: address}
	return &httputil.ReverseProxy{
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32},
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Host = p.In.Host
		},
		// A client that goes away is what faults are about.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}
