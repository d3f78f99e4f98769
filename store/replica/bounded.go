package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// bounded is a replica client whose every call ends. Litestream passes contexts
// without deadlines from its compaction monitors, and S3's own timeout is 24
// hours: one silent connection would hold Litestream's locks for a day. A call
// may take as long as it likes while bytes move, but not stay silent.
type bounded struct {
	make     func() litestream.ReplicaClient
	patience time.Duration   // how long a call may stay silent
	calls    *sync.WaitGroup // counts the calls that run; may be nil
	writes   *writes         // of all sessions
	epoch    string          // whose objects these are

	mu      sync.Mutex
	inner   litestream.ReplicaClient
	made    int
	log     *slog.Logger
	streams map[*watch]struct{} // uploads of unknown size: snapshots and compactions
}

// streamPatience is the factor for an upload in parts, which reads ahead and
// then falls silent while the parts travel.
const streamPatience = 6

// errAborted is the cause of a snapshot given up to let the log be emptied.
var errAborted = errors.New("given up: the write-ahead log grew too large meanwhile")

func newBounded(patience time.Duration, make func() litestream.ReplicaClient) *bounded {
	return &bounded{make: make, patience: patience, writes: &writes{}, streams: map[*watch]struct{}{}}
}

// client returns the client to call and which one it is, counted from 1.
func (b *bounded) client() (litestream.ReplicaClient, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inner == nil {
		b.inner = b.make()
		b.made++
		if b.log != nil {
			b.inner.SetLogger(b.log)
		}
	}
	return b.inner, b.made
}

// settle drops a client whose connection fell silent: sftp's would be tried
// again and again otherwise.
func (b *bounded) settle(used int, err error) error {
	if errors.Is(err, errSilent) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.made == used {
			b.inner = nil
		}
	}
	return err
}

// abort ends the uploads that keep Litestream from emptying the log.
func (b *bounded) abort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.streams {
		w.cancel(errAborted)
	}
}

// Type is the kind of the client within.
func (b *bounded) Type() string {
	c, _ := b.client()
	return c.Type()
}

// Init does nothing: every call of Litestream's clients connects when it must,
// so that a replica that is down does not keep Litestream from starting.
func (b *bounded) Init(context.Context) error { return nil }

// SetLogger is kept for clients made later.
func (b *bounded) SetLogger(log *slog.Logger) {
	b.mu.Lock()
	b.log = log
	inner := b.inner
	b.mu.Unlock()
	if inner != nil {
		inner.SetLogger(log)
	}
}

// LTXFiles reads the whole list at once: Litestream's iterators go on calling
// the replica after they were returned.
func (b *bounded) LTXFiles(ctx context.Context, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	c, n := b.client()
	w := newWatch(ctx, b.patience)
	defer w.stop()
	infos, err := await(w.ctx, b.calls, fmt.Sprintf("list level %d", level), nil, func(ctx context.Context) ([]*ltx.FileInfo, error) {
		it, err := c.LTXFiles(ctx, level, seek, metadata)
		if err != nil {
			return nil, err
		}
		var all []*ltx.FileInfo
		for it.Next() {
			w.progress()
			all = append(all, it.Item())
		}
		return all, errors.Join(it.Err(), it.Close())
	})
	if err != nil {
		return nil, b.settle(n, err)
	}
	return ltx.NewFileInfoSliceIterator(infos), nil
}

// OpenLTXFile opens one object; reading it is watched as well.
func (b *bounded) OpenLTXFile(ctx context.Context, level int, low, high ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	c, n := b.client()
	w := newWatch(ctx, b.patience)
	body, err := await(w.ctx, b.calls, "open "+ltx.FormatFilename(low, high), closeLate, func(ctx context.Context) (io.ReadCloser, error) {
		return c.OpenLTXFile(ctx, level, low, high, offset, size)
	})
	if err != nil {
		w.stop()
		return nil, b.settle(n, err)
	}
	w.pause()
	return &watchedBody{body: body, w: w}, nil
}

// WriteLTXFile uploads one object while r is being read.
func (b *bounded) WriteLTXFile(ctx context.Context, level int, low, high ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	c, n := b.client()
	name := fmt.Sprintf("write %s of level %d", ltx.FormatFilename(low, high), level)
	f, sized := r.(seekable)
	silence := streamPatience * b.patience
	if sized {
		silence = b.patience
	}
	w := newWatch(ctx, silence)
	defer w.stop()
	body := io.Reader(watchedReader{r, w})
	if sized {
		// S3 retries and sizes an upload by seeking.
		body = watchedFile{f, w}
	} else {
		b.mu.Lock()
		b.streams[w] = struct{}{}
		b.mu.Unlock()
		defer func() {
			b.mu.Lock()
			delete(b.streams, w)
			b.mu.Unlock()
		}()
	}
	info, err := await(w.ctx, b.calls, name, nil, func(ctx context.Context) (*ltx.FileInfo, error) {
		leave, err := b.writes.enter(ctx, b.epoch+" "+name)
		if err != nil {
			return nil, err
		}
		defer leave()
		return c.WriteLTXFile(ctx, level, low, high, body)
	})
	return info, b.settle(n, err)
}

// DeleteLTXFiles deletes in portions, each with a deadline of its own.
func (b *bounded) DeleteLTXFiles(ctx context.Context, infos []*ltx.FileInfo) error {
	c, n := b.client()
	for len(infos) > 0 {
		part := infos[:min(len(infos), 100)]
		_, err := within(ctx, b.patience, "delete old files", func(ctx context.Context) (struct{}, error) {
			return struct{}{}, c.DeleteLTXFiles(ctx, part)
		})
		if err != nil {
			return b.settle(n, err)
		}
		infos = infos[len(part):]
	}
	return nil
}

// DeleteAll is refused: nothing of ours deletes an epoch.
func (b *bounded) DeleteAll(context.Context) error {
	return errKept
}

func closeLate(c io.ReadCloser) { c.Close() }
