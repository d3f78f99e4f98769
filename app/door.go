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
	lobby   lobby
	arrived chan arrival
	ended   chan struct{} // serve has returned: nothing is accepted any more
	changed chan struct{}

	mu     sync.Mutex
	visits map[net.Conn]visit
}

// visit is a connection that is open.
type visit struct {
	conn  net.Conn       // as the server knows it
	state http.ConnState // StateNew, StateActive or StateIdle
	since time.Time
}

// newcomers is how long shut waits for the first byte of a connection: it may
// be one that a browser keeps ready and never uses.
const newcomers = 500 * time.Millisecond

func newDoor(l net.Listener) *door {
	return &door{Listener: l, lobby: newLobby(), arrived: make(chan arrival), ended: make(chan struct{}),
		changed: make(chan struct{}, 1), visits: map[net.Conn]visit{}}
}

// serve is server.Serve through the door, or ServeTLS where the server has a configuration
// for that.
func (d *door) serve(server *http.Server) error {
	defer close(d.ended)
	server.ConnState = d.note
	d.lobby.people.Go(d.receive)
	if server.TLSConfig != nil {
		return server.ServeTLS(d, "", "")
	}
	return server.Serve(d)
}

// note is the server's ConnState hook.
func (d *door) note(c net.Conn, s http.ConnState) {
	known := c
	if t, ok := c.(*tls.Conn); ok {
		known = t.NetConn() // as Accept knows it
	}
	d.mu.Lock()
	if s == http.StateNew || s == http.StateActive || s == http.StateIdle {
		d.visits[known] = visit{c, s, time.Now()}
	} else {
		delete(d.visits, known)
	}
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// shut lets nobody in who is not at the door yet, and returns when all others
// have been served or ctx ends. Answers must close their connections by now.
func (d *door) shut(ctx context.Context) {
	d.lobby.close()
	for _, c := range d.queued() {
		d.note(c, http.StateNew)
		if !d.letIn(arrival{conn: c}) {
			c.Close()
		}
	}
	d.lock()
	d.empty(ctx)
}

// leave lets nobody in any more and keeps those who wait at the door for a successor who
// has the same socket. It returns when all others have been served or ctx ends.
func (d *door) leave(ctx context.Context) {
	d.lobby.close()
	d.lock() // ours; the socket stays open with whoever keeps it
	d.empty(ctx)
}

// lock ends serve once all who were in the lobby have been let in.
func (d *door) lock() {
	d.Listener.Close()
	d.lobby.people.Wait()
	close(d.arrived)
	<-d.ended
}

// settle returns once no request is older than a moment, or half of the time that ctx
// leaves is over. Requests are let in meanwhile: after leave each would wait for the slowest.
// Where most requests are slow there is no such moment: then it is enough that those who were
// here when it began are served, and a little patience.
func (d *door) settle(ctx context.Context) {
	began := time.Now()
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	for {
		slow, early := false, false
		d.mu.Lock()
		for _, v := range d.visits {
			if v.state == http.StateActive && time.Since(v.since) > aMoment {
				slow, early = true, early || !v.since.After(began)
			}
		}
		d.mu.Unlock()
		if !slow || !early && time.Since(began) > aLittlePatience {
			return
		}
		select {
		case <-time.After(aMoment / 4):
		case <-ctx.Done():
			return
		}
	}
}

// aMoment is how long those who connect during a handover may wait for one request.
const aMoment = 100 * time.Millisecond

// aLittlePatience is how long a better moment is waited for: meanwhile no job runs.
const aLittlePatience = 2 * time.Second

// empty waits for the requests of all who are inside.
func (d *door) empty(ctx context.Context) {
	patience := time.NewTimer(newcomers)
	defer patience.Stop()
	for waiting := true; ; {
		d.mu.Lock()
		left := 0
		for _, v := range d.visits {
			if waiting && v.state == http.StateNew || v.state == http.StateActive {
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
