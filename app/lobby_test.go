package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// entrance is a door with a server behind it, which counts whom it is given.
type entrance struct {
	*door
	t      *testing.T
	inside atomic.Int64
	served chan error
}

func newEntrance(t *testing.T) *entrance {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &entrance{door: newDoor(l), t: t, served: make(chan error, 1)}
	e.lobby.limit = time.Minute
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served") }),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { e.inside.Add(1); return ctx }}
	go func() { e.served <- e.serve(server) }()
	return e
}

func (e *entrance) connect() net.Conn {
	e.t.Helper()
	c, err := net.Dial("tcp", e.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// asks sends a request and wants it answered.
func (e *entrance) asks(c net.Conn) {
	e.t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		e.t.Error(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		e.t.Error("no answer:", err)
		return
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		e.t.Errorf("the answer is %d", answer.StatusCode)
	}
}

func (e *entrance) shutDown() {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 10*time.Second)
	defer cancel()
	e.shut(ctx)
	if err := <-e.served; !errors.Is(err, net.ErrClosed) {
		e.t.Errorf("serving ended with %v", err)
	}
	if n := len(e.lobby.waiting); n != 0 {
		e.t.Errorf("%d are left in the lobby", n)
	}
}

// waiting waits until n are in the lobby.
func (e *entrance) waiting(n int) {
	e.t.Helper()
	e.reaches(n, "in the lobby", func() int {
		e.lobby.mu.Lock()
		defer e.lobby.mu.Unlock()
		return len(e.lobby.waiting)
	})
}

// reaches waits until there are so many of what is counted.
func (e *entrance) reaches(want int, what string, count func() int) {
	e.t.Helper()
	for range 1000 {
		if count() == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	e.t.Fatalf("there are never %d %s", want, what)
}

// Those who say nothing are kept from the server, keep nobody out, and are sent away in time.
func TestLobby(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	silent := make([]net.Conn, 300)
	for i := range silent {
		silent[i] = e.connect()
	}
	e.waiting(300)
	e.asks(e.connect())
	e.asks(silent[7]) // says something at last
	silent[8].Close() // leaves without a word
	e.waiting(298)

	e.lobby.mu.Lock()
	e.lobby.limit = 50 * time.Millisecond
	e.lobby.mu.Unlock()
	for range 20 {
		if n, err := e.connect().Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("one who says nothing for long gets %d bytes and %v", n, err)
		}
	}
	e.waiting(298)
	if n := e.inside.Load(); n != 2 {
		t.Errorf("the server was given %d, want the 2 that said something", n)
	}
	e.shutDown()
}

// Whoever has connected is served by a server that shuts, even if he speaks only afterwards.
func TestLobbyIsServedWhenItShuts(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	var all []net.Conn
	for range 50 {
		all = append(all, e.connect())
	}
	e.waiting(len(all))
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(100 * time.Millisecond)
		for _, c := range all {
			e.asks(c)
		}
	}()
	began := time.Now()
	e.shutDown()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to shut", took)
	}
	<-done
	if _, err := net.Dial("tcp", e.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after that one who connects gets %v", err)
	}
}

// A door that shuts while people come and go leaves nobody in the lobby and waits for nobody
// who is gone. The last one may meet it as it closes.
func TestDoorShutsInACrowd(t *testing.T) {
	t.Parallel()
	for range 20 {
		e := newEntrance(t)
		served, ended := atomic.Int64{}, make(chan struct{})
		go func() {
			defer close(ended)
			for {
				answer, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + e.Addr().String())
				if err != nil {
					var late interface{ Timeout() bool }
					if errors.As(err, &late) && late.Timeout() {
						t.Error("somebody was kept waiting:", err)
					}
					return
				}
				answer.Body.Close()
				served.Add(1)
			}
		}()
		for served.Load() < 5 {
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		e.shutDown()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s to shut", took)
		}
		<-ended
	}
}
