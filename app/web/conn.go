package web

import (
	"context"
	"crypto/tls"
	"net"
)

type connKey struct{}

// WithConn has requests know their connection; it is a http.Server's ConnContext.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// BoundUnsent bounds what the kernel keeps of an answer that its client does not
// read, to about n bytes: without it that may become megabytes for each of thousands
// of streams before a write fails.
func BoundUnsent(ctx context.Context, n int) {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if b, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		b.SetWriteBuffer(n) // what cannot be set is as it was
	}
}
