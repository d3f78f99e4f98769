package sentry

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Body unpacks a body while it is read, and fails with ErrTooLarge beyond the limits. An
// empty encoding is none: Ruby's SDK sends the header without a value. Close frees it.
func Body(r io.Reader, encoding string) (io.ReadCloser, error) {
	in := &counter{r: r}
	b := &body{in: in, free: func() {}}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		b.out, b.plain = in, true
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, unpackError(err)
		}
		b.out = z
	case "deflate":
		return b, b.deflate()
	case "br":
		b.out = brotli.NewReader(in)
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxInflated), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, unpackError(err)
		}
		b.out, b.free = z, z.Close
	default:
		return nil, ErrEncoding
	}
	return b, nil
}

// deflate is zlib by the standard (RFC 9110 section 8.4.1.2), and without its header from
// some programs.
func (b *body) deflate() error {
	peek := bufio.NewReader(b.in)
	head, err := peek.Peek(2)
	if err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		b.out, err = zlib.NewReader(peek)
		if err != nil {
			return unpackError(err)
		}
		return nil
	}
	b.out = flate.NewReader(peek)
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.n > MaxBody {
		return n, ErrTooLarge
	}
	return n, err
}

type body struct {
	in    *counter
	out   io.Reader
	n     int64
	plain bool
	free  func()
}

// slack is what any body may grow to: short ones that repeat themselves are no bombs.
const slack = 1 << 20

func (b *body) Read(p []byte) (int, error) {
	n, err := b.out.Read(p)
	b.n += int64(n)
	if b.n > MaxInflated || !b.plain && b.n > slack && b.n > MaxRatio*b.in.n {
		return n, ErrTooLarge
	}
	if err != nil && err != io.EOF {
		err = unpackError(err)
	}
	return n, err
}

func (b *body) Close() error {
	b.free()
	return nil
}

// unpackError tells a body that is no sound archive from one that could not be read.
func unpackError(err error) error {
	if errors.Is(err, ErrTooLarge) || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return ErrTooLarge
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}
