//go:build faults

package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certificate makes one for localhost in two files, and who trusts it.
func certificate(t *testing.T) (option string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	made := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	cert, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return cert + "," + keyFile, pool
}

// secure is the environment of production with a certificate.
func secure(files string) []string {
	return []string{"SEAWORTHY_URL=https://localhost", "SEAWORTHY_TLS=" + files, "SEAWORTHY_RATE_LIMITS=on",
		"SEAWORTHY_SMTP_URL=smtp://u:p@127.0.0.1:9", "SEAWORTHY_MAIL_FROM=Acme <hello@acme.example>"}
}

// securely are clients of each kind: HTTP/1.1 over fresh connections and over ones that are
// kept, and HTTP/2. All of them dial one address, whatever the name.
func securely(addr string, pool *x509.CertPool) (all []*http.Client) {
	for i := range max(6, *clients) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}, DisableKeepAlives: i%3 == 0, Protocols: &http.Protocols{}}
		if i%3 == 2 {
			tr.Protocols.SetHTTP2(true)
		} else {
			tr.Protocols.SetHTTP1(true)
		}
		all = append(all, &http.Client{Timeout: 30 * time.Second, Transport: tr})
	}
	return all
}

// TestHandoverWithTLS reloads a server that speaks TLS itself, under clients of HTTP/1.1 and
// HTTP/2: no request fails.
func TestHandoverWithTLS(t *testing.T) {
	files, pool := certificate(t)
	data := newData(t)
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	c := start(t, binary, data, append(secure(files), "SEAWORTHY_REDIRECT_ADDR=off")...)
	addr := strings.TrimPrefix(c.url, "http://")
	_, port, err := net.SplitHostPort(addr)
	must(t, err)
	all := securely(addr, pool)
	url := "https://127.0.0.1:" + port + "/-/healthz"
	for _, client := range all {
		eventually(t, 15*time.Second, "it answers over TLS", func() bool {
			res, err := client.Get(url)
			if err != nil {
				return false
			}
			res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
	}
	if res, err := all[2].Get(url); err != nil || res.ProtoMajor != 2 {
		t.Fatalf("no HTTP/2: %v, %v", res, err)
	}
	load := readBy(url, all)
	for n := range 2 {
		before := load.done.Load()
		eventually(t, 30*time.Second, "clients read", func() bool { return load.done.Load() > before+200 })
		place(t, stock, binary)
		must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
		eventually(t, 30*time.Second, "the next binary serves", func() bool { return len(c.lines("Seaworthy dev serves")) == n+2 })
	}
	before := load.done.Load()
	eventually(t, 30*time.Second, "clients read", func() bool { return load.done.Load() > before+200 })
	load.end(t)
	t.Logf("%d requests over TLS, 0 failed; the longest took %s", load.done.Load(), load.longest())
	c.stop()
}

// TestHandoverBySystemd plays systemd: it opens both sockets, hears what the process tells,
// and asks it to reload. The process id stays, and the watchdog is fed before and after.
func TestHandoverBySystemd(t *testing.T) {
	files, pool := certificate(t)
	data := newData(t)
	must(t, os.MkdirAll(data, 0o700))
	var sockets []*os.File
	var addrs []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		f, err := l.(*net.TCPListener).File()
		must(t, err)
		addrs = append(addrs, l.Addr().String())
		must(t, l.Close()) // ours; the socket stays open by the file
		defer f.Close()
		sockets = append(sockets, f)
	}
	path := filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer notify.Close()
	hears := func(word string) string {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; {
			notify.SetReadDeadline(end)
			buf := make([]byte, 4096)
			n, err := notify.Read(buf)
			if err != nil {
				t.Fatalf("it did not tell %s: %v", word, err)
			}
			if strings.Contains("\n"+string(buf[:n])+"\n", "\n"+word) {
				return string(buf[:n])
			}
		}
	}
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	// The shell gives its own number to what takes its place, as systemd does.
	c := &child{t: t, data: data, dead: make(chan struct{}), cmd: exec.Command("/bin/sh", "-c", "LISTEN_PID=$$ WATCHDOG_PID=$$ exec "+binary+" serve")}
	c.cmd.Dir = filepath.Dir(data)
	c.cmd.ExtraFiles = sockets
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "SEAWORTHY_DATA=" + data, "LISTEN_FDS=2", "LISTEN_FDNAMES=seaworthy.socket:seaworthy.socket", "NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=1000000"}, secure(files)...)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	must(t, c.cmd.Start())
	go func() { c.cmd.Wait(); close(c.dead) }()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-c.dead
		if t.Failed() {
			t.Logf("output:\n%s", c.out.tail(8<<10))
		}
	})

	all := securely(addrs[0], pool)
	plain := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	serves := func() {
		t.Helper()
		for _, client := range all {
			res, err := client.Get("https://" + addrs[0] + "/-/healthz")
			must(t, err)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("status %d", res.StatusCode)
			}
		}
		res, err := plain.Get("http://" + addrs[1] + "/x")
		must(t, err)
		res.Body.Close()
		if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "https://localhost/x" {
			t.Errorf("plain HTTP: %d to %s", res.StatusCode, res.Header.Get("Location"))
		}
	}
	hears("READY=1")
	serves()
	hears("WATCHDOG=1")
	load := readBy("https://"+addrs[0]+"/-/healthz", all)
	for range 2 {
		place(t, stock, binary)
		must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
		if told := hears("RELOADING=1"); !strings.Contains(told, "MONOTONIC_USEC=") {
			t.Errorf("it told %q", told)
		}
		hears("READY=1")
		hears("WATCHDOG=1")
		serves()
	}
	load.end(t)
	if n := load.done.Load(); n < 100 {
		t.Errorf("only %d requests", n)
	}
	must(t, c.cmd.Process.Signal(syscall.SIGTERM))
	hears("STOPPING=1")
	if code := c.exit(20 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// The sockets are systemd's: who connects now waits for the next process.
	conn, err := net.Dial("tcp", addrs[0])
	if err != nil {
		t.Errorf("the socket went with the process: %v", err)
	} else {
		conn.Close()
	}
}

