package config

import (
	"net/url"
	"strconv"
	"strings"
)

// Place is where telemetry is sent as well.
type Place struct {
	URL    string
	Header map[string]string
}

// checkTelemetry finds what is wrong with where telemetry is sent. public is the address of the
// installation, nil if it is none.
func (c *Config) checkTelemetry(public *url.URL, fault func(format string, args ...any)) {
	if c.OTLPProtocol != "" && c.OTLPProtocol != "http/protobuf" && (c.OTLPEndpoint != "" || c.OTLPTraces != "") {
		fault("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, the only one that is spoken here, not %q", c.OTLPProtocol)
	}
	c.Traces(fault)
	if place, ok := c.Sentry(fault); ok && public != nil {
		if u, err := url.Parse(place.URL); err == nil && u.Host == public.Host {
			fault("SENTRY_DSN leads to this installation itself: its errors are kept here already")
		}
	}
}

// Traces is where traces are exported to by OTLP over HTTP, by the variables of OpenTelemetry's
// specification of exporters; false for nowhere.
func (c *Config) Traces(fault func(format string, args ...any)) (p Place, ok bool) {
	name, address := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.OTLPTraces
	if address == "" {
		if c.OTLPEndpoint == "" {
			return p, false
		}
		name, address = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimRight(c.OTLPEndpoint, "/")+"/v1/traces"
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		fault("%s must look like https://collector.example.com:4318", name)
		return p, false
	}
	p = Place{URL: address, Header: map[string]string{}}
	for pair := range strings.SplitSeq(c.OTLPHeaders, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		k, v, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(v))
		if k = strings.TrimSpace(k); !found || k == "" || err != nil || strings.ContainsAny(k+value, "\r\n") {
			fault("OTEL_EXPORTER_OTLP_HEADERS must be names and values as a=1,b=2, the values percent-encoded")
			return Place{}, false
		}
		p.Header[k] = value
	}
	return p, true
}

// Sentry is where errors of this program are reported to as well; false for nowhere.
func (c *Config) Sentry(fault func(format string, args ...any)) (p Place, ok bool) {
	if c.SentryDSN == "" {
		return p, false
	}
	u, err := url.Parse(c.SentryDSN)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User == nil || u.User.Username() == "" {
		fault("SENTRY_DSN must look like https://KEY@sentry.example.com/1")
		return p, false
	}
	at := strings.LastIndexByte(u.Path, '/')
	project := u.Path[at+1:]
	if n, err := strconv.ParseInt(project, 10, 64); at < 0 || err != nil || n < 1 {
		fault("SENTRY_DSN must end in the number of a project")
		return p, false
	}
	return Place{URL: u.Scheme + "://" + u.Host + u.Path[:at] + "/api/" + project + "/envelope/",
		Header: map[string]string{"X-Sentry-Auth": "Sentry sentry_version=7, sentry_client=seaworthy/1, sentry_key=" + u.User.Username()}}, true
}
