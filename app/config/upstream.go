package config

import (
	"net/url"
	"strings"
	"time"
)

// checkUpstream finds what is wrong with the app behind. public is the address of the
// installation, nil if it is none.
func (c *Config) checkUpstream(public *url.URL, fault func(format string, args ...any)) {
	if c.Upstream == "" {
		return
	}
	if path, socket := strings.CutPrefix(c.Upstream, "unix:"); socket {
		if !strings.HasPrefix(path, "/") {
			fault("SEAWORTHY_UPSTREAM must name a socket as unix:/run/app.sock, not %q", c.Upstream)
		}
	} else if u, err := url.Parse(c.Upstream); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		fault("SEAWORTHY_UPSTREAM must look like http://127.0.0.1:3000 or unix:/run/app.sock, without a path, not %q", c.Upstream)
	} else if u.Host == c.Addr || public != nil && u.Host == public.Host && u.Scheme == public.Scheme {
		fault("SEAWORTHY_UPSTREAM must be your app's address and not Seaworthy's own: requests would go round in a circle")
	}
	if c.UpstreamHealth != "" && (!strings.HasPrefix(c.UpstreamHealth, "/") || strings.ContainsAny(c.UpstreamHealth, " \t\n#")) {
		fault("SEAWORTHY_UPSTREAM_HEALTH must be a path such as /healthz, not %q", c.UpstreamHealth)
	}
	if c.UpstreamTime < 0 || c.UpstreamTime > 24*time.Hour {
		fault("SEAWORTHY_UPSTREAM_TIMEOUT must be from 1s to 24h, not %s", c.UpstreamTime)
	}
}
