// Package bucket is a client of Amazon S3 and of what speaks its protocol: objects
// are read in part or whole, written at once or in parts, replaced only if they are
// what was seen, listed and deleted. It takes the place of the client of S3 in Amazon's
// SDK, which made the binary 6 MB larger; signatures and a machine's role are still the SDK's.
//
// Source: Amazon S3 API Reference, https://docs.aws.amazon.com/AmazonS3/latest/API/.
package bucket

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Options say which bucket it is and who asks.
type Options struct {
	Name      string
	Region    string // us-east-1 if ""
	Endpoint  string // of another provider, with or without a scheme; Amazon's own if ""
	PathStyle bool   // the bucket is the first element of the path, not of the host

	AccessKeyID     string // with SecretAccessKey; if both are "", those of the machine, see Credentials
	SecretAccessKey string

	// CustomerKey is the base64 form of the 32 bytes with which objects are encrypted at the
	// provider (SSE-C); none if "".
	CustomerKey string

	PartSize    int64 // bytes of a part of a large object; 5 MiB, the least there may be, if 0
	Concurrency int   // parts that travel at once; 5 if 0
	Attempts    int   // most attempts of a request that may succeed later; 8 if 0
}

// Bucket is a client. Its methods may be called at once.
type Bucket struct {
	o           Options
	base        url.URL // of the bucket, without a slash at the end
	credentials source
	signer      *v4.Signer
	http        *http.Client
	skew        atomic.Int64 // nanoseconds that the provider's clock is ahead of ours
	customerMD5 string
	now         func() time.Time
}

const (
	leastPart   = 5 << 20
	fewParts    = 2 // for providers that take no more at once
	tigrisParts = 16 << 20
)

// Open sets a client up. It does not connect.
func Open(o Options) (*Bucket, error) {
	if o.Name == "" || strings.ContainsAny(o.Name, "/:?#") {
		return nil, fmt.Errorf("%q is no name of a bucket", o.Name)
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	b := &Bucket{o: o, signer: v4.NewSigner(plainPath), now: time.Now}
	if err := b.encrypt(); err != nil {
		return nil, err
	}
	if err := b.locate(); err != nil {
		return nil, err
	}
	b.defaults()
	b.http = &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // what is stored is what is wanted
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	b.credentials = machine(b.http)
	if o.AccessKeyID != "" {
		b.credentials = given(o.AccessKeyID, o.SecretAccessKey)
	}
	return b, nil
}

// plainPath: S3 signs the path as it is sent, other services escape it once more.
func plainPath(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }

// locate finds the address of the bucket.
func (b *Bucket) locate() error {
	endpoint := b.o.Endpoint
	if endpoint == "" {
		endpoint = "s3." + b.o.Region + ".amazonaws.com"
		if strings.HasPrefix(b.o.Region, "cn-") {
			endpoint += ".cn"
		}
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" {
		return fmt.Errorf("%q is no address of an S3 service", b.o.Endpoint)
	}
	if u.User != nil { // and the address is shown wherever the replica is named
		return errors.New("the endpoint has a user or password in it, which no S3 service asks for")
	}
	if b.o.CustomerKey != "" && u.Scheme == "http" && !near(u.Hostname()) {
		return errors.New("a key of one's own is sent with each request, so the endpoint must be https")
	}
	b.base = url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}
	// A wildcard certificate covers one label, so that a bucket with a dot in its name has no host.
	if b.o.PathStyle || u.Scheme == "https" && strings.Contains(b.o.Name, ".") {
		b.base.Path += "/" + b.o.Name
	} else {
		b.base.Host = b.o.Name + "." + u.Host
	}
	return nil
}

// near tells whether a host is this machine or its private network.
func near(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}

// defaults fills in what providers bear.
func (b *Bucket) defaults() {
	if b.o.Attempts == 0 {
		b.o.Attempts = 8
	}
	if b.o.PartSize == 0 && b.tigris() {
		b.o.PartSize = tigrisParts
	}
	b.o.PartSize = max(b.o.PartSize, leastPart)
	if b.o.Concurrency == 0 {
		b.o.Concurrency = 5
		if b.tigris() || strings.HasSuffix(b.base.Hostname(), ".r2.cloudflarestorage.com") {
			b.o.Concurrency = fewParts
		}
	}
}

func (b *Bucket) tigris() bool {
	host := b.base.Hostname()
	return strings.HasSuffix(host, "fly.storage.tigris.dev") || strings.HasSuffix(host, "t3.storage.dev")
}

func (b *Bucket) encrypt() error {
	if b.o.CustomerKey == "" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(b.o.CustomerKey)
	if err != nil || len(raw) != 32 {
		return errors.New("the customer's key must be the base64 form of 32 bytes")
	}
	sum := md5.Sum(raw)
	b.customerMD5 = base64.StdEncoding.EncodeToString(sum[:])
	return nil
}

// Close lets go of connections that nothing uses.
func (b *Bucket) Close() { b.http.CloseIdleConnections() }
