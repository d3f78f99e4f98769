package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// clientBody remembers what was wrong with what the client sends, which is no fault of the
// app's, and whether all of it was read. A client may not be silent for long in the middle of
// it while the app waits to answer: that costs him nothing, and the app a connection, or one
// of few workers. Nor would the transport tell sooner that the app has gone. Once the app
// answers it is theirs to say how long a silence may be, as in a stream both ways.
type clientBody struct {
	io.ReadCloser
	left  atomic.Int64 // bytes of what was announced; below 0 if nothing was
	whole atomic.Bool
	err   atomic.Pointer[error]

	control *http.ResponseController
	silence time.Duration
	mu      sync.Mutex
	patient bool // no silence is too long
}

func newClientBody(r *http.Request, control *http.ResponseController, silence time.Duration) *clientBody {
	b := &clientBody{ReadCloser: r.Body, control: control, silence: silence}
	b.left.Store(r.ContentLength)
	return b
}

func (b *clientBody) Read(p []byte) (int, error) {
	b.until(time.Now().Add(b.silence))
	n, err := b.ReadCloser.Read(p)
	b.until(time.Time{}) // nor is it he who is silent while the app does not read on
	if b.left.Add(-int64(n)) == 0 || errors.Is(err, io.EOF) {
		b.whole.Store(true)
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, http.ErrBodyReadAfterClose) {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// until is when the client must have sent some more; the zero time if he need not.
func (b *clientBody) until(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.patient {
		_ = b.control.SetReadDeadline(t) // a writer without deadlines, as in tests, has none
	}
}

// wait lets him be silent from here on.
func (b *clientBody) wait() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.patient {
		b.patient = true
		_ = b.control.SetReadDeadline(time.Time{})
	}
}

// Close ends the body with the handler, whose writer must not be touched any more: the transport
// may come here once again after that. What the client has left of his time bounds what http.Server
// still reads.
func (b *clientBody) Close() error {
	b.mu.Lock()
	b.patient = true
	b.mu.Unlock()
	return b.ReadCloser.Close()
}

// stalled reports whether the client was silent for too long.
func (b *clientBody) stalled() bool {
	return b.broken() && errors.Is(*b.err.Load(), os.ErrDeadlineExceeded)
}

// broken reports whether the client sent what cannot be read.
func (b *clientBody) broken() bool { return b != nil && b.err.Load() != nil }

// lingering is how long the server may read and drop the rest of a body before it closes the
// connection: a client that still sends would lose the answer otherwise.
const lingering = 5 * time.Second

// closes reports whether the connection ends with an answer that begins now: a rest of the
// body that nobody reads stands in the way of the next request, and the client must be told
// (RFC 9112 section 9.6). HTTP/2 ends the stream alone.
func (p *passage) closes() bool {
	return p.client.ProtoMajor == 1 && p.body != nil && !p.body.whole.Load()
}
