package web

import (
	"context"
	"crypto/tls"
	"net"
	"time"
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

// CutOff lets the client send for some time more and not a moment longer, after the handler
// has returned too: for a connection that takes no further request. A deadline that a handler
// sets is lifted by http.Server if somebody still reads the body when it returns.
func CutOff(ctx context.Context, after time.Duration) {
	if c, ok := ctx.Value(connKey{}).(net.Conn); ok {
		time.AfterFunc(after, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	}
}
