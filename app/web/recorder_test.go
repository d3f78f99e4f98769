package web

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
)

// broken is an answer whose client is gone.
type broken struct {
	*httptest.ResponseRecorder
	err error
}

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestAnAnswerThatCannotBeSentIsNoFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
	}{
		{syscall.EPIPE, clientGone}, {syscall.ECONNRESET, clientGone},
		{http.ErrBodyNotAllowed, 500}, {http.ErrContentLength, 500}, // mistakes of the handler
	} {
		err := JSON(&recorder{ResponseWriter: broken{httptest.NewRecorder(), c.err}}, http.StatusOK, "x")
		if got := AsError(err).Status; got != c.status || !errors.Is(err, c.err) {
			t.Errorf("%v: %d, want %d", err, got, c.status)
		}
	}
}

func TestWhatIsSaidInBetweenIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		said []int
		want int
	}{
		{[]int{103, 200}, 200}, {[]int{100, 103, 404}, 404}, {[]int{101}, 101}, {[]int{103}, 0}, {[]int{200, 500}, 200},
	} {
		rec := &recorder{ResponseWriter: httptest.NewRecorder()}
		for _, status := range c.said {
			rec.WriteHeader(status)
		}
		if rec.status != c.want {
			t.Errorf("%v: %d, want %d", c.said, rec.status, c.want)
		}
	}
	rec := &recorder{ResponseWriter: httptest.NewRecorder()}
	rec.WriteHeader(http.StatusEarlyHints)
	if rec.Write([]byte("x")); rec.status != http.StatusOK {
		t.Errorf("an answer behind hints is %d", rec.status)
	}
}

// Whoever gets an answer while the process is about to stop is told that the connection ends,
// also if his request was there before: else he would use it again, and find it closed.
func TestTheLastAnswerSaysGoodbye(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"words":         func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("x")) },
		"a status":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"what streams":  func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"an error":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
		"another place": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) },
	}
	for name, answer := range answers {
		for _, stops := range []bool{false, true} {
			stop := make(chan struct{})
			s := &Server{Options: Options{Stop: stop, NewID: func(string) string { return "req_1" }}, log: slog.New(slog.DiscardHandler)}
			server := httptest.NewServer(s.outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if stops {
					close(stop) // the request is here already
				}
				answer(w, r)
			})))
			client := server.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			res, err := client.Get(server.URL)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			res.Body.Close()
			if res.Close != stops {
				t.Errorf("%s: Connection: close is %t, want %t", name, res.Close, stops)
			}
			server.Close()
		}
	}
	rec := &recorder{ResponseWriter: httptest.NewRecorder(), stop: closed()}
	if rec.WriteHeader(http.StatusSwitchingProtocols); rec.Header().Get("Connection") != "" {
		t.Error("one who is let go says that he goes") // and what he becomes stays open
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
