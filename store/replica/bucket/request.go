package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one request as it is sent, perhaps more than once.
type call struct {
	method string
	key    string // of the object; "" for the bucket
	query  url.Values
	header http.Header
	body   io.ReadSeeker // nil without; read from where it stands
	size   int64
	// encrypted: the customer's key belongs to it.
	encrypted bool
}

// do sends a call until it succeeds or trying again is no use. The caller closes the
// answer's body.
func (b *Bucket) do(ctx context.Context, c call) (*http.Response, error) {
	start := int64(0)
	if c.body != nil {
		var err error
		if start, err = c.body.Seek(0, io.SeekCurrent); err != nil {
			return nil, fmt.Errorf("find the start of the body: %w", err)
		}
	}
	hash, err := digest(c.body, c.size)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		if c.body != nil {
			if _, err := c.body.Seek(start, io.SeekStart); err != nil {
				return nil, fmt.Errorf("rewind the body: %w", err)
			}
		}
		answer, err := b.send(ctx, c, hash)
		if err == nil {
			return answer, nil
		}
		if attempt >= b.o.Attempts || ctx.Err() != nil || !b.again(err) {
			return nil, fmt.Errorf("%s %s: %w", c.method, b.o.Name+"/"+c.key, err)
		}
		select {
		case <-time.After(wait(attempt)):
		case <-ctx.Done():
			return nil, fmt.Errorf("%s %s: %w (%v)", c.method, b.o.Name+"/"+c.key, context.Cause(ctx), err)
		}
	}
}

// wait is how long before the next attempt: twice as long each time, a second at most,
// and not the same for everybody.
func wait(attempt int) time.Duration {
	most := min(time.Second, 50*time.Millisecond<<min(attempt, 10))
	return most/2 + rand.N(most/2)
}

// again reports whether a call that failed is worth another attempt, and sets our idea
// of the provider's clock right if that was the reason.
func (b *Bucket) again(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return !errors.Is(err, errCredentials) // a connection that broke, or was not to be had
	}
	if b.skewed(refused) {
		skew := int64(refused.at.Sub(b.now()).Round(time.Second))
		return b.skew.Swap(skew) != skew
	}
	return refused.passing()
}

// mostSkew is how far apart the clocks may be; the provider bears 15 minutes.
const mostSkew = 5 * time.Minute

// skewed reports whether a call was refused for the time it was signed with. The answer to
// a HEAD has no body that could say so.
func (b *Bucket) skewed(e *Error) bool {
	if e.at.IsZero() || e.Status != http.StatusForbidden {
		return false
	}
	apart := e.at.Sub(b.now().Add(time.Duration(b.skew.Load()))).Abs()
	return e.Code == "RequestTimeTooSkewed" || e.Code == "" && apart > mostSkew
}

// send makes one attempt. A status from 300 up is an *Error.
func (b *Bucket) send(ctx context.Context, c call, hash string) (*http.Response, error) {
	r, err := b.request(ctx, c)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Content-Sha256", hash)
	keys, err := b.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCredentials, err)
	}
	now := b.now().Add(time.Duration(b.skew.Load())).UTC()
	if err := b.signer.SignHTTP(ctx, keys, r, hash, "s3", b.o.Region, now); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	if r.Body != nil {
		defer r.Body.Close()
	}
	answer, err := b.http.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, refusal(answer)
	}
	return answer, nil
}

func (b *Bucket) request(ctx context.Context, c call) (*http.Request, error) {
	u := b.base
	if c.key != "" || u.Path == "" {
		u.Path += "/" + c.key
	}
	u.RawPath = escape(u.Path)
	u.RawQuery = strings.ReplaceAll(c.query.Encode(), "+", "%20")
	var sent io.Reader
	if c.body != nil && c.size > 0 {
		sent = &body{r: io.LimitReader(c.body, c.size)}
	}
	r, err := http.NewRequestWithContext(ctx, c.method, u.String(), sent)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	r.ContentLength = c.size
	for name, values := range c.header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "seaworthy")
	if c.encrypted && b.o.CustomerKey != "" {
		r.Header.Set("X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256")
		r.Header.Set("X-Amz-Server-Side-Encryption-Customer-Key", b.o.CustomerKey)
		r.Header.Set("X-Amz-Server-Side-Encryption-Customer-Key-Md5", b.customerMD5)
	}
	return r, nil
}

// digest is the SHA-256 of the body, which the signature covers, so that the provider
// refuses one that was damaged on the way.
func digest(body io.ReadSeeker, size int64) (string, error) {
	sum := sha256.New()
	if body != nil {
		if _, err := io.CopyN(sum, body, size); err != nil {
			return "", fmt.Errorf("read the body: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// escape is a path with all but unreserved characters and slashes escaped (RFC 3986
// section 2.3), as Signature Version 4 wants it for S3.
func escape(path string) string {
	const digits = "0123456789ABCDEF"
	var s strings.Builder
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			s.WriteByte(c)
			continue
		}
		s.WriteByte('%')
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// discard reads the little that is left of an answer, so that its connection is used again.
func discard(r *http.Response) {
	io.CopyN(io.Discard, r.Body, mostError)
	r.Body.Close()
}
