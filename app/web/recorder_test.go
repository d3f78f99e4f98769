package web

import (
	"errors"
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
