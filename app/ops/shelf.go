package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seaworthy/store/replica/bucket"
)

// Item is a copy on a shelf.
type Item struct {
	Name  string
	Bytes int64
	Made  time.Time
}

// Shelf is where copies are kept.
type Shelf interface {
	// Put stores what r holds under a name that is new; it is there whole or not at all.
	Put(ctx context.Context, name string, r io.Reader) (int64, error)
	List(ctx context.Context) ([]Item, error)
	Delete(ctx context.Context, name string) error
	String() string // for people, without secrets
}

// FolderShelf keeps copies in a folder, which had better be on another disk.
type FolderShelf string

// String implements Shelf.
func (f FolderShelf) String() string { return string(f) }

// Put implements Shelf.
func (f FolderShelf) Put(_ context.Context, name string, r io.Reader) (int64, error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return 0, err
	}
	if err := f.sweep(); err != nil {
		return 0, err
	}
	tmp, err := os.CreateTemp(string(f), halfPrefix+"*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(tmp.Name())
	n, err := io.Copy(tmp, r)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return 0, err
	}
	return n, os.Rename(tmp.Name(), filepath.Join(string(f), name))
}

// halfPrefix begins the name of a copy that is not whole yet.
const halfPrefix = ".copy-"

// sweep removes what processes left that were killed amid a copy: each is as large as the
// database. One that is younger than any copy takes may be another server's, for which this is
// the folder, too.
func (f FolderShelf) sweep() error {
	left, err := filepath.Glob(filepath.Join(string(f), halfPrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		info, err := os.Stat(path)
		if err != nil || time.Since(info.ModTime()) < 2*longest {
			continue // it has just got its name, or is being written
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove what an earlier copy left: %w", err)
		}
	}
	return nil
}

// List implements Shelf.
func (f FolderShelf) List(context.Context) (all []Item, err error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && ours(e.Name()) {
			all = append(all, Item{e.Name(), info.Size(), madeAt(e.Name())})
		}
	}
	return all, nil
}

// Delete implements Shelf.
func (f FolderShelf) Delete(_ context.Context, name string) error {
	return os.Remove(filepath.Join(string(f), name))
}

// BucketShelf keeps copies below a prefix of a bucket.
type BucketShelf struct {
	Bucket *bucket.Bucket
	Prefix string // with a slash at its end, or ""
	Shown  string // for people
}

// String implements Shelf.
func (b BucketShelf) String() string { return b.Shown }

// Put implements Shelf.
func (b BucketShelf) Put(ctx context.Context, name string, r io.Reader) (int64, error) {
	return b.Bucket.Upload(ctx, b.Prefix+name, r, nil)
}

// List implements Shelf.
func (b BucketShelf) List(ctx context.Context) (all []Item, err error) {
	page, err := b.Bucket.List(ctx, b.Prefix, false, nil)
	for ; page != nil && err == nil; page, err = b.Bucket.List(ctx, b.Prefix, false, page) {
		for _, o := range page.Objects {
			if name := strings.TrimPrefix(o.Key, b.Prefix); ours(name) {
				all = append(all, Item{name, o.Size, madeAt(name)})
			}
		}
	}
	return all, err
}

// Delete implements Shelf.
func (b BucketShelf) Delete(ctx context.Context, name string) error {
	return b.Bucket.Delete(ctx, b.Prefix+name)
}

const (
	copyPrefix = "seaworthy-"
	copyStamp  = "20060102T150405Z"
)

// copyName is the name of a copy of that time.
func copyName(at time.Time, sealed bool) string {
	name := copyPrefix + at.UTC().Format(copyStamp) + ".db.zst"
	if sealed {
		name += ".age"
	}
	return name
}

// ours says whether a file is one of our copies, and so may be deleted when it is old.
func ours(name string) bool {
	return !madeAt(name).IsZero() && (strings.HasSuffix(name, ".db.zst") || strings.HasSuffix(name, ".db.zst.age"))
}

// madeAt is the time in the name of a copy, zero for other files.
func madeAt(name string) time.Time {
	stamp, ok := strings.CutPrefix(name, copyPrefix)
	stamp, _, _ = strings.Cut(stamp, ".")
	at, err := time.Parse(copyStamp, stamp)
	if !ok || err != nil {
		return time.Time{}
	}
	return at
}

// OpenShelf opens a folder, or s3://bucket/prefix?endpoint=https://...&region=... with the keys given.
func OpenShelf(place, keyID, secret string) (Shelf, error) {
	if !strings.HasPrefix(place, "s3://") {
		if strings.Contains(place, "://") {
			return nil, fmt.Errorf("%q is neither a folder nor s3://bucket/prefix", place)
		}
		abs, err := filepath.Abs(place)
		return FolderShelf(abs), err
	}
	name, prefix, o, err := parseS3(place)
	if err != nil {
		return nil, err
	}
	o.AccessKeyID, o.SecretAccessKey = keyID, secret
	b, err := bucket.Open(o)
	if err != nil {
		return nil, err
	}
	shown := "s3://" + name + "/" + strings.TrimSuffix(prefix, "/")
	if o.Endpoint != "" {
		shown += " at " + o.Endpoint
	}
	return BucketShelf{Bucket: b, Prefix: prefix, Shown: shown}, nil
}
