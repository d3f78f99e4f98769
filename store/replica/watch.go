package replica

import (
	"context"
	"io"
	"os"
	"time"
)

// watch ends a context when nothing has moved for a while.
type watch struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	silence time.Duration
	timer   *time.Timer
}

func newWatch(ctx context.Context, silence time.Duration) *watch {
	w := &watch{silence: silence}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(silence, func() { w.cancel(errSilent) })
	return w
}

func (w *watch) progress() { w.timer.Reset(w.silence) }
func (w *watch) pause()    { w.timer.Stop() }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}

// seekable is what S3 needs of a body to send it in parts and to send it again.
type seekable interface {
	io.ReadSeeker
	io.ReaderAt
}

var _ seekable = (*os.File)(nil)

// watchedReader reports that an upload moves.
type watchedReader struct {
	r io.Reader
	w *watch
}

func (r watchedReader) Read(p []byte) (int, error) {
	if r.w.ctx.Err() != nil {
		return 0, context.Cause(r.w.ctx)
	}
	r.w.progress()
	n, err := r.r.Read(p)
	if n > 0 && r.w.ctx.Err() == nil {
		r.w.progress()
	}
	return n, err
}

// watchedFile is a watchedReader that seeks.
type watchedFile struct {
	f seekable
	w *watch
}

func (f watchedFile) Read(p []byte) (int, error) { return watchedReader{f.f, f.w}.Read(p) }

func (f watchedFile) Seek(offset int64, whence int) (int64, error) { return f.f.Seek(offset, whence) }

func (f watchedFile) ReadAt(p []byte, offset int64) (int, error) {
	if f.w.ctx.Err() != nil {
		return 0, context.Cause(f.w.ctx)
	}
	f.w.progress()
	return f.f.ReadAt(p, offset)
}

// watchedBody is a download. Only a Read under way counts as silence: a reader
// that waits for its consumer is not the replica's fault.
type watchedBody struct {
	body io.ReadCloser
	w    *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.w.progress()
	defer b.w.pause()
	// Not every client's body heeds a context; closing it always ends a Read.
	stop := context.AfterFunc(b.w.ctx, func() { b.body.Close() })
	defer stop()
	n, err := b.body.Read(p)
	if err != nil && err != io.EOF && b.w.ctx.Err() != nil {
		err = context.Cause(b.w.ctx)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.w.stop()
	return b.body.Close()
}
