package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is this program, serving a folder in a process of its own.
type child struct {
	server
	cmd   *exec.Cmd
	ready time.Duration // from its start until readyz said so
	ended chan error
}

// environment is what a child needs of ours, and nothing that configures this machine's
// own installation.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
}

// arguments are the options of a child's commands.
func arguments(folder string, more ...string) []string {
	return append(more, "--data", filepath.Join(folder, "data"), "--rate-limits", "off", "--log-level", "error")
}

// start starts a child and waits until it is ready.
func start(ctx context.Context, o *Options, folder string) (*child, error) {
	return startTelling(ctx, o, folder, io.Discard)
}

// startTelling is start for whoever listens to what the child prints.
func startTelling(ctx context.Context, o *Options, folder string, told io.Writer) (*child, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	c := &child{server: server{url: "http://" + addr, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}}, ended: make(chan error, 1)}
	c.cmd = exec.Command(o.Binary, arguments(folder, "serve", "--addr", addr, "--inbox-smtp", "off")...)
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = folder, environment(), told, io.Discard
	began := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Binary, err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	for time.Since(began) < time.Minute {
		select {
		case <-c.ended:
			return nil, fmt.Errorf("%s ended before it was ready: %s", o.Binary, c.cmd.ProcessState)
		case <-ctx.Done():
			c.kill()
			return nil, context.Cause(ctx)
		case <-time.After(2 * time.Millisecond):
		}
		if c.get(c.url+"/-/readyz", func(*http.Request) {}) == nil {
			c.ready = time.Since(began)
			return c, nil
		}
	}
	c.kill()
	return nil, errors.New("the process did not become ready within a minute")
}

// kill ends the child as a loss of power would, but for what the system has in memory.
func (c *child) kill() {
	c.cmd.Process.Kill()
	<-c.ended
	c.client.CloseIdleConnections()
}

// end has the child drain.
func (c *child) end() error {
	c.client.CloseIdleConnections()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the process: %w", err)
	}
	if err := <-c.ended; err != nil {
		return fmt.Errorf("the process ended badly: %w", err)
	}
	return nil
}

// memory is what the child occupies, in bytes; 0 where that cannot be told.
func (c *child) memory() int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(field(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid), "VmRSS"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

// key makes an API key in the folder of a child that does not run.
func key(ctx context.Context, o *Options, folder string, permissions ...string) (string, error) {
	args := arguments(folder, "token", "create", "measurement")
	for _, p := range permissions {
		args = append(args, "--permission", p)
	}
	cmd := exec.CommandContext(ctx, o.Binary, args...)
	cmd.Dir, cmd.Env = folder, environment()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// record hands in an audit event and returns its id once it is on the disk.
func (c *child) record(secret string) (string, error) {
	r, err := http.NewRequest("POST", c.url+"/-/api/v1/audit/events", strings.NewReader(`{"action":"bench.acknowledged","actor":{"type":"program","id":"bench"}}`))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	bearer(secret)(r)
	body, err := c.send(r, http.StatusCreated)
	if err != nil {
		return "", err
	}
	var e struct{ ID string }
	return e.ID, json.Unmarshal(body, &e)
}
