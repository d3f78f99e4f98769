package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// deadlines is a writer that counts how often it is given one.
type deadlines struct {
	*httptest.ResponseRecorder
	set int
}

func (d *deadlines) SetReadDeadline(time.Time) error { d.set++; return nil }

// Once the handler has returned its writer is another's, or nobody's: the transport may still
// come for the body.
func TestABodyThatIsClosedLeavesTheWriterAlone(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/", strings.NewReader("body"))
	b := newClientBody(r, http.NewResponseController(w), time.Minute)
	if _, err := b.Read(make([]byte, 2)); err != nil || w.set != 2 {
		t.Fatalf("%v, %d deadlines for the first read, want one and its end", err, w.set)
	}
	b.Close()
	if _, err := b.Read(make([]byte, 2)); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error(err)
	}
	b.wait()
	if w.set != 2 {
		t.Errorf("%d deadlines, want none after the body was closed", w.set-2)
	}
}
