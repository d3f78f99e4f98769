package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// What the app streams arrives as it is sent, and ends for the app when the client goes.
func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	next, gone := make(chan struct{}), make(chan struct{})
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := 0; ; n++ {
			fmt.Fprintf(w, "data: %d\n\n", n)
			http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	})
	a := before(t, b)
	res, err := http.Get(a.URL + "/events")
	a.Must(err)
	lines := bufio.NewReader(res.Body)
	for n := range 3 {
		line, err := lines.ReadString('\n')
		a.Must(err)
		if line != fmt.Sprintf("data: %d\n", n) {
			t.Fatalf("%q", line)
		}
		lines.ReadString('\n')
		if n < 2 {
			next <- struct{}{}
		}
	}
	res.Body.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the app was not told that the client went")
	}
}

// A WebSocket is passed through in both directions; the app sees who opened it.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		rw.Flush()
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			rw.WriteString("echo " + line)
			rw.Flush()
		}
	})
	a := before(t, b)
	ada := a.Verified("ada@example.com")
	open := func(origin string) (net.Conn, *bufio.Reader, int) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
		a.Must(err)
		fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: seaworthy_session=%s\r\n\r\n", strings.TrimPrefix(a.URL, "http://"), origin, ada.Cookie("seaworthy_session"))
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		a.Must(err)
		return conn, in, res.StatusCode
	}
	conn, in, status := open(a.URL)
	defer conn.Close()
	if status != 101 {
		t.Fatalf("status %d", status)
	}
	for _, word := range []string{"one", "two"} {
		fmt.Fprintln(conn, word)
		if got, err := in.ReadString('\n'); got != "echo "+word+"\n" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if b.last(t).Header.Get("X-Seaworthy-User") != a.UserID("ada@example.com") {
		t.Error("the app was not told who opened the socket")
	}
	other, _, status := open("https://evil.example")
	defer other.Close()
	if status != 101 || b.last(t).Header.Get("X-Seaworthy-User") != "" {
		t.Error("another site's page opened a socket in somebody's name")
	}
}

// A large body goes through without being held.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		n, err := io.Copy(w, r.Body)
		if n != size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	a := before(t, b)
	res, err := http.Post(a.URL+"/upload", "application/octet-stream", io.LimitReader(zeros{}, size))
	a.Must(err)
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// While the app is down a person sees a page that says so, and a program a problem; an
// app that comes back within moments loses no request.
func TestAppIsDown(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	address := strings.TrimPrefix(b.URL, "http://")
	a := before(t, b)
	a.Must(a.Proxy.Probe(t.Context()))
	b.Close()
	key, person := a.Key("jobs:*"), a.Browser()
	var asked sync.WaitGroup // both at once: each is waited with for a while
	var shown, told apptest.Page
	asked.Go(func() { shown = person.Get("/") })
	asked.Go(func() { told = key.Get("/") })
	asked.Wait()
	shown.Want(503, "The app is not answering just now")
	told.WantProblem(503, "app_down")
	if told.Header.Get("Retry-After") == "" {
		t.Error("it is not said when to try again")
	}
	a.Must(a.Proxy.Probe(t.Context()))
	if n := strings.Count(a.Logs(), "the app behind does not answer"); n != 1 { // requests found it out first
		t.Errorf("%d lines of the log tell that it does not answer", n)
	}
	if state := a.Proxy.State(); !state.Down || state.Err == "" {
		t.Errorf("%+v", state)
	}
	done := make(chan int)
	go func() {
		res, err := http.Post(a.URL+"/", "text/plain", strings.NewReader("body"))
		if err != nil {
			done <- 0
			return
		}
		res.Body.Close()
		done <- res.StatusCode
	}()
	<-time.After(200 * time.Millisecond) // the request waits meanwhile
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip("another program took the port")
	}
	again := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Equal(body, []byte("body")) {
			w.WriteHeader(500)
		}
	})}
	go again.Serve(l)
	defer again.Close()
	if status := <-done; status != 200 {
		t.Errorf("status %d", status)
	}
	if a.Proxy.State().Down {
		t.Error("it is still said to be down")
	}
}

// An app that breaks off, or is too slow, is told apart from one that is down.
func TestAppFails(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	})
	a := before(t, b)
	key := a.Key("jobs:*")
	for i := range 40 { // it is found out while reading or while writing, and who sees it first is chance
		key.Do("POST", "/", "text/plain", strings.Repeat("x", 1+i%2<<16)).WantProblem(502, "app_broke_off")
	}
}

// An answer that comes before the body of the request was read to its end closes the
// connection, and says so: else the client would send its next request into it. One that
// comes afterwards keeps it, whether the length was announced or not.
func TestAnswerBeforeTheEndOfTheBody(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/reads" {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "answered")
			return
		}
		conn, _, _ := http.NewResponseController(w).Hijack() // the server would read the body first
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanswered")
	})
	a := before(t, b)
	dials := 0
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}}
	send := func(body io.Reader) {
		t.Helper()
		res, err := client.Post(a.URL+"/reads", "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || string(text) != "answered" || res.Close {
			t.Errorf("%d %q, closes: %v, %v", res.StatusCode, text, res.Close, err)
		}
	}
	for range 20 {
		send(strings.NewReader(strings.Repeat("x", 1<<20)))
		send(io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)))) // in chunks
	}
	if dials != 1 {
		t.Errorf("%d connections were made for bodies that were read, want 1", dials)
	}
	answeredEarly(a, "/answers", "200")
}

// So does an answer of ours: nothing of the body was read for an app that is down.
func TestErrorBeforeTheEndOfTheBody(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	b.Close()
	answeredEarly(a, "/", "503")
}

// answeredEarly sends half a body, announced and in chunks, and wants an answer that says that
// it closes the connection, which is then closed.
func answeredEarly(a *apptest.App, path, status string) {
	a.T.Helper()
	address := strings.TrimPrefix(a.URL, "http://")
	var all sync.WaitGroup
	for _, begins := range []string{"Content-Length: 1000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"} {
		all.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				a.T.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\n%s", path, address, begins)
			answer, err := io.ReadAll(c) // until it is closed
			if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 "+status)) || !bytes.Contains(answer, []byte("\r\nConnection: close\r\n")) {
				a.T.Errorf("an answer before the end of %q: %q, %v", begins, answer, err)
			}
		})
	}
	all.Wait()
}
