package proxy

import "sync"

// bufferSize is the size of a piece in which an answer is handed on: what
// httputil.ReverseProxy takes by itself.
const bufferSize = 32 << 10

// buffers lends the pieces of memory through which answers go: made anew for each
// request, they were nearly half of all that a request allocates.
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return p[:]
	}
	return make([]byte, bufferSize)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) {
	if len(p) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(p))
	}
}
