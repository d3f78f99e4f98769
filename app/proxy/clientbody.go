package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// clientBody remembers what was wrong with what the client sent, which is no fault of the
// app's, and whether all of it was read.
type clientBody struct {
	io.ReadCloser
	left  atomic.Int64 // bytes of what was announced; below 0 if nothing was
	whole atomic.Bool
	err   atomic.Pointer[error]
}

func newClientBody(r *http.Request) *clientBody {
	b := &clientBody{ReadCloser: r.Body}
	b.left.Store(r.ContentLength)
	return b
}

func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left.Add(-int64(n)) == 0 || errors.Is(err, io.EOF) {
		b.whole.Store(true)
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, http.ErrBodyReadAfterClose) {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
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
