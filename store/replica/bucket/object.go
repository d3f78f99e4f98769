package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Object is what is known of an object without reading it.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time         // when it was stored, by the provider's clock
	Tag      string            // of this version of it
	Meta     map[string]string // what was stored beside it, names in small letters; not in lists
}

// Get reads an object from offset on, size bytes or up to its end if size is 0.
// fs.ErrNotExist if there is none.
func (b *Bucket) Get(ctx context.Context, key string, offset, size int64) (io.ReadCloser, Object, error) {
	c := call{method: http.MethodGet, key: key, header: http.Header{}, encrypted: true}
	if offset > 0 || size > 0 {
		end := ""
		if size > 0 {
			end = strconv.FormatInt(offset+size-1, 10)
		}
		c.header.Set("Range", fmt.Sprintf("bytes=%d-%s", offset, end))
	}
	r, err := b.do(ctx, c)
	if err != nil {
		return nil, Object{}, err
	}
	if c.header.Get("Range") != "" && r.StatusCode != http.StatusPartialContent && offset > 0 {
		r.Body.Close()
		return nil, Object{}, fmt.Errorf("get %s: the service ignores ranges", key)
	}
	if size > 0 && r.StatusCode == http.StatusOK { // all of it, because the service ignores ranges or it is not larger
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(r.Body, size), r.Body}, object(key, r), nil
	}
	return r.Body, object(key, r), nil
}

// Head tells what is known of an object. fs.ErrNotExist if there is none.
func (b *Bucket) Head(ctx context.Context, key string) (Object, error) {
	r, err := b.do(ctx, call{method: http.MethodHead, key: key, encrypted: true})
	if err != nil {
		return Object{}, err
	}
	discard(r)
	return object(key, r), nil
}

func object(key string, r *http.Response) Object {
	o := Object{Key: key, Size: r.ContentLength, Tag: r.Header.Get("Etag"), Meta: map[string]string{}}
	o.Modified, _ = http.ParseTime(r.Header.Get("Last-Modified"))
	for name := range r.Header {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			o.Meta[rest] = r.Header.Get(name)
		}
	}
	return o
}

// Condition says what must be there for a write to happen. The zero value asks for nothing.
type Condition struct {
	Absent bool   // there is no object of that key
	Tag    string // it is the version with this tag
}

func (c Condition) header(h http.Header) {
	switch {
	case c.Absent:
		h.Set("If-None-Match", "*")
	case c.Tag != "":
		h.Set("If-Match", c.Tag)
	}
}

// Put stores an object at once and returns the tag of this version. ErrChanged if the
// condition does not hold, ErrNoConditions if the service has none. A write whose answer
// was lost is tried again and can then meet itself: ErrChanged is no proof of another writer.
func (b *Bucket) Put(ctx context.Context, key string, data []byte, kind string, when Condition) (tag string, err error) {
	h := http.Header{"Content-Type": {kind}}
	when.header(h)
	return b.put(ctx, call{key: key, header: h, body: bytes.NewReader(data), size: int64(len(data))})
}

func (b *Bucket) put(ctx context.Context, c call) (tag string, err error) {
	c.method, c.encrypted = http.MethodPut, true
	r, err := b.do(ctx, c)
	if err != nil {
		return "", conditional(err, c.header)
	}
	discard(r)
	if tag = r.Header.Get("Etag"); tag == "" {
		return "", fmt.Errorf("put %s: the service returned no tag", c.key)
	}
	return tag, nil
}

// conditional names what a refusal means for a request with a condition.
func conditional(err error, h http.Header) error {
	var refused *Error
	if !errors.As(err, &refused) || h.Get("If-Match")+h.Get("If-None-Match") == "" {
		return err
	}
	switch refused.Status {
	case http.StatusPreconditionFailed, http.StatusConflict:
		return fmt.Errorf("%w: %w", ErrChanged, err)
	case http.StatusNotFound: // If-Match of what was deleted meanwhile
		if refused.Code != "NoSuchBucket" {
			return fmt.Errorf("%w: %w", ErrChanged, err)
		}
	case http.StatusNotImplemented:
		return fmt.Errorf("%w: %w", ErrNoConditions, err)
	}
	return err
}
