package flags_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// open opens a stream of events and leaves it alone; status is what it answers.
func (w world) open(base, url string) (conn net.Conn, lines *bufio.Reader, status string) {
	w.T.Helper()
	host := strings.TrimPrefix(base, "http://")
	conn, err := net.Dial("tcp", host)
	w.Must(err)
	w.T.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", strings.TrimPrefix(url, w.URL), host)
	w.Must(err)
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	lines = bufio.NewReader(conn)
	status, err = lines.ReadString('\n')
	w.Must(err)
	return conn, lines, strings.TrimSpace(status)
}

// hears reads a stream up to a text.
func hears(t testing.TB, lines *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no %q: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

func (w world) kill(on bool) {
	w.T.Helper()
	_, err := w.Flags.SetKill(w.T.Context(), on, nil, "the test says so")
	w.Must(err)
}

// Fault 14: one account or address cannot take all streams, and hears so in the
// protocol's form; what it closes it can open again, and others are not concerned.
func TestFault14TooManyStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.Verified("ada@acme.example")
	stream := func(b *apptest.Browser) string {
		var all struct {
			EventStreams []struct{ URL string }
		}
		ask(b, "", `{}`).Want(200).JSON(&all)
		return all.EventStreams[0].URL
	}
	full := func(url, words string, most int) (last net.Conn) {
		t.Helper()
		for range most {
			conn, _, status := w.open(w.URL, url)
			if status != "HTTP/1.1 200 OK" {
				t.Fatal(status)
			}
			last = conn
		}
		p := w.Browser().Get(strings.TrimPrefix(url, w.URL)).Want(429, `"errorCode":"GENERAL"`, words)
		if p.Header.Get("Retry-After") != "60" || p.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v", p.Header)
		}
		return last
	}
	full(stream(ada), "This account has 50 streams", 50).Close()
	// Its place is free for the next as soon as the server sees that it has gone.
	again(t, func() bool { return w.Flags.Streams() == 49 })
	if _, _, status := w.open(w.URL, stream(ada)); status != "HTTP/1.1 200 OK" {
		t.Error(status)
	}
	full(stream(w.page), "Your address has 250 streams", 200)
	if n := w.Flags.Streams(); n != 250 {
		t.Errorf("%d streams are counted", n)
	}
}

// again looks until it is so; the test's own deadline ends what never is.
func again(t testing.TB, so func() bool) {
	t.Helper()
	tick, end := time.NewTicker(2*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it never became so")
		}
	}
}

// Fault 14: many streams that wait and a client that reads nothing hold up nobody.
// The thousands are in apptest/faults.
func TestFault14SlowReadersHoldUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apptest.WithoutLimits)
	url := w.stream()
	for range 10 {
		deaf, _, _ := w.open(w.URL, url)
		w.Must(deaf.(*net.TCPConn).SetReadBuffer(1))
	}
	var all []*bufio.Reader
	for range 300 {
		_, lines, _ := w.open(w.URL, url)
		hears(t, lines, "id: ")
		all = append(all, lines)
	}
	for n := range 4 {
		w.kill(n%2 == 0)
		for _, lines := range all {
			hears(t, lines, "refetchEvaluation")
		}
	}
	if n := w.Flags.Streams(); n != 310 {
		t.Errorf("%d streams are open", n)
	}
}

// Programs that do not say what they accept, or accept compression, hear at once too.
func TestStreamsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := strings.TrimPrefix(w.stream(), w.URL)
	for _, header := range []string{"X-Nothing: 1", "Accept-Encoding: gzip", "Accept: */*\r\nAccept-Encoding: gzip, br", "Accept: text/event-stream\r\nAccept-Encoding: gzip"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
		w.Must(err)
		defer conn.Close()
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", url, header)
		w.Must(err)
		lines := bufio.NewReader(conn)
		for line := ""; line != "\r\n"; line, err = lines.ReadString('\n') {
			if w.Must(err); strings.HasPrefix(line, "No-Gzip") || strings.HasPrefix(line, "Content-Encoding") {
				t.Errorf("%s: %s", header, line)
			}
		}
		hears(t, lines, "id: ")
		w.kill(!w.Flags.KillNow().On())
		hears(t, lines, "refetchEvaluation")
	}
}

// A stream goes on when the time is over that a request and its answer have.
func TestStreamsOutliveTheirRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewUnstartedServer(w.Web)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 150*time.Millisecond, 150*time.Millisecond
	server.Start()
	defer server.Close()
	conn, lines, _ := w.open(server.URL, w.stream())
	defer conn.Close()
	hears(t, lines, "id: ")
	<-time.After(2 * server.Config.ReadTimeout) // real time is the matter here
	w.kill(true)
	hears(t, lines, "refetchEvaluation")
}

// Changes that come thick and fast are told a few times, not each, and the last of
// them is never missed.
func TestChangesInARowAreToldTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, lines, _ := w.open(w.URL, w.stream())
	hears(t, lines, "id: ")
	for n := range 40 {
		w.kill(n%2 == 0)
	}
	end := "-2b" // three flags and forty changes
	told := 0
	for {
		hears(t, lines, "event: message")
		told++
		id, err := lines.ReadString('\n')
		w.Must(err)
		if strings.HasSuffix(strings.TrimSpace(id), end) {
			break
		}
	}
	if told > 20 {
		t.Errorf("40 changes were told %d times", told)
	}
}
