package bucket

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// Upload stores what r holds, in parts if it is larger than one, and returns how many
// bytes that were. meta is kept beside it. An object appears whole or not at all.
// A r that can seek is read in place; of any other a few parts are held in memory.
func (b *Bucket) Upload(ctx context.Context, key string, r io.Reader, meta map[string]string) (size int64, err error) {
	h := http.Header{"Content-Type": {"application/octet-stream"}}
	for name, value := range meta {
		h.Set("X-Amz-Meta-"+name, value)
	}
	if s, ok := r.(io.ReadSeeker); ok {
		if start, err := s.Seek(0, io.SeekCurrent); err == nil {
			end, err := s.Seek(0, io.SeekEnd)
			if err != nil {
				return 0, fmt.Errorf("upload %s: find the end: %w", key, err)
			}
			if _, err := s.Seek(start, io.SeekStart); err != nil {
				return 0, fmt.Errorf("upload %s: rewind: %w", key, err)
			}
			if end-start <= b.o.PartSize {
				_, err := b.put(ctx, call{key: key, header: h, body: s, size: end - start})
				return end - start, err
			}
		}
	}
	rest := &reader{r, b.o.PartSize, make(chan []byte, b.o.Concurrency+1)}
	first, last, err := rest.next()
	if err != nil {
		return 0, fmt.Errorf("upload %s: %w", key, err)
	}
	if last {
		_, err := b.put(ctx, call{key: key, header: h, body: bytes.NewReader(first), size: int64(len(first))})
		return int64(len(first)), err
	}
	return b.inParts(ctx, key, h, first, rest)
}

// reader yields part after part, in buffers that are used again.
type reader struct {
	r    io.Reader
	size int64
	free chan []byte
}

// next reads a part; last says that nothing follows it.
func (r *reader) next() (data []byte, last bool, err error) {
	select {
	case data = <-r.free:
	default:
		data = make([]byte, r.size)
	}
	n, err := io.ReadFull(r.r, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return data[:n], true, nil
	}
	return data, false, err
}

// giveBack returns a buffer that nobody reads any more.
func (r *reader) giveBack(data []byte) {
	select {
	case r.free <- data[:cap(data)]:
	default:
	}
}

// mostParts is how many parts an object may have.
const mostParts = 10_000

type part struct {
	Number int    `xml:"PartNumber"`
	Tag    string `xml:"ETag"`
}

// inParts stores an object part by part. One that fails is taken back, because parts
// that belong to nothing are paid for.
func (b *Bucket) inParts(ctx context.Context, key string, h http.Header, first []byte, rest *reader) (size int64, err error) {
	id, err := b.begin(ctx, key, h)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			b.abandon(ctx, key, id)
		}
	}()
	all, size, err := b.parts(ctx, key, id, first, rest)
	if err != nil {
		return 0, fmt.Errorf("upload %s: %w", key, err)
	}
	return size, b.complete(ctx, key, id, all)
}

// abandon takes back the parts of an upload. What cancelled that must not cancel this.
func (b *Bucket) abandon(ctx context.Context, key, id string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if r, err := b.do(ctx, call{method: http.MethodDelete, key: key, query: url.Values{"uploadId": {id}}}); err == nil {
		discard(r)
	}
}

// parts sends the parts, as many at once as may travel.
func (b *Bucket) parts(ctx context.Context, key, id string, data []byte, rest *reader) (all []part, size int64, err error) {
	group, going := errgroup.WithContext(ctx)
	group.SetLimit(b.o.Concurrency)
	sent := make(chan part, mostParts)
	for last := false; err == nil && len(data) > 0 && going.Err() == nil; {
		number := len(all) + 1
		if number > mostParts {
			err = errors.New("it has more parts than an object may have")
			break
		}
		all = append(all, part{Number: number})
		size += int64(len(data))
		this := data
		group.Go(func() error { // waits for a place
			defer rest.giveBack(this)
			q := url.Values{"partNumber": {strconv.Itoa(number)}, "uploadId": {id}}
			tag, err := b.put(going, call{key: key, query: q, body: bytes.NewReader(this), size: int64(len(this))})
			if err == nil {
				sent <- part{number, tag}
			}
			return err
		})
		if data = nil; !last {
			data, last, err = rest.next()
		}
	}
	if failed := group.Wait(); failed != nil {
		return nil, 0, failed
	}
	if err == nil {
		err = ctx.Err()
	}
	close(sent)
	for p := range sent {
		all[p.Number-1] = p
	}
	return all, size, err
}

func (b *Bucket) begin(ctx context.Context, key string, h http.Header) (id string, err error) {
	r, err := b.do(ctx, call{method: http.MethodPost, key: key, query: url.Values{"uploads": {""}}, header: h, encrypted: true})
	if err != nil {
		return "", err
	}
	var began struct {
		XMLName xml.Name `xml:"InitiateMultipartUploadResult"`
		ID      string   `xml:"UploadId"`
	}
	if err := read(r, &began); err != nil {
		return "", fmt.Errorf("begin the upload of %s: %w", key, err)
	}
	if began.ID == "" {
		return "", fmt.Errorf("begin the upload of %s: the service returned no id", key)
	}
	return began.ID, nil
}

// complete makes the parts an object. S3 may answer 200 before it knows, and put the
// error into the body.
func (b *Bucket) complete(ctx context.Context, key, id string, all []part) error {
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Parts   []part   `xml:"Part"`
	}{Parts: all})
	if err != nil {
		return fmt.Errorf("list the parts of %s: %w", key, err)
	}
	r, err := b.do(ctx, call{method: http.MethodPost, key: key, query: url.Values{"uploadId": {id}},
		header: http.Header{"Content-Type": {"application/xml"}}, body: bytes.NewReader(body), size: int64(len(body))})
	if err != nil {
		return err
	}
	var said struct {
		XMLName xml.Name
		Tag     string `xml:"ETag"`
		Code    string
		Message string
	}
	if err := read(r, &said); err != nil {
		return fmt.Errorf("complete the upload of %s: %w", key, err)
	}
	if said.XMLName.Local == "Error" {
		return fmt.Errorf("complete the upload of %s: %w", key, &Error{Status: r.StatusCode, Code: line(said.Code), Message: line(said.Message)})
	}
	if said.Tag == "" {
		return fmt.Errorf("complete the upload of %s: the service returned no tag", key)
	}
	return nil
}
