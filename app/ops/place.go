package ops

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"seaworthy/store/replica/bucket"
)

// parseS3 reads s3://bucket/prefix?endpoint=...&region=....
func parseS3(place string) (name, prefix string, o bucket.Options, err error) {
	u, err := url.Parse(place)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", "", o, fmt.Errorf("%q is no place in a bucket: write s3://bucket/prefix", place)
	}
	name, o.Region, o.Endpoint, o.PathStyle = bucket.ParseHost(u.Host)
	q := u.Query()
	for key := range q {
		if key != "endpoint" && key != "region" {
			return "", "", o, fmt.Errorf("unknown parameter %q of the place for copies: endpoint and region are known", key)
		}
	}
	if e := q.Get("endpoint"); e != "" {
		o.Endpoint, o.PathStyle = e, true
	}
	if r := q.Get("region"); r != "" {
		o.Region = r
	}
	o.Name = name
	if prefix = strings.Trim(path.Clean("/"+u.Path), "/"); prefix != "" {
		prefix += "/"
	}
	return name, prefix, o, nil
}
