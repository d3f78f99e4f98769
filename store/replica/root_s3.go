package replica

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Root is a prefix of a bucket. Its client is set up like Litestream's, whose
// own is private.
type s3Root struct {
	rep      Replica
	patience time.Duration

	mu     sync.Mutex
	client *s3.Client
	http   *http.Client
}

func (r *s3Root) connect(ctx context.Context) (*s3.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	r.http = &http.Client{Timeout: r.patience, Transport: http.DefaultTransport.(*http.Transport).Clone()}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(first(r.rep.Region, "us-east-1")),
		config.WithHTTPClient(r.http),
	}
	if r.rep.AccessKeyID != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(r.rep.AccessKeyID, r.rep.SecretAccessKey, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("set up the S3 client: %w", err)
	}
	r.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = r.rep.ForcePathStyle
		if r.rep.Endpoint == "" {
			return
		}
		o.BaseEndpoint = aws.String(withScheme(r.rep.Endpoint))
		// Most other providers reject the SDK's newer default checksums.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return r.client, nil
}

func (r *s3Root) get(ctx context.Context, name string) ([]byte, string, error) {
	var tag string
	data, err := within(ctx, r.patience, "get "+name, func(ctx context.Context) ([]byte, error) {
		client, err := r.connect(ctx)
		if err != nil {
			return nil, err
		}
		in := &s3.GetObjectInput{Bucket: &r.rep.Bucket, Key: aws.String(r.key(name))}
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = r.sse()
		out, err := client.GetObject(ctx, in)
		if status(err) == http.StatusNotFound && !strings.Contains(err.Error(), "NoSuchBucket") {
			return nil, fs.ErrNotExist
		}
		if err != nil {
			return nil, err
		}
		defer out.Body.Close()
		tag = aws.ToString(out.ETag)
		return io.ReadAll(io.LimitReader(out.Body, 1<<20))
	})
	return data, tag, err
}

func (r *s3Root) put(ctx context.Context, name string, data []byte, tag string) error {
	_, err := within(ctx, r.patience, "put "+name, func(ctx context.Context) (struct{}, error) {
		client, err := r.connect(ctx)
		if err != nil {
			return struct{}{}, err
		}
		in := &s3.PutObjectInput{Bucket: &r.rep.Bucket, Key: aws.String(r.key(name)),
			Body: bytes.NewReader(data), ContentType: aws.String("application/json")}
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = r.sse()
		if in.IfMatch = &tag; tag == "" {
			in.IfMatch, in.IfNoneMatch = nil, aws.String("*")
		}
		_, err = client.PutObject(ctx, in)
		switch status(err) {
		case http.StatusPreconditionFailed, http.StatusConflict:
			return struct{}{}, errChanged
		case http.StatusNotImplemented:
			// A provider without conditional writes: the ids in the epochs'
			// names still keep two histories apart.
			in.IfMatch, in.IfNoneMatch, in.Body = nil, nil, bytes.NewReader(data)
			_, err = client.PutObject(ctx, in)
		}
		return struct{}{}, err
	})
	return err
}

func (r *s3Root) list(ctx context.Context) ([]string, error) {
	return within(ctx, r.patience, "list "+r.rep.Location(), func(ctx context.Context) ([]string, error) {
		client, err := r.connect(ctx)
		if err != nil {
			return nil, err
		}
		var names []string
		prefix := r.key("")
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
			Bucket: &r.rep.Bucket, Prefix: &prefix, Delimiter: aws.String("/")})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, p := range page.CommonPrefixes {
				names = append(names, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), prefix), "/"))
			}
			for _, o := range page.Contents {
				names = append(names, strings.TrimPrefix(aws.ToString(o.Key), prefix))
			}
		}
		return names, nil
	})
}

func (r *s3Root) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.http != nil {
		r.http.CloseIdleConnections()
	}
}

// key is the key of a name below the root; of "" it is the prefix of all.
func (r *s3Root) key(name string) string {
	if r.rep.Path == "" {
		return name
	}
	return r.rep.Path + "/" + name
}

// sse are the headers of encryption with the customer's key, nil without.
func (r *s3Root) sse() (algorithm, key, sum *string) {
	raw, err := base64.StdEncoding.DecodeString(r.rep.SSECustomerKey)
	if err != nil || len(raw) == 0 {
		return nil, nil, nil
	}
	hash := md5.Sum(raw)
	return aws.String("AES256"), &r.rep.SSECustomerKey, aws.String(base64.StdEncoding.EncodeToString(hash[:]))
}

// status is the HTTP status an S3 call failed with, 0 for none.
func status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func withScheme(endpoint string) string {
	if strings.Contains(endpoint, "://") {
		return endpoint
	}
	return "https://" + endpoint
}
