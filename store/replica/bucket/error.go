package bucket

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

// Error is what the service answered instead of doing what was asked.
type Error struct {
	Status  int    // of HTTP
	Code    string // such as NoSuchKey; "" if the answer had none
	Message string // for people
	Request string // the provider's id of the request, for its support

	at time.Time // by the provider's clock
}

func (e *Error) Error() string {
	text := fmt.Sprintf("S3 answered %d", e.Status)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			text += " " + part
		}
	}
	if e.Request != "" {
		text += " (request " + e.Request + ")"
	}
	return text
}

// Is makes a missing object fs.ErrNotExist. A missing bucket is not one: it may be
// a mistake in the configuration, and proves nothing about objects.
func (e *Error) Is(target error) bool {
	return target == fs.ErrNotExist && e.Status == http.StatusNotFound && e.Code != "NoSuchBucket"
}

// ErrChanged says that an object is not, or no longer, what the condition of a write wanted.
var ErrChanged = errors.New("the object is another one meanwhile")

// ErrNoConditions says that the service has no writes with a condition.
var ErrNoConditions = errors.New("the service does not know conditional writes")

// mostError is how much of an error's body is read.
const mostError = 64 << 10

type errorDocument struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Region    string
	RequestID string `xml:"RequestId"`
}

// refusal reads the answer of a request that was refused, and closes its body.
func refusal(r *http.Response) *Error {
	defer r.Body.Close()
	e := &Error{Status: r.StatusCode, Request: r.Header.Get("X-Amz-Request-Id")}
	e.at, _ = http.ParseTime(r.Header.Get("Date"))
	data, _ := io.ReadAll(io.LimitReader(r.Body, mostError))
	var doc errorDocument
	if xml.Unmarshal(data, &doc) == nil {
		e.fill(doc)
	}
	if region := r.Header.Get("X-Amz-Bucket-Region"); e.Status == http.StatusMovedPermanently && region != "" {
		e.Message = "the bucket is in region " + region
	}
	return e
}

func (e *Error) fill(doc errorDocument) {
	e.Code, e.Message = line(doc.Code), line(doc.Message)
	if doc.RequestID != "" {
		e.Request = line(doc.RequestID)
	}
	if doc.Region != "" && e.Status != http.StatusNotFound {
		e.Message = strings.TrimSpace(e.Message + " region " + line(doc.Region))
	}
}

// line is words of the provider as they may stand in a log.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ToValidUTF8(s[:min(len(s), 300)], "")
}

// passing reports whether the same request may succeed a moment later. Tigris sheds load
// with 408 and RequestCanceled.
func (e *Error) passing() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	switch e.Code {
	case "RequestTimeout", "RequestCanceled", "SlowDown", "Throttling", "ThrottlingException", "InternalError":
		return true
	}
	return false
}
