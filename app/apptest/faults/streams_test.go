//go:build faults

package faults

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var idle = flag.Int("streams", 5000, "how many streams of events are open at once")

// streamBar is how much memory a stream of events that waits may take, in bytes.
const streamBar = 48 << 10

// ask is a request with a key.
func (c *child) ask(key, method, path, body string) (answer, error) {
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
	res, err := c.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, text}, err
}

// listen opens a stream of events and reads its first, which has nothing to tell.
func (c *child) listen(stream string, buffer int) net.Conn {
	c.t.Helper()
	conn := c.dial()
	if buffer > 0 {
		must(c.t, conn.(*net.TCPConn).SetReadBuffer(buffer))
	}
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", strings.TrimPrefix(stream, c.url), strings.TrimPrefix(c.url, "http://"))
	must(c.t, err)
	began := until(conn, "retry: 2000")
	if began != nil {
		c.t.Fatal("a stream does not begin:", began)
	}
	return conn
}

// until reads up to some text.
func until(conn net.Conn, text string) error {
	var all []byte
	conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	for b := make([]byte, 2048); !bytes.Contains(all, []byte(text)); {
		n, err := conn.Read(b)
		if all = append(all, b[:n]...); err != nil {
			return fmt.Errorf("%w after %q", err, all)
		}
	}
	return nil
}

// TestFault10KillBeforeTheEvent kills the process after a flag was saved, whether its
// event has gone out or not: whoever comes back with what he heard last, or with what
// his answer was of, is told at once, and gets the version that was acknowledged.
func TestFault10KillBeforeTheEvent(t *testing.T) {
	t.Parallel()
	data := newData(t)
	serve(t, data).stop()
	key := newKey(t, data, "flags:*")
	addr := ""
	for n := 1; n <= 4; n++ {
		c := serve(t, data)
		a, err := c.ask(key, "POST", "/-/ofrep/v1/evaluate/flags", `{"context":{}}`)
		must(t, err)
		var all struct {
			EventStreams []struct{ URL string }
		}
		must(t, json.Unmarshal(a.body, &all))
		stream := strings.TrimPrefix(all.EventStreams[0].URL, c.url)
		if addr != "" { // a page that was open while the process died: the ticket works on
			conn := c.dial()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", addr)
			if err := until(conn, "refetchEvaluation"); err != nil {
				t.Errorf("who was away during kill %d is not told: %v", n-1, err)
			}
			conn.Close()
			if !strings.Contains(string(a.body), fmt.Sprintf(`"value":%d,`, n-1)) {
				t.Errorf("and asks, and gets %s", a)
			}
		}
		addr = stream
		a, err = c.ask(key, "PUT", "/-/api/v1/flags/f", fmt.Sprintf(`{"definition":%s,"version":%d}`, definitionOf(n), n-1))
		must(t, err)
		if a.status > 201 {
			t.Fatal(a)
		}
		c.kill()
	}
}

func (c *child) dial() net.Conn {
	c.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	must(c.t, err)
	return conn
}

// TestFault14IdleStreams holds thousands of streams that wait, and some whose client
// reads nothing at all: the memory is bounded, each of those that read hears of a
// change at once, nobody waits for the others, and they are dropped.
func TestFault14IdleStreams(t *testing.T) {
	const deaf = 10
	data := newData(t)
	serve(t, data).stop()
	key := newKey(t, data, "flags:*")
	c := serve(t, data)
	done := func(a answer, err error) answer {
		t.Helper()
		must(t, err)
		if a.status >= 300 {
			t.Fatal(a)
		}
		return a
	}
	done(c.ask(key, "PUT", "/-/api/v1/flags/f", `{"definition":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}}`))
	var all struct {
		EventStreams []struct{ URL string }
	}
	must(t, json.Unmarshal(done(c.ask(key, "POST", "/-/ofrep/v1/evaluate/flags", `{"context":{}}`)).body, &all))
	stream := all.EventStreams[0].URL

	before := c.resident()
	conns := make([]net.Conn, *idle)
	var opening sync.WaitGroup
	for part := range 8 {
		opening.Go(func() {
			for i := part; i < len(conns); i += 8 {
				conns[i] = c.listen(stream, 0)
			}
		})
	}
	opening.Wait()
	grown := c.resident() - before
	if each := grown / int64(*idle); each > streamBar {
		t.Errorf("a stream takes %d bytes, and may take %d", each, streamBar)
	}
	if a := done(c.ask(key, "POST", "/-/ofrep/v1/evaluate/flags/f", `{"context":{}}`)); !strings.Contains(string(a.body), `"value":true`) {
		t.Errorf("meanwhile: %s", a)
	}
	began := time.Now()
	done(c.ask(key, "PUT", "/-/api/v1/flags/kill", `{"all":true,"reason":"the test says so"}`))
	var heard sync.WaitGroup
	var last atomic.Int64
	for part := range 8 {
		heard.Go(func() {
			for i := part; i < len(conns); i += 8 {
				if err := until(conns[i], "refetchEvaluation"); err != nil {
					t.Errorf("stream %d: %v", i, err)
					return
				}
				last.Store(max(last.Load(), int64(time.Since(began))))
			}
		})
	}
	heard.Wait()
	after := c.resident() - before
	if each := after / int64(*idle); each > streamBar {
		t.Errorf("after a change a stream takes %d bytes, and may take %d", each, streamBar)
	}
	t.Logf("%d streams: %d kB each while they wait, %d kB after a change; all heard of it after %s", *idle, grown/int64(*idle)>>10, after/int64(*idle)>>10, time.Duration(last.Load()))
	for _, conn := range conns[1:] {
		conn.Close()
	}
	c.dropsWhoDoesNotRead(key, stream, conns[0], deaf)
}

// dropsWhoDoesNotRead changes a flag until streams whose clients read nothing are
// full, while one that reads hears of each change.
func (c *child) dropsWhoDoesNotRead(key, stream string, reader net.Conn, deaf int) {
	c.t.Helper()
	eventually(c.t, 30*time.Second, "the streams that were closed are gone", func() bool { return c.metric("seaworthy_flags_streams") == 1 })
	for range deaf {
		defer c.listen(stream, 1).Close()
	}
	for n := 0; c.metric("seaworthy_flags_streams") > 1; n++ {
		if n == 5000 {
			c.t.Fatal("streams that nobody reads stay open")
		}
		began := time.Now()
		if a, err := c.ask(key, "PUT", "/-/api/v1/flags/kill", fmt.Sprintf(`{"all":%t,"reason":"the test says so"}`, n%2 == 1)); err != nil || a.status != 200 {
			c.t.Fatal(a, err)
		}
		if err := until(reader, "refetchEvaluation"); err != nil || time.Since(began) > 5*time.Second {
			c.t.Fatalf("who reads heard of change %d after %s: %v", n, time.Since(began), err)
		}
	}
}
