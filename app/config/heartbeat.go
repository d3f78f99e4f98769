package config

import (
	"net"
	"net/url"
)

// checkHeartbeat finds what is wrong with where beats go.
func (c *Config) checkHeartbeat(fault func(format string, args ...any)) {
	if c.HeartbeatURL == "" {
		return
	}
	u, err := url.Parse(c.HeartbeatURL)
	if err != nil || u.Hostname() == "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" { // the address is a secret
		fault("SEAWORTHY_HEARTBEAT_URL must look like https://hc-ping.com/your-uuid")
	}
}

// HeartbeatPlace is the host and port that beats go to, as dial.Allow reads it; "" without any.
func (c Config) HeartbeatPlace() string {
	u, err := url.Parse(c.HeartbeatURL)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
