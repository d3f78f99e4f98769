package bucket

import (
	"regexp"
	"strings"
)

// hosts are addresses from which the bucket can be read, as Litestream reads them.
var hosts = []struct {
	host      *regexp.Regexp // bucket, region
	endpoint  string         // $ is the region; "" is Amazon's
	pathStyle bool
}{
	{regexp.MustCompile(`^(.+)\.s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com$`), "", false},
	{regexp.MustCompile(`^(.+)\.([a-z0-9-]+)\.digitaloceanspaces\.com$`), "https://$.digitaloceanspaces.com", false},
	{regexp.MustCompile(`^(.+)\.s3\.([a-z0-9-]+)\.backblazeb2\.com$`), "https://s3.$.backblazeb2.com", true},
	{regexp.MustCompile(`^(.+)()\.s3\.filebase\.com$`), "https://s3.filebase.com", false},
	{regexp.MustCompile(`^(.+)\.s3\.([a-z0-9-]+)\.scw\.cloud$`), "https://s3.$.scw.cloud", false},
}

// ParseHost reads the host of a s3:// URL: a bucket's name, or the address of a bucket at
// Amazon, DigitalOcean, Backblaze, Filebase, Scaleway or a server of one's own with a port.
func ParseHost(host string) (name, region, endpoint string, pathStyle bool) {
	if strings.Contains(host, ":") && !strings.Contains(host, ".com") {
		name, rest, ok := strings.Cut(host, ".")
		if !ok {
			return "", "", "http://" + host, true
		}
		return name, "us-east-1", "http://" + rest, true
	}
	for _, h := range hosts {
		if m := h.host.FindStringSubmatch(host); m != nil {
			return m[1], m[2], strings.ReplaceAll(h.endpoint, "$", m[2]), h.pathStyle
		}
	}
	return host, "", "", false
}
