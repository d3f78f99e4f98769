package app

import (
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// lobby is where those who connect stay until they say something. To the server a connection
// costs two buffers and a stack from its beginning; of a thousand who come at once most have
// not sent their request yet, and here each costs a small stack alone.
type lobby struct {
	people sync.WaitGroup // a goroutine for each, and the one that receives them
	limit  time.Duration  // how long one may stay who says nothing

	mu      sync.Mutex
	closed  bool // whoever is here is let in, whatever he says
	waiting map[net.Conn]struct{}
}

// newLobby is one in which people may say nothing for as long as in
// http.Server.ReadHeaderTimeout.
func newLobby() lobby {
	return lobby{limit: 10 * time.Second, waiting: map[net.Conn]struct{}{}}
}

// arrival is what happens at the door: somebody has something to say, or nobody can come.
type arrival struct {
	conn net.Conn
	err  error
}

// receive brings those who connect into the lobby until the listener is closed. What else
// goes wrong is the server's to bear: it waits a little where there are too many files.
func (d *door) receive() {
	for {
		c, err := d.Listener.Accept()
		if err == nil {
			d.note(c, http.StateNew) // from here on, before the server tells of it
			d.lobby.people.Go(func() { d.attend(c) })
			continue
		}
		if d.lobby.isClosed() || !d.letIn(arrival{err: err}) {
			return
		}
	}
}

// attend lets one in who has something to say, and sends him away who has not.
func (d *door) attend(c net.Conn) {
	if !d.lobby.hears(c) || !d.letIn(arrival{conn: c}) {
		d.note(c, http.StateClosed)
		c.Close()
	}
}

// letIn hands an arrival to Accept; it reports whether somebody was there to take it.
func (d *door) letIn(a arrival) bool {
	select {
	case d.arrived <- a:
		return true
	case <-d.ended:
		return false
	}
}

// Accept implements net.Listener for one caller, http.Server.Serve.
func (d *door) Accept() (net.Conn, error) {
	if a, ok := <-d.arrived; ok {
		return a.conn, a.err
	}
	return nil, net.ErrClosed
}

// hears waits until there is a first byte of c, or the lobby closes.
func (l *lobby) hears(c net.Conn) (speaks bool) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil || !l.enter(c) {
		return err == nil
	}
	raw.Read(func(fd uintptr) (done bool) {
		var first [1]byte
		n, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK)
		speaks = n > 0
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
	return l.leave(c) || speaks
}

// enter has c wait; not in a lobby that is closed.
func (l *lobby) enter(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.waiting[c] = struct{}{}
	c.SetReadDeadline(time.Now().Add(l.limit))
	return true
}

// leave ends the waiting of c, and reports whether that was because the lobby is closed.
func (l *lobby) leave(c net.Conn) (closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, c)
	c.SetReadDeadline(time.Time{})
	return l.closed
}

// close has all who wait let in now, and those who come.
func (l *lobby) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.waiting {
		c.SetReadDeadline(time.Unix(1, 0))
	}
}

func (l *lobby) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}
