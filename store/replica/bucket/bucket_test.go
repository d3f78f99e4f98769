package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// open is a client of a service in this process, whose requests pass through wrap.
func open(t testing.TB, o Options, wrap func(http.Handler) http.Handler) *Bucket {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	var h http.Handler = gofakes3.New(backend).Server()
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.Name, o.Endpoint, o.PathStyle, o.AccessKeyID, o.SecretAccessKey = "bucket", server.URL, true, "id", "secret"
	b, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func content(t testing.TB, b *Bucket, key string, offset, size int64) string {
	t.Helper()
	body, _, err := b.Get(t.Context(), key, offset, size)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestObjects(t *testing.T) {
	t.Parallel()
	b := open(t, Options{}, nil)
	key := "a folder/é+%&=?#'.txt"
	n, err := b.Upload(t.Context(), key, strings.NewReader("0123456789"), map[string]string{"kept": "beside it"})
	if err != nil || n != 10 {
		t.Fatal(n, err)
	}
	if got := content(t, b, key, 0, 0); got != "0123456789" {
		t.Errorf("whole: %q", got)
	}
	if got := content(t, b, key, 3, 4); got != "3456" {
		t.Errorf("range: %q", got)
	}
	if got := content(t, b, key, 7, 0); got != "789" {
		t.Errorf("to the end: %q", got)
	}
	o, err := b.Head(t.Context(), key)
	if err != nil || o.Size != 10 || o.Meta["kept"] != "beside it" || o.Tag == "" || time.Since(o.Modified) > time.Hour {
		t.Errorf("Head = %+v, %v", o, err)
	}
	if _, _, err := b.Get(t.Context(), "none", 0, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing object: %v", err)
	}
	if _, err := b.Head(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing object: %v", err)
	}
	if err := b.Delete(t.Context(), key, "never there"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Head(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// A bucket that is not there proves nothing about what it holds.
func TestMissingBucketIsNoMissingObject(t *testing.T) {
	t.Parallel()
	b := open(t, Options{Attempts: 1}, nil)
	b.base.Path = "/other"
	_, _, err := b.Get(t.Context(), "key", 0, 0)
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "NoSuchBucket" || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	b := open(t, Options{}, nil)
	put := func(text string, when Condition) (string, error) {
		return b.Put(t.Context(), "lock", []byte(text), "text/plain", when)
	}
	if _, err := put("nobody's", Condition{Tag: `"0123456789abcdef0123456789abcdef"`}); !errors.Is(err, ErrChanged) {
		t.Errorf("a version that never was: %v", err)
	}
	first, err := put("1", Condition{Absent: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put("2", Condition{Absent: true}); !errors.Is(err, ErrChanged) {
		t.Errorf("there already: %v", err)
	}
	second, err := put("2", Condition{Tag: first})
	if err != nil || second == first {
		t.Fatal(second, err)
	}
	if _, err := put("3", Condition{Tag: first}); !errors.Is(err, ErrChanged) {
		t.Errorf("an old version: %v", err)
	}
	if got := content(t, b, "lock", 0, 0); got != "2" {
		t.Errorf("it holds %q", got)
	}
}

func TestUploadInParts(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("0123456789abcdef"), 13<<20/16)
	for name, r := range map[string]io.Reader{"seeks": bytes.NewReader(data), "streams": io.MultiReader(bytes.NewReader(data))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var parts atomic.Int64
			b := open(t, Options{Concurrency: 2}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Query().Has("partNumber") && parts.Add(1) == 2 {
						http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			n, err := b.Upload(t.Context(), "large", r, map[string]string{"kept": "yes"})
			if err != nil || n != int64(len(data)) {
				t.Fatal(n, err)
			}
			if content(t, b, "large", 0, 0) != string(data) {
				t.Error("it comes back as something else")
			}
			if parts.Load() != 4 { // three, and one of them twice
				t.Errorf("%d parts were sent", parts.Load())
			}
			if o, err := b.Head(t.Context(), "large"); err != nil || o.Meta["kept"] != "yes" {
				t.Errorf("Head = %+v, %v", o, err)
			}
		})
	}
}

// What cannot be finished leaves no parts, which would be paid for.
func TestFailedUploadIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*http.Request) bool{
		"part":     func(r *http.Request) bool { return r.URL.Query().Get("partNumber") == "2" },
		"complete": func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var takenBack atomic.Int64
			b := open(t, Options{}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == http.MethodDelete && r.URL.Query().Has("uploadId"):
						takenBack.Add(1)
					case fail(r) && name == "complete":
						io.Copy(io.Discard, r.Body)
						// S3 says so when it has sent its status already.
						fmt.Fprint(w, "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
						return
					case fail(r):
						http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			_, err := b.Upload(t.Context(), "large", bytes.NewReader(make([]byte, 11<<20)), nil)
			var refused *Error
			if !errors.As(err, &refused) || refused.Code != "AccessDenied" {
				t.Errorf("%v", err)
			}
			if takenBack.Load() != 1 {
				t.Errorf("taken back %d times", takenBack.Load())
			}
			if _, err := b.Head(t.Context(), "large"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is an object: %v", err)
			}
		})
	}
}

// A source that fails in the middle makes no object of the half.
func TestUploadOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := open(t, Options{}, nil)
	broken := errors.New("broken")
	_, err := b.Upload(t.Context(), "half", io.MultiReader(bytes.NewReader(make([]byte, 6<<20)), failing{broken}), nil)
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := b.Head(t.Context(), "half"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is an object: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestListInPages(t *testing.T) {
	t.Parallel()
	b := open(t, Options{}, nil)
	const many = 1203
	for i := range many {
		if _, err := b.Put(t.Context(), fmt.Sprintf("p/0000/%04d & more", i), nil, "text/plain", Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Put(t.Context(), "p/current.json", []byte("{}"), "application/json", Condition{}); err != nil {
		t.Fatal(err)
	}
	var keys []string
	pages := 0
	for page, err := b.List(t.Context(), "p/0000/", false, nil); page != nil || err != nil; page, err = b.List(t.Context(), "p/0000/", false, page) {
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, o := range page.Objects {
			keys = append(keys, o.Key)
		}
	}
	if pages != 2 || len(keys) != many || keys[0] != "p/0000/0000 & more" || keys[many-1] != "p/0000/1202 & more" {
		t.Errorf("%d pages, %d keys", pages, len(keys))
	}
	top, err := b.List(t.Context(), "p/", true, nil)
	if err != nil || len(top.Folders) != 1 || top.Folders[0] != "p/0000/" || len(top.Objects) != 1 || top.Objects[0].Key != "p/current.json" {
		t.Errorf("List = %+v, %v", top, err)
	}
	if err := b.Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
	if left, err := b.List(t.Context(), "p/0000/", false, nil); err != nil || len(left.Objects) != 0 {
		t.Errorf("%d objects are left, %v", len(left.Objects), err)
	}
}

// answers is a client of a service that says one thing after the other.
func answers(t *testing.T, o Options, say ...func(w http.ResponseWriter, r *http.Request)) (*Bucket, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	b := open(t, o, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := int(asked.Add(1))
			io.Copy(io.Discard, r.Body)
			say[min(n, len(say))-1](w, r)
		})
	})
	return b, &asked
}

func says(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	}
	for name, c := range map[string]struct {
		first func(http.ResponseWriter, *http.Request)
		asked int64
	}{
		"slow down":        {says(503, "<Error><Code>SlowDown</Code></Error>"), 2},
		"sheds load":       {says(408, "<Error><Code>RequestCanceled</Code></Error>"), 2},
		"internal":         {says(500, "no XML"), 2},
		"connection lost":  {cut, 2},
		"denied":           {says(403, "<Error><Code>AccessDenied</Code></Error>"), 1},
		"full":             {says(507, "<Error><Code>QuotaExceeded</Code></Error>"), 1},
		"moved":            {says(301, "<Error><Code>PermanentRedirect</Code></Error>"), 1},
		"conditions fail":  {says(412, "<Error><Code>PreconditionFailed</Code></Error>"), 1},
		"conditions clash": {says(409, "<Error><Code>ConditionalRequestConflict</Code></Error>"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, asked := answers(t, Options{}, c.first, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Etag", `"1"`) })
			_, err := b.Put(t.Context(), "key", []byte("body"), "text/plain", Condition{Absent: true})
			if asked.Load() != c.asked || (err == nil) != (c.asked == 2) {
				t.Errorf("asked %d times, %v", asked.Load(), err)
			}
			if changed := strings.HasPrefix(name, "conditions"); changed != errors.Is(err, ErrChanged) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNoConditions(t *testing.T) {
	t.Parallel()
	b, _ := answers(t, Options{}, says(501, "<Error><Code>NotImplemented</Code></Error>"))
	if _, err := b.Put(t.Context(), "key", nil, "text/plain", Condition{Absent: true}); !errors.Is(err, ErrNoConditions) {
		t.Errorf("%v", err)
	}
}

// Nobody gets more than was asked for, or something else.
func TestServiceThatIgnoresRanges(t *testing.T) {
	t.Parallel()
	b, _ := answers(t, Options{}, says(200, "all of it"))
	if got := content(t, b, "key", 0, 3); got != "all" {
		t.Errorf("the beginning: %q", got)
	}
	if got := content(t, b, "key", 0, 0); got != "all of it" {
		t.Errorf("the whole: %q", got)
	}
	if body, _, err := b.Get(t.Context(), "key", 4, 2); err == nil {
		body.Close()
		t.Error("a part of the middle is taken from the beginning")
	}
}

// A machine whose clock is wrong still signs with a time that the provider takes.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	there := time.Now().Add(-40 * time.Minute).UTC()
	var stamps []string
	b, asked := answers(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		stamps = append(stamps, r.Header.Get("X-Amz-Date"))
		at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if at.Sub(there).Abs() > 15*time.Minute {
			w.Header().Set("Date", there.Format(http.TimeFormat))
			says(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>")(w, r)
		}
	})
	if _, _, err := b.Get(t.Context(), "key", 0, 0); err != nil || asked.Load() != 2 {
		t.Errorf("asked %d times (%v), %v", asked.Load(), stamps, err)
	}
	b.skew.Store(0) // now by the answer to a HEAD, which has no body
	if _, err := b.Head(t.Context(), "key"); err != nil || asked.Load() != 4 {
		t.Errorf("asked %d times (%v), %v", asked.Load(), stamps, err)
	}
}

// A silent service holds nobody longer than he waits.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	tired := errors.New("tired of waiting")
	b, _ := answers(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		cancel(tired)
		<-r.Context().Done()
	})
	if _, err := b.Head(ctx, "key"); !errors.Is(err, tired) {
		t.Errorf("%v", err)
	}
}

// A list that never ends, or says that there is more and not where, is refused.
func TestFaultyLists(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no XML":    "hello",
		"no token":  "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"too large": "<ListBucketResult>" + strings.Repeat(" ", mostAnswer) + "</ListBucketResult>",
		"other":     "<Other/>",
	} {
		b, _ := answers(t, Options{}, says(200, body))
		if page, err := b.List(t.Context(), "", false, nil); err == nil {
			t.Errorf("%s: %+v", name, page)
		}
	}
	b, _ := answers(t, Options{}, says(200, "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>"))
	page, err := b.List(t.Context(), "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.List(t.Context(), "", false, page); err == nil {
		t.Error("the same page for ever")
	}
}

// A provider can answer 200 and have deleted nothing.
func TestDeleteThatDidNot(t *testing.T) {
	t.Parallel()
	b, _ := answers(t, Options{}, says(200, "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>"))
	if err := b.Delete(t.Context(), "a", "b"); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte("<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><Contents><Key>a%20b</Key><Size>3</Size></Contents></ListBucketResult>"))
	f.Add(403, []byte("<Error><Code>AccessDenied</Code><Message>no\x00</Message></Error>"))
	f.Add(200, []byte("<Error><Code>InternalError</Code></Error>"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		answer := func() *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
		}
		if e := refusal(answer()); strings.ContainsAny(e.Error(), "\n\r\t") || len(e.Error()) > 1500 {
			t.Errorf("%q", e.Error())
		}
		var doc struct {
			XMLName struct{}
			Key     []string
		}
		read(answer(), &doc)
	})
}

// A service that answers before it has read the body is sent the whole of it again, and
// nothing reads it for the attempt before meanwhile.
func TestAnsweredBeforeTheBodyWasRead(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
	var attempts atomic.Int64
	b := open(t, Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && attempts.Add(1)%4 != 0 {
				http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	for range 3 {
		if _, err := b.Upload(t.Context(), "early", bytes.NewReader(data), nil); err != nil {
			t.Fatal(err)
		}
		if content(t, b, "early", 0, 0) != string(data) {
			t.Error("it comes back as something else")
		}
	}
	if attempts.Load() != 12 {
		t.Errorf("%d attempts", attempts.Load())
	}
}
