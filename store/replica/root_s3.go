package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"seaworthy/store/replica/bucket"
)

// openBucket is the client of a replica's bucket. It connects when it must.
func openBucket(rep Replica, attempts int) (*bucket.Bucket, error) {
	b, err := bucket.Open(bucket.Options{
		Name: rep.Bucket, Region: rep.Region, Endpoint: rep.Endpoint, PathStyle: rep.ForcePathStyle,
		AccessKeyID: rep.AccessKeyID, SecretAccessKey: rep.SecretAccessKey, CustomerKey: rep.SSECustomerKey, Attempts: attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the S3 client: %w", err)
	}
	return b, nil
}

// s3Root is a prefix of a bucket.
type s3Root struct {
	rep      Replica
	patience time.Duration
	bucket   *bucket.Bucket
	err      error // of setting it up
}

// rootAttempts is how often something small is tried.
const rootAttempts = 3

func newS3Root(rep Replica, patience time.Duration) *s3Root {
	b, err := openBucket(rep, rootAttempts)
	return &s3Root{rep, patience, b, err}
}

func (r *s3Root) get(ctx context.Context, name string) ([]byte, string, error) {
	if r.err != nil {
		return nil, "", r.err
	}
	v, err := within(ctx, r.patience, "get "+name, func(ctx context.Context) (version, error) {
		return readVersion(ctx, r.bucket, r.key(name))
	})
	return v.data, v.tag, err
}

// mostSmall bounds what is read of an object at the root, in bytes.
const mostSmall = 1 << 20

func readVersion(ctx context.Context, b *bucket.Bucket, key string) (version, error) {
	body, object, err := b.Get(ctx, key, 0, 0)
	if err != nil {
		return version{}, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, mostSmall))
	return version{data, object.Tag}, err
}

func (r *s3Root) put(ctx context.Context, name string, data []byte, tag string) error {
	if r.err != nil {
		return r.err
	}
	_, err := within(ctx, r.patience, "put "+name, func(ctx context.Context) (string, error) {
		when := bucket.Condition{Absent: tag == "", Tag: tag}
		tag, err := r.bucket.Put(ctx, r.key(name), data, "application/json", when)
		if errors.Is(err, bucket.ErrNoConditions) {
			// The ids in the epochs' names still keep two histories apart.
			return r.bucket.Put(ctx, r.key(name), data, "application/json", bucket.Condition{})
		}
		if errors.Is(err, bucket.ErrChanged) {
			return "", errChanged
		}
		return tag, err
	})
	return err
}

func (r *s3Root) list(ctx context.Context) ([]string, error) {
	if r.err != nil {
		return nil, r.err
	}
	return within(ctx, r.patience, "list "+r.rep.Location(), func(ctx context.Context) ([]string, error) {
		var names []string
		prefix := r.key("")
		for page := (*bucket.Page)(nil); ; {
			var err error
			if page, err = r.bucket.List(ctx, prefix, true, page); err != nil || page == nil {
				return names, err
			}
			for _, folder := range page.Folders {
				names = append(names, strings.TrimSuffix(strings.TrimPrefix(folder, prefix), "/"))
			}
			for _, o := range page.Objects {
				names = append(names, strings.TrimPrefix(o.Key, prefix))
			}
		}
	})
}

func (r *s3Root) close() {
	if r.bucket != nil {
		r.bucket.Close()
	}
}

// key is the key of a name below the root; of "" it is the prefix of all.
func (r *s3Root) key(name string) string {
	if r.rep.Path == "" {
		return name
	}
	return r.rep.Path + "/" + name
}
