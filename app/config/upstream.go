package config

import (
	"fmt"
	"net"
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
	if why := c.UpstreamFault(c.Upstream, public); why != "" {
		fault("SEAWORTHY_UPSTREAM must %s", why)
	}
	if c.UpstreamHealth != "" && (!strings.HasPrefix(c.UpstreamHealth, "/") || strings.ContainsAny(c.UpstreamHealth, " \t\n#")) {
		fault("SEAWORTHY_UPSTREAM_HEALTH must be a path such as /healthz, not %q", c.UpstreamHealth)
	}
	for name, is := range map[string]time.Duration{"TIMEOUT": c.UpstreamTime, "SILENCE": c.ClientSilence} {
		if is < 0 || is > 24*time.Hour {
			fault("SEAWORTHY_UPSTREAM_%s must be from 1s to 24h, not %s", name, is)
		}
	}
}

// UpstreamFault says what an address of an app behind must be and is not; "" for one that
// can be taken. public is the address of the installation, nil if it is none.
func (c *Config) UpstreamFault(address string, public *url.URL) string {
	if path, socket := strings.CutPrefix(address, "unix:"); socket {
		if !strings.HasPrefix(path, "/") {
			return fmt.Sprintf("name a socket as unix:/run/app.sock, not %q", address)
		}
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "h2c" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Sprintf("look like http://127.0.0.1:3000 or unix:/run/app.sock, without a path, not %q", address)
	}
	if c.servesAt(u) || public != nil && u.Host == public.Host && u.Scheme == public.Scheme {
		return "be your app's address and not Seaworthy's own: requests would go round in a circle"
	}
	return ""
}

// servesAt reports whether an address is the one that this process listens on, also by another
// of this machine's names.
func (c *Config) servesAt(u *url.URL) bool {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil || port != u.Port() || port == "0" {
		return false
	}
	ip := net.ParseIP(host)
	everywhere := host == "" || ip != nil && ip.IsUnspecified()
	return strings.EqualFold(host, u.Hostname()) || onThisMachine(u.Hostname()) && (everywhere || onThisMachine(host))
}
