package bucket

import (
	"io"
	"net/http"
	"sync"
)

// body is what one attempt sends. A service may answer before it has read all of it, and
// the transport goes on reading for a while then ([http.RoundTripper]); the reader and its
// buffer belong to the next attempt by that time, so an attempt that is over lets go of them.
type body struct {
	mu   sync.Mutex
	r    io.Reader
	over bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.r.Read(p)
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return nil
}