// gateway starts an S3 server on a folder and returns its address.
func gateway(t *testing.T, folder string) string {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		program = os.Getenv("SEAWORTHY_S3_SERVER")
		if _, err2 := os.Stat(program); err2 == nil {
			err = nil
		}
	}
	need(t, "run versitygw (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)", err)
	addr := freeAddr(t)
	var out output
	cmd := exec.Command(program, "--access", "key", "--secret", "secret", "--port", addr, "--quiet", "posix", folder)
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("versitygw: %s", out.tail(2<<10))
		}
	})
	eventually(t, 15*time.Second, "the S3 server listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return addr
}

// TestHandoverKeepsTheLease reloads a server whose replica is in a bucket: the lease and the
// epoch are the same before and after, nothing is refused, and what was acknowledged is there.
func TestHandoverKeepsTheLease(t *testing.T) {
	folder := t.TempDir()
	must(t, os.Mkdir(filepath.Join(folder, "bkt"), 0o755))
	addr := gateway(t, folder)
	data, l := newData(t), &ledger{}
	must(t, os.MkdirAll(data, 0o700))
	must(t, os.WriteFile(filepath.Join(data, "litestream.yml"), fmt.Appendf(nil, `dbs:
  - path: ${SEAWORTHY_DATA}/seaworthy.db
    replica:
      type: s3
      bucket: bkt
      path: app
      endpoint: http://%s
      region: us-east-1
      access-key-id: key
      secret-access-key: secret
      force-path-style: true
`, addr), 0o600))
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	c := start(t, binary, data, "SEAWORTHY_FIRST_INSTALL=1")
	c.answers()
	c.becomesReady()
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(folder, "bkt", "app", name))
		must(t, err)
		return string(text)
	}
	owner := func() string { o, _, _ := strings.Cut(read("lease.json"), `"renewal"`); return o }
	had, epoch := owner(), read("current.json")
	load, people := readers(c), rush(c, l)
	for n := range 2 {
		l.reaches(t, len(l.acknowledged())+*clients)
		place(t, stock, binary)
		must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
		eventually(t, 30*time.Second, "the next binary serves", func() bool { return len(c.lines("Seaworthy dev serves")) == n+2 })
	}
	l.reaches(t, len(l.acknowledged())+*clients)
	close(people.quit)
	people.wait()
	load.end(t)
	if now := owner(); now != had || strings.Contains(read("lease.json"), `"released":true`) {
		t.Errorf("the lease was %s and is %s", had, read("lease.json"))
	}
	if now := read("current.json"); now != epoch {
		t.Errorf("the epoch was %s and is %s", epoch, now)
	}
	for _, f := range l.failures() {
		t.Errorf("a sign-up failed: %v", f)
	}
	for _, r := range l.refusals() {
		t.Errorf("a sign-up was refused: %s", r.answer)
	}
	t.Logf("%d sign-ups, %d reads, 0 failed; the longest read took %s", len(l.acknowledged()), load.done.Load(), load.longest())
	c.stop()
	if !strings.Contains(read("lease.json"), `"released":true`) {
		t.Errorf("the lease is kept after the end: %s", read("lease.json"))
	}
	sound(t, snapshot(t, data), l)
}
