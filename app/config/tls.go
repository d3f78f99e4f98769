package config

import (
	"net"
	"net/url"
	"strings"
)

// TLS modes; anything else is two paths, of a certificate and of its key.
const (
	TLSOff  = "off"
	TLSAuto = "auto"
)

// TLSFiles are the certificate and the key that were named, "" for other modes.
func (c Config) TLSFiles() (certificate, key string) {
	if c.TLS == "" || c.TLS == TLSOff || c.TLS == TLSAuto {
		return "", ""
	}
	certificate, key, _ = strings.Cut(c.TLS, ",")
	return strings.TrimSpace(certificate), strings.TrimSpace(key)
}

// HasTLS says whether this process speaks TLS itself.
func (c Config) HasTLS() bool { return c.TLS != "" && c.TLS != TLSOff }

// checkTLS looks at how clients reach this process, and fills in where it listens.
func (c *Config) checkTLS(u *url.URL, fault func(format string, args ...any)) {
	if !c.HasTLS() {
		if c.Redirect != "" && c.Redirect != "off" {
			fault("SEAWORTHY_REDIRECT_ADDR is for SEAWORTHY_TLS: without TLS there is nowhere to redirect to")
		}
		return
	}
	if !c.Production() {
		fault("SEAWORTHY_URL must be https:// when SEAWORTHY_TLS is on")
		return
	}
	if c.TLS == TLSAuto {
		host := ""
		if u != nil {
			host = u.Hostname()
		}
		if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
			fault("SEAWORTHY_TLS must not be auto for %q: certificates are had for names of the public DNS. Give a certificate and its key as cert.pem,key.pem", host)
		}
	} else if certificate, key := c.TLSFiles(); certificate == "" || key == "" {
		fault("SEAWORTHY_TLS must be auto, off, or two paths as cert.pem,key.pem; not %q", c.TLS)
	}
	if c.Addr == defaultAddr {
		c.Addr = ":443"
	}
	if c.Redirect == "" {
		c.Redirect = ":80"
	}
}

// defaultAddr is where a process listens that was told nothing.
const defaultAddr = "127.0.0.1:8080"
