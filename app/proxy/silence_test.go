package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

func impatient(t *testing.T, b *behind, silence time.Duration) *apptest.App {
	t.Helper()
	return apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.Upstream, c.ClientSilence = b.URL, silence })
}

// A client that falls silent in the middle of a body does not hold the app for ever, nor a
// connection where the app has gone already; it is told so.
func TestClientFallsSilent(t *testing.T) {
	t.Parallel()
	saw := make(chan error, 2)
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/breaks" {
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
			return
		}
		_, err := io.Copy(io.Discard, r.Body)
		saw <- err
	})
	a := impatient(t, b, 200*time.Millisecond)
	answeredEarly(a, "/reads", "408")
	for range 2 {
		if err := <-saw; err == nil {
			t.Error("to the app, half a body is a whole one")
		}
	}
	answeredEarly(a, "/breaks", "")
	if said := a.Logs(); strings.Contains(said, "panic") {
		t.Error(said)
	}
}

// One who sends a little now and then is not silent, however long it takes; and one whose
// body was read may take his time for the next request, and the app its own for the answer.
func TestSlowClientIsServed(t *testing.T) {
	t.Parallel()
	const silence = 400 * time.Millisecond
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		time.Sleep(2 * silence)
		fmt.Fprint(w, n, err)
	})
	a := impatient(t, b, silence)
	c, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	a.Must(err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	answers := bufio.NewReader(c)
	for range 2 {
		fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n")
		for range 6 {
			time.Sleep(silence / 4)
			io.WriteString(c, "x")
		}
		res, err := http.ReadResponse(answers, nil)
		a.Must(err)
		text, err := io.ReadAll(res.Body)
		if err != nil || string(text) != "6 <nil>" || res.Close {
			t.Errorf("%d %q, closes: %t, %v", res.StatusCode, text, res.Close, err)
		}
		time.Sleep(2 * silence)
	}
}

// Once the app answers, both may be silent: that is a stream both ways.
func TestStreamBothWaysMaySayNothing(t *testing.T) {
	t.Parallel()
	const silence = 200 * time.Millisecond
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.EnableFullDuplex()
		w.WriteHeader(http.StatusOK)
		control.Flush()
		said := make([]byte, 5)
		if _, err := io.ReadFull(r.Body, said); err != nil {
			said = []byte(err.Error())
		}
		w.Write(bytes.ToUpper(said))
	})
	a := impatient(t, b, silence)
	from, to := io.Pipe()
	defer to.Close()
	req, err := http.NewRequest("POST", a.URL+"/talk", from)
	a.Must(err)
	res, err := http.DefaultClient.Do(req)
	a.Must(err)
	defer res.Body.Close()
	time.Sleep(4 * silence)
	io.WriteString(to, "hello")
	to.Close()
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "HELLO" {
		t.Errorf("%q, %v", text, err)
	}
}

// Over HTTP/2 the stream alone ends; others on the connection go on.
func TestStreamFallsSilent(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "read")
	})
	a := impatient(t, b, 200*time.Millisecond)
	front := httptest.NewUnstartedServer(a.Web)
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	for range 3 {
		from, to := io.Pipe()
		go io.WriteString(to, "half")
		req, err := http.NewRequest("POST", front.URL+"/", from)
		a.Must(err)
		res, err := front.Client().Do(req)
		a.Must(err)
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		to.Close()
		if res.ProtoMajor != 2 || res.StatusCode != 408 || !strings.Contains(string(text), "did not come in time") {
			t.Errorf("%s %d %q", res.Proto, res.StatusCode, text)
		}
		res, err = front.Client().Post(front.URL+"/", "text/plain", strings.NewReader("whole"))
		a.Must(err)
		text, _ = io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || string(text) != "read" {
			t.Errorf("%d %q", res.StatusCode, text)
		}
	}
}

// An app that does not read on for a while keeps the client waiting, not the other way round.
func TestAppReadsWhenItLikes(t *testing.T) {
	t.Parallel()
	const silence, size = 200 * time.Millisecond, 32 << 20 // more than lies between them
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(4 * silence)
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})
	a := impatient(t, b, silence)
	front := httptest.NewUnstartedServer(a.Web)
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	for _, url := range []string{a.URL, front.URL} {
		res, err := front.Client().Post(url, "text/plain", bytes.NewReader(make([]byte, size)))
		a.Must(err)
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(text) != fmt.Sprint(size, " <nil>") {
			t.Errorf("%s %d %q, %v", res.Proto, res.StatusCode, text, err)
		}
	}
}
