//go:build faults

package faults

import (
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is one run of a binary on a data folder.
type child struct {
	t      *testing.T
	data   string
	url    string
	began  time.Time
	cmd    *exec.Cmd
	out    output
	client *http.Client
	dead   chan struct{} // closed once it has ended
}

// newData is the place of a data folder that does not exist yet.
func newData(t *testing.T) string { return filepath.Join(t.TempDir(), "data") }

// serve runs the stock binary and waits until it answers.
func serve(t *testing.T, data string) *child {
	t.Helper()
	c := start(t, stock, data)
	c.answers()
	return c
}

// start runs "binary serve" on a free port and does not wait. env is added to
// the environment as NAME=value.
func start(t *testing.T, binary, data string, env ...string) *child {
	t.Helper()
	addr := freeAddr(t)
	c := &child{t: t, data: data, url: "http://" + addr, dead: make(chan struct{})}
	// A connection for each request: what a server does to one that is kept open
	// must not look like a lost request.
	c.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	c.cmd = exec.Command(binary, "serve")
	c.cmd.Dir = filepath.Dir(data) // no litestream.yml lies about here
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "SEAWORTHY_DATA=" + data, "SEAWORTHY_ADDR=" + addr, "SEAWORTHY_RATE_LIMITS=off"}, env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.began = time.Now()
	must(t, c.cmd.Start())
	go func() {
		c.cmd.Wait()
		close(c.dead)
	}()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-c.dead
		if t.Failed() {
			t.Logf("output of process %d, which ended with %s:\n%s", c.cmd.Process.Pid, c.cmd.ProcessState, c.out.tail(12<<10))
		}
	})
	return c
}

// given are the addresses that freeAddr has given away.
var given sync.Map

// freeAddr is an address nobody listens on. It stays below the ports that the
// kernel gives to outgoing connections, of which this suite makes many.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := "127.0.0.1:" + strconv.Itoa(10_000+rand.IntN(20_000))
		if _, again := given.LoadOrStore(addr, true); again {
			continue // for a process that may not listen yet
		}
		l, err := net.Listen("tcp", addr)
		if err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// answers waits for the first answer of the process.
func (c *child) answers() {
	c.t.Helper()
	eventually(c.t, 15*time.Second, "the process answers /-/healthz", func() bool {
		select {
		case <-c.dead:
			c.t.Fatalf("the process ended instead of answering: %s", c.cmd.ProcessState)
		default:
		}
		res, err := c.client.Get(c.url + "/-/healthz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// kill ends it as a power cut or the OOM killer would.
func (c *child) kill() {
	c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.dead
}

// stop ends it as systemd would, and wants a clean end.
func (c *child) stop() {
	c.t.Helper()
	must(c.t, c.cmd.Process.Signal(syscall.SIGTERM))
	if code := c.exit(20 * time.Second); code != 0 {
		c.t.Fatalf("exit code %d after SIGTERM, want 0", code)
	}
}

// exit waits for the process to end on its own and returns its code. One that does not is
// made to say where it stands.
func (c *child) exit(within time.Duration) int {
	c.t.Helper()
	select {
	case <-c.dead:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(within):
	}
	said := len(c.out.String())
	c.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-c.dead:
	case <-time.After(5 * time.Second):
	}
	c.t.Fatalf("the process still runs after %s, in\n%s", within, c.out.String()[said:])
	return -1
}
