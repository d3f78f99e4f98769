//go:build faults

package faults

import (
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var upgrades = flag.Int("upgrades", 3, "how often the upgrade test replaces the binary")

// TestUpgrade replaces the binary again and again while people sign up and read, over
// connections that are kept and fresh ones, and mail is delivered by jobs: no request
// fails, nothing that was acknowledged is lost, and it is one process all the time.
func TestUpgrade(t *testing.T) {
	data, l := newData(t), &ledger{}
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	c := start(t, binary, data)
	c.answers()
	pid := c.cmd.Process.Pid
	load := readers(c)
	kept := &child{t: t, data: data, url: c.url, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * *clients}}}
	people, keepers := rush(c, l), rush(kept, l)
	for n := range *upgrades {
		l.reaches(t, len(l.acknowledged())+2**clients)
		place(t, stock, binary)
		must(t, syscall.Kill(pid, syscall.SIGHUP))
		eventually(t, 30*time.Second, "the next binary serves", func() bool { return len(c.lines("Seaworthy dev")) == n+2 })
	}
	l.reaches(t, len(l.acknowledged())+2**clients)
	load.nobodyFailed(t, l, people, keepers)
	t.Logf("%d upgrades, %d sign-ups acknowledged, %d reads, 0 failed; the longest read took %s", *upgrades, len(l.acknowledged()), load.done.Load(), load.longest())
	for _, line := range append(c.lines("gives way"), c.lines("took over")...) {
		t.Log(strings.TrimSpace(line))
	}
	c.stop()
	sound(t, snapshot(t, data), l)
	finish(t, data, l)
}

// nobodyFailed ends the load, readers and crowds, in which nobody may have been refused or cut off.
func (r *reading) nobodyFailed(t *testing.T, l *ledger, crowds ...*crowd) {
	t.Helper()
	for _, c := range crowds {
		close(c.quit)
	}
	for _, c := range crowds {
		c.wait()
	}
	r.end(t)
	for _, refused := range l.refusals() {
		t.Errorf("a sign-up was refused: %s", refused.answer)
	}
	for _, err := range l.failures() {
		t.Errorf("a sign-up failed: %v", err)
	}
}

// place puts a copy of a binary at the path, as an upgrade does: by a rename. No test beside
// this one starts a process meanwhile: it would have the file open until its exec, and what
// is open for writing cannot be run.
func place(t *testing.T, from, to string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	copyFile(t, from, to+".new")
	must(t, os.Chmod(to+".new", 0o755))
	must(t, os.Rename(to+".new", to))
}

// reading is a number of clients that read the same page, half of them over connections
// that they keep.
type reading struct {
	quit    chan struct{}
	clients sync.WaitGroup
	done    atomic.Int64
	slowest atomic.Int64 // ns
	mu      sync.Mutex
	faults  []string
}

func readers(c *child) *reading {
	all := make([]*http.Client, *clients)
	for i := range all {
		all[i] = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
	}
	return readBy(c.url+"/-/readyz", all)
}

// readBy reads an address by clients of any kind.
func readBy(url string, all []*http.Client) *reading {
	r := &reading{quit: make(chan struct{})}
	for _, client := range all {
		r.clients.Go(func() {
			// The pace of people: as fast as it goes would only measure the machine.
			tick := time.NewTicker(4 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-r.quit:
					return
				case <-tick.C:
					r.read(client, url)
				}
			}
		})
	}
	return r
}

func (r *reading) read(client *http.Client, url string) {
	began := time.Now()
	res, err := client.Get(url)
	fault := ""
	if err == nil {
		var text []byte
		text, err = io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			fault = res.Status + " " + string(text)
		}
	}
	if err != nil {
		fault = err.Error()
	}
	took := int64(time.Since(began))
	for was := r.slowest.Load(); took > was && !r.slowest.CompareAndSwap(was, took); was = r.slowest.Load() {
	}
	r.done.Add(1)
	if fault != "" {
		r.mu.Lock()
		r.faults = append(r.faults, fault)
		r.mu.Unlock()
	}
}

func (r *reading) longest() time.Duration {
	return time.Duration(r.slowest.Load()).Round(time.Millisecond)
}

// end stops the reading and wants every request to have been answered well.
func (r *reading) end(t *testing.T) {
	t.Helper()
	close(r.quit)
	r.clients.Wait()
	if len(r.faults) > 0 {
		t.Errorf("%d of %d reads failed, first: %s", len(r.faults), r.done.Load(), strings.TrimSpace(r.faults[0]))
	}
}

// TestReloadOfWhatCannotRun asks the server to make room for a file that is no program:
// it says so and serves on as if nothing had been asked.
func TestReloadOfWhatCannotRun(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	c := start(t, binary, data)
	c.answers()
	must(t, os.WriteFile(binary+".new", []byte("no program"), 0o755))
	must(t, os.Rename(binary+".new", binary))
	must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
	eventually(t, 10*time.Second, "the server says what is wrong", func() bool { return len(c.lines("nothing was changed")) == 1 })
	l.signUp(c)
	if n := len(c.lines("draining")); n != 0 || len(l.acknowledged()) != 1 {
		t.Errorf("drained %d times, %d sign-ups acknowledged", n, len(l.acknowledged()))
	}
	c.stop()
	sound(t, snapshot(t, data), l)
}
