package argon

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process hashes in a process of its own, one hash at a time. It is started by the
// first task and ended when none came for Rest, so that a server in which nobody
// signs in has no second process. Its priority is lower: when there are too few
// cores for all, requests of people who are signed in come first.
type Process struct {
	Command []string      // that calls Serve with its standard input and output
	Rest    time.Duration // a minute if 0
	Limit   time.Duration // of a task, after which the process counts as hung; ten seconds if 0

	mu    sync.Mutex
	child *child
	idle  *time.Timer
}

// niceness of the process: a third of the share of a core that others get when
// there is not enough for all.
const niceness = 5

// Hash is the function Hash, in the process.
func (p *Process) Hash(cost Params, password []byte) (string, error) {
	r, err := p.do(task{Params: cost, Password: password})
	return r.PHC, err
}

// Verify is the function Verify, in the process.
func (p *Process) Verify(cost Params, phc string, password []byte) (bool, error) {
	r, err := p.do(task{Params: cost, Verify: true, PHC: phc, Password: password})
	if err == nil && r.BadHash {
		err = ErrBadHash
	}
	return r.Match, err
}

// do has a task done. A process that is gone, whatever ended it, is started once
// more: a hash can be computed twice.
func (p *Process) do(t task) (result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle.Stop()
	}
	var r result
	var err error
	for range 2 {
		if p.child == nil {
			if p.child, err = start(p.Command); err != nil {
				return r, err
			}
		}
		if r, err = p.child.ask(t, cmp.Or(p.Limit, 10*time.Second)); err == nil {
			p.idle = time.AfterFunc(cmp.Or(p.Rest, time.Minute), p.Close)
			return r, nil
		}
		p.child.end()
		p.child = nil
	}
	return r, fmt.Errorf("hash in a process of its own: %w", err)
}

// Close ends the process and waits for it. Another task would start it again.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle.Stop()
	}
	if p.child != nil {
		p.child.end()
		p.child = nil
	}
}

// child is the running process.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.ReadCloser
	dec  *json.Decoder
	kill func() error
}

// start runs the command at its lower priority. Whoever is not root may lower it
// but not raise it again, so a thread lowers its own, starts the process, which
// inherits it, and ends.
func start(command []string) (*child, error) {
	if len(command) == 0 {
		return nil, errors.New("no command to hash with")
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{"GOMAXPROCS=1"} // nothing of ours, which has secrets
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness); err != nil {
			failed <- err
			return
		}
		failed <- cmd.Start()
	}()
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	return &child{cmd: cmd, in: in, out: out, dec: json.NewDecoder(out), kill: cmd.Process.Kill}, nil
}

// ask sends a task and waits for its result.
func (c *child) ask(t task, limit time.Duration) (r result, err error) {
	hung := time.AfterFunc(limit, func() { c.kill() })
	defer hung.Stop()
	if err := json.NewEncoder(c.in).Encode(t); err != nil {
		return r, err
	}
	err = c.dec.Decode(&r)
	return r, err
}

// end closes the child's input, on which it ends by itself, and waits.
func (c *child) end() {
	c.in.Close()
	c.out.Close()
	deadline := time.AfterFunc(5*time.Second, func() { c.kill() })
	defer deadline.Stop()
	c.cmd.Wait()
}
