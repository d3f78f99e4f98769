package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// request asks and keeps the connection, or closes it as the answer says.
func (e *entrance) request(c net.Conn) {
	e.t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		e.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		e.t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

// idle waits until the server waits for the next request of so many.
func (e *entrance) idle(want int) {
	e.t.Helper()
	e.reaches(want, "idle", func() (n int) {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, v := range e.visits {
			if v.state == http.StateIdle {
				n++
			}
		}
		return n
	})
}

// Connections that nobody uses are closed, but not under him who has just been answered.
func TestDismiss(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	old, fresh := e.connect(), e.connect()
	e.request(old)
	e.idle(1)
	time.Sleep(goodbye)
	e.request(fresh)
	e.idle(2)
	answered := time.Now()
	if e.dismissIdle() == 0 {
		t.Error("it does not come back for one who has just been answered")
	}
	e.idle(1)
	if _, err := old.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one whom nobody uses is still open: %v", err)
	}
	e.request(fresh) // he comes again in time
	e.idle(1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	e.dismiss(ctx)
	if took := time.Since(answered); took < goodbye {
		t.Errorf("it was closed after %s", took)
	}
	if _, err := fresh.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("he is still open: %v", err)
	}
	e.shutDown()
}

// A connection in which a request waits is not idle, whatever the server has seen of it.
func TestDismissSparesOneWhoHasAsked(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ours, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	d := newDoor(l)
	d.note(ours, http.StateIdle)
	d.visits[ours] = visit{ours, http.StateIdle, time.Now().Add(-time.Minute)}
	io.WriteString(client, "GET")
	for range 100 {
		if d.dismissIdle() == 0 {
			t.Fatal("it was closed under a request")
		}
	}
	if n, err := ours.Read(make([]byte, 8)); n != 3 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if wait := d.dismissIdle(); wait != 0 {
		t.Errorf("one who says nothing is waited for, %s", wait)
	}
	if n, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one who says nothing is not closed: %d bytes, %v", n, err)
	}
}
