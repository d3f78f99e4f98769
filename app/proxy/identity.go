package proxy

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"seaworthy/app/auth"
	"seaworthy/app/web"
)

// prefix begins the headers that tell the app who asks.
const prefix = "X-Seaworthy-"

// foldName makes one name of all that some server between us and the app's code makes
// the same of: CGI and WSGI write _ for -, and know no case.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}

// claims are headers in which a client could say where a request comes from, or that it is
// another than it is, as foldName writes them; those that begin with X-Forwarded are too. CGI
// makes the variable HTTP_PROXY of a header Proxy, which libraries take for their proxy.
var claims = map[string]bool{"forwarded": true, "forwarded-for": true, "x-original-forwarded-for": true, "x-real-ip": true, "client-ip": true, "x-client-ip": true, "true-client-ip": true,
	"x-cluster-client-ip": true, "cf-connecting-ip": true, "cf-connecting-ipv6": true, "fastly-client-ip": true, "proxy": true, "x-original-host": true, "x-original-url": true,
	"x-rewrite-url": true, "x-http-method-override": true, "x-http-method": true, "x-method-override": true}

// strip takes out what a client could have made up, and our secrets, which are no
// business of the app's.
func strip(h http.Header) {
	mine := foldName(prefix)
	for name := range h {
		if folded := foldName(name); strings.HasPrefix(folded, mine) || strings.HasPrefix(folded, "x-forwarded") || claims[folded] {
			delete(h, name)
		}
	}
	if scheme, token, _ := strings.Cut(h.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") && strings.HasPrefix(strings.TrimSpace(token), web.TokenPrefix) {
		h.Del("Authorization")
	}
	if strings.HasPrefix(h.Get("X-API-Key"), web.TokenPrefix) {
		h.Del("X-API-Key")
	}
	var kept []string
	for _, line := range h["Cookie"] {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" && !ourCookie(c) {
				kept = append(kept, c)
			}
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}

// ourCookie says whether a cookie, or the header that sets it, is one of ours.
func ourCookie(text string) bool {
	name, _, _ := strings.Cut(text, "=")
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.HasPrefix(name, "seaworthy_") || strings.HasPrefix(name, "__host-seaworthy")
}

// identity is what the app is told of who makes a request, as headers.
func (s *System) identity(ctx context.Context, v *visitor) (http.Header, error) {
	h := http.Header{}
	set := func(name, value string) {
		if value != "" {
			h.Set(prefix+name, escape(value))
		}
	}
	set("Request-Id", web.OriginOf(ctx).RequestID)
	if !v.id.Known() {
		return h, nil
	}
	facts, err := v.facts()
	if err != nil {
		return nil, err
	}
	a := auth.Assertion{Subject: v.id.User, Email: v.id.Email, Verified: v.id.Verified, Name: v.id.Name, Session: v.id.Session, Org: v.id.Org, OrgSlug: v.orgSlug,
		Roles: v.roles, Plan: v.plan, Entitlements: v.gives, Permissions: v.id.Permissions, Level: v.id.Level, AuthTime: v.id.Proven, Impersonator: v.id.Impersonator}
	if v.id.Key != "" {
		a.Subject = v.id.Key
	}
	if s.Flags != nil {
		a.Flags = s.Flags(facts)
	}
	token, err := s.assertion(a)
	if err != nil {
		return nil, err
	}
	set("User", a.Subject)
	set("Email", a.Email)
	set("Name", a.Name)
	set("Org", a.Org)
	if len(a.Roles) > 0 {
		h.Set(prefix+"Roles", listed(a.Roles))
	}
	set("Plan", a.Plan)
	h.Set(prefix+"Assertion", token)
	return h, nil
}

// listed writes names with commas between them. A comma within one is percent-encoded: whoever
// makes roles of an org could name one "guest,owner" otherwise, and pass for both.
func listed(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strings.ReplaceAll(escape(name), ",", "%2C")
	}
	return strings.Join(all, ",")
}

// escape writes a value so that any server takes it for a header: what is not
// printable ASCII, and the percent sign, is percent-encoded UTF-8.
func escape(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '%' }) {
		return s
	}
	return strings.ReplaceAll(url.PathEscape(s), "%20", " ")
}
