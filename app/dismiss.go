package app

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"time"
)

// goodbye is how long a connection stays open that is idle when draining begins: its client
// may be about to use it again, and would find it closed under his request. He is told by
// the answer instead (web.Server's Stop).
const goodbye = 300 * time.Millisecond

// dismiss closes the connections that are idle, each as long after its last answer as goodbye
// says, and returns when none is left or ctx ends. http.Server closes them by what it has
// read; here one in which a request waits stays, for on a busy machine that may take a while.
func (d *door) dismiss(ctx context.Context) {
	for {
		wait := d.dismissIdle()
		if wait == 0 {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// dismissIdle closes those that can be closed now, and says when to look for more; 0: there
// are none.
func (d *door) dismissIdle() (wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	later := func(t time.Duration) {
		if wait == 0 || t < wait {
			wait = t
		}
	}
	for known, v := range d.visits {
		if v.state != http.StateIdle {
			continue
		}
		if left := goodbye - time.Since(v.since); left > 0 {
			later(left)
		} else if unread(known) {
			later(10 * time.Millisecond)
		} else {
			v.conn.Close()
			delete(d.visits, known)
		}
	}
	return wait
}

// unread reports whether something has come in a connection that nobody has read yet.
func unread(c net.Conn) (is bool) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	raw.Control(func(fd uintptr) {
		var first [1]byte
		n, _, _ := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		is = n > 0
	})
	return is
}
