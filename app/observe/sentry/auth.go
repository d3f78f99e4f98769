package sentry

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Key is the public key that a request names, in the query or the header X-Sentry-Auth;
// "" for none. Secrets of old DSNs are not looked at.
func Key(r *http.Request) string {
	if key := r.URL.Query().Get("sentry_key"); key != "" {
		return key
	}
	for _, name := range []string{"X-Sentry-Auth", "Authorization"} {
		rest, ok := strings.CutPrefix(r.Header.Get(name), "Sentry ")
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(rest, ",") {
			if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && k == "sentry_key" {
				return strings.TrimSpace(v)
			}
		}
	}
	return ""
}

// DSN is the address that an SDK is given.
type DSN struct {
	Key     string
	Project int64
}

// ParseDSN reads one: scheme://KEY[:SECRET]@host/path/PROJECT.
func ParseDSN(text string) (d DSN, ok bool) {
	if len(text) > 1000 {
		return d, false
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return d, false
	}
	d.Key = u.User.Username()
	last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	d.Project, err = strconv.ParseInt(last, 10, 64)
	return d, err == nil && d.Key != "" && d.Project > 0
}

// Endpoint is where what an SDK sends to a DSN goes: the address for envelopes, and the header
// X-Sentry-Auth that says who sends.
func Endpoint(text string) (address, auth string, ok bool) {
	d, ok := ParseDSN(text)
	u, err := url.Parse(text)
	if !ok || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(d.Key, ", \r\n") {
		return "", "", false
	}
	project := strconv.FormatInt(d.Project, 10)
	path := strings.TrimSuffix(u.Path, "/"+project)
	return u.Scheme + "://" + u.Host + path + "/api/" + project + "/envelope/", "Sentry sentry_version=7, sentry_client=seaworthy/1, sentry_key=" + d.Key, true
}
