package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Page is a part of a list, in the order of keys (as bytes).
type Page struct {
	Objects []Object
	Folders []string // with the slash at the end; only if asked for
	next    string
}

// List returns the objects whose keys begin with prefix, up to a thousand at once. With
// folders, what lies below the next slash is only named. after is the page before, nil
// for the first; the result is nil when there is nothing more.
func (b *Bucket) List(ctx context.Context, prefix string, folders bool, after *Page) (*Page, error) {
	q := url.Values{"list-type": {"2"}, "prefix": {prefix}, "encoding-type": {"url"}}
	if folders {
		q.Set("delimiter", "/")
	}
	if after != nil {
		if after.next == "" {
			return nil, nil
		}
		q.Set("continuation-token", after.next)
	}
	r, err := b.do(ctx, call{method: http.MethodGet, query: q})
	if err != nil {
		return nil, err
	}
	var doc struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Encoding string   `xml:"EncodingType"`
		More     bool     `xml:"IsTruncated"`
		Next     string   `xml:"NextContinuationToken"`
		Contents []struct {
			Key          string
			Size         int64
			LastModified time.Time
			ETag         string
		}
		Folders []struct{ Prefix string } `xml:"CommonPrefixes"`
	}
	if err := read(r, &doc); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	p := &Page{next: doc.Next}
	if !doc.More {
		p.next = ""
	} else if p.next == "" || after != nil && p.next == after.next {
		return nil, fmt.Errorf("list %s: the service says that there is more and not where", prefix)
	}
	name := func(s string) string {
		if plain, err := url.QueryUnescape(s); err == nil && doc.Encoding == "url" {
			return plain
		}
		return s
	}
	for _, c := range doc.Contents {
		p.Objects = append(p.Objects, Object{Key: name(c.Key), Size: c.Size, Modified: c.LastModified.UTC(), Tag: c.ETag})
	}
	for _, f := range doc.Folders {
		p.Folders = append(p.Folders, name(f.Prefix))
	}
	return p, nil
}

// mostDeleted is how many objects one request may delete.
const mostDeleted = 1000

// Delete deletes objects; one that is not there counts as deleted.
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	for len(keys) > 0 {
		n := min(len(keys), mostDeleted)
		if err := b.delete(ctx, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (b *Bucket) delete(ctx context.Context, keys []string) error {
	type object struct{ Key string }
	doc := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Delete"`
		Objects []object `xml:"Object"`
		Quiet   bool
	}{Quiet: true}
	for _, k := range keys {
		doc.Objects = append(doc.Objects, object{k})
	}
	body, err := xml.Marshal(doc)
	if err != nil {
		return fmt.Errorf("name what is to be deleted: %w", err)
	}
	h := http.Header{"Content-Type": {"application/xml"}}
	if !b.tigris() { // which refuses it; all others insist
		sum := md5.Sum(body)
		h.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	r, err := b.do(ctx, call{method: http.MethodPost, query: url.Values{"delete": {""}}, header: h, body: bytes.NewReader(body), size: int64(len(body))})
	if err != nil {
		return err
	}
	var said struct {
		XMLName xml.Name                              `xml:"DeleteResult"`
		Errors  []struct{ Key, Code, Message string } `xml:"Error"`
	}
	if err := read(r, &said); err != nil {
		return fmt.Errorf("delete %d objects: %w", len(keys), err)
	}
	// A provider can answer 200 and have deleted nothing.
	var errs []error
	for _, e := range said.Errors[:min(len(said.Errors), 5)] {
		errs = append(errs, fmt.Errorf("delete %s: %w", line(e.Key), &Error{Status: r.StatusCode, Code: line(e.Code), Message: line(e.Message)}))
	}
	return errors.Join(errs...)
}

// mostAnswer is how large a document of the service may be: a thousand keys of a
// kilobyte each, escaped.
const mostAnswer = 16 << 20

// read reads an answer in XML and closes it.
func read(r *http.Response, doc any) error {
	defer r.Body.Close()
	data, err := io.ReadAll(io.LimitReader(r.Body, mostAnswer+1))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if len(data) > mostAnswer {
		return errors.New("the answer is too long")
	}
	if err := xml.Unmarshal(data, doc); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	return nil
}
