package app

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// door is Run's listener. http.Server.Shutdown drops two kinds of clients who
// believe that they are connected: those the kernel has accepted and we have
// not, and those whose request has not been read yet. shut serves both.
type door struct {
	net.Listener
	closing chan struct{}
	late    chan net.Conn // accepted by shut itself
	ended   chan struct{} // serve has returned: nothing is accepted any more
	changed chan struct{}

	mu   sync.Mutex
	busy map[net.Conn]http.ConnState // StateNew or StateActive
}

// newcomers is how long shut waits for the first byte of a connection: it may
// be one that a browser keeps ready and never uses.
const newcomers = 500 * time.Millisecond

func newDoor(l net.Listener) *door {
	return &door{Listener: l, closing: make(chan struct{}), late: make(chan net.Conn), ended: make(chan struct{}),
		changed: make(chan struct{}, 1), busy: map[net.Conn]http.ConnState{}}
}

// serve is server.Serve through the door, or ServeTLS where the server has a configuration
// for that.
func (d *door) serve(server *http.Server) error {
	defer close(d.ended)
	server.ConnState = d.note
	if server.TLSConfig != nil {
		return server.ServeTLS(d, "", "")
	}
	return server.Serve(d)
}

// Accept implements net.Listener for one caller, http.Server.Serve. The
// connection counts as new from here on, before the server tells of it.
func (d *door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		select {
		case <-d.closing:
		default:
			return nil, err // the server knows which to bear
		}
		var more bool
		if c, more = <-d.late; !more {
			return nil, err
		}
	}
	d.note(c, http.StateNew)
	return c, nil
}

// note is the server's ConnState hook.
func (d *door) note(c net.Conn, s http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn() // as Accept knows it
	}
	d.mu.Lock()
	if s == http.StateNew || s == http.StateActive {
		d.busy[c] = s
	} else {
		delete(d.busy, c)
	}
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// shut lets nobody in who is not at the door yet, and returns when all others
// have been served or ctx ends. The server must not keep connections alive.
func (d *door) shut(ctx context.Context) {
	close(d.closing)
	for _, c := range d.queued() {
		select {
		case d.late <- c:
		case <-d.ended:
			c.Close()
		}
	}
	close(d.late)
	d.Listener.Close() // where queued could not
	<-d.ended
	patience := time.NewTimer(newcomers)
	defer patience.Stop()
	for waiting := true; ; {
		d.mu.Lock()
		left := 0
		for _, s := range d.busy {
			if waiting || s == http.StateActive {
				left++
			}
		}
		d.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-d.changed:
		case <-patience.C:
			waiting = false
		case <-ctx.Done():
			return
		}
	}
}

// queued takes what the kernel has accepted and makes it refuse the next, with
// as good as no time in between.
func (d *door) queued() []net.Conn {
	var all []net.Conn
	tcp, ok := d.Listener.(*net.TCPListener)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	raw.Control(func(fd uintptr) {
		for {
			next, _, err := syscall.Accept(int(fd))
			if err == syscall.EINTR || err == syscall.ECONNABORTED {
				continue
			}
			if err != nil {
				break
			}
			syscall.CloseOnExec(next)
			f := os.NewFile(uintptr(next), "connection")
			if c, err := net.FileConn(f); err == nil {
				all = append(all, c)
			}
			f.Close()
		}
		syscall.Shutdown(int(fd), syscall.SHUT_RDWR)
	})
	return all
}
