package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
	"golang.org/x/sync/errgroup"

	"seaworthy/store/replica/bucket"
)

// s3Client is a litestream.ReplicaClient over a bucket: the same keys and the same
// metadata as Litestream's own, so that the stock command restores what it wrote.
type s3Client struct {
	rep   Replica
	epoch string

	mu     sync.Mutex
	bucket *bucket.Bucket
}

// timestampMeta is beside each file the time that its header says, because a compacted
// file is stored later than what is in it.
const timestampMeta = "litestream-timestamp"

// clientAttempts is how often something is tried while the provider sheds load; each
// caller has a deadline beside it.
const clientAttempts = 8

func newS3Client(rep Replica, epoch string) *s3Client { return &s3Client{rep: rep, epoch: epoch} }

func (*s3Client) Type() string { return "s3" }

func (*s3Client) SetLogger(*slog.Logger) {}

// Init sets the client up without connecting.
func (c *s3Client) Init(context.Context) error {
	_, err := c.open()
	return err
}

func (c *s3Client) open() (*bucket.Bucket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bucket != nil {
		return c.bucket, nil
	}
	var err error
	c.bucket, err = openBucket(c.rep, clientAttempts)
	return c.bucket, err
}

// folder is the prefix of the files of a level.
func (c *s3Client) folder(level int) string { return fmt.Sprintf("%s/%04x/", c.rep.at(c.epoch), level) }

func (c *s3Client) key(level int, low, high ltx.TXID) string {
	return c.folder(level) + ltx.FormatFilename(low, high)
}

// LTXFiles lists the files of a level from a transaction on. With metadata each one's
// time is that of its content, which costs a request for each.
func (c *s3Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	b, err := c.open()
	if err != nil {
		return nil, err
	}
	return &s3Files{ctx: ctx, bucket: b, prefix: c.folder(level), level: level, seek: seek, metadata: metadata}, nil
}

// OpenLTXFile reads a file from offset on, size bytes or all if size is 0.
func (c *s3Client) OpenLTXFile(ctx context.Context, level int, low, high ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	b, err := c.open()
	if err != nil {
		return nil, err
	}
	body, _, err := b.Get(ctx, c.key(level, low, high), offset, size)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.ErrNotExist
	}
	return body, err
}

// WriteLTXFile stores a file. It appears whole or not at all.
func (c *s3Client) WriteLTXFile(ctx context.Context, level int, low, high ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	b, err := c.open()
	if err != nil {
		return nil, err
	}
	at, whole, err := peek(r)
	if err != nil {
		return nil, fmt.Errorf("read the header of %s: %w", ltx.FormatFilename(low, high), err)
	}
	size, err := b.Upload(ctx, c.key(level, low, high), whole, map[string]string{timestampMeta: at.Format(time.RFC3339Nano)})
	if err != nil {
		return nil, err
	}
	return &ltx.FileInfo{Level: level, MinTXID: low, MaxTXID: high, Size: size, CreatedAt: at}, nil
}

// peek reads the time of an LTX file and returns the whole of it again, as something
// that can seek if it was.
func peek(r io.Reader) (at time.Time, whole io.Reader, err error) {
	if s, ok := r.(io.ReadSeeker); ok {
		if start, err := s.Seek(0, io.SeekCurrent); err == nil {
			h, _, err := ltx.PeekHeader(s)
			if err != nil {
				return at, nil, err
			}
			_, err = s.Seek(start, io.SeekStart)
			return time.UnixMilli(h.Timestamp).UTC(), s, err
		}
	}
	var read bytes.Buffer
	h, _, err := ltx.PeekHeader(io.TeeReader(r, &read))
	return time.UnixMilli(h.Timestamp).UTC(), io.MultiReader(&read, r), err
}

// DeleteLTXFiles deletes files; those that are gone count as deleted.
func (c *s3Client) DeleteLTXFiles(ctx context.Context, infos []*ltx.FileInfo) error {
	b, err := c.open()
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(infos))
	for _, i := range infos {
		keys = append(keys, c.key(i.Level, i.MinTXID, i.MaxTXID))
	}
	return b.Delete(ctx, keys...)
}

// DeleteAll is refused: nothing of ours deletes an epoch.
func (*s3Client) DeleteAll(context.Context) error { return errKept }

var errKept = errors.New("an epoch is never deleted whole")

// s3Files reads a list page by page.
type s3Files struct {
	ctx      context.Context
	bucket   *bucket.Bucket
	prefix   string
	level    int
	seek     ltx.TXID
	metadata bool

	page *bucket.Page
	left []bucket.Object
	done bool
	err  error
	item *ltx.FileInfo
}

func (f *s3Files) Next() bool {
	for f.err == nil {
		if len(f.left) == 0 && !f.more() {
			return false
		}
		if len(f.left) == 0 {
			continue // a page may be empty
		}
		o := f.left[0]
		f.left = f.left[1:]
		name := path.Base(o.Key)
		low, high, err := ltx.ParseFilename(name)
		if err != nil || low < f.seek || strings.TrimPrefix(o.Key, f.prefix) != name {
			continue // something else lies there
		}
		f.item = &ltx.FileInfo{Level: f.level, MinTXID: low, MaxTXID: high, Size: o.Size, CreatedAt: o.Modified}
		return true
	}
	return false
}

// more fetches the next page.
func (f *s3Files) more() bool {
	if f.done || f.err != nil {
		return false
	}
	f.page, f.err = f.bucket.List(f.ctx, f.prefix, false, f.page)
	if f.err != nil || f.page == nil {
		f.done = true
		return false
	}
	f.left = f.page.Objects
	if f.metadata {
		f.err = f.times()
	}
	return f.err == nil
}

// timesAtOnce is how many files are asked about at once.
const timesAtOnce = 50

// times replaces when a file was stored by when what is in it was written.
func (f *s3Files) times() error {
	group, ctx := errgroup.WithContext(f.ctx)
	group.SetLimit(timesAtOnce)
	for i := range f.left {
		o := &f.left[i]
		group.Go(func() error {
			known, err := f.bucket.Head(ctx, o.Key)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted since it was listed
			}
			if err != nil {
				return err
			}
			if at, err := time.Parse(time.RFC3339Nano, known.Meta[timestampMeta]); err == nil {
				o.Modified = at
			}
			return nil
		})
	}
	return group.Wait()
}

func (f *s3Files) Item() *ltx.FileInfo { return f.item }
func (f *s3Files) Err() error          { return f.err }

func (f *s3Files) Close() error {
	f.done, f.left = true, nil
	return f.err
}

var _ litestream.ReplicaClient = (*s3Client)(nil)
