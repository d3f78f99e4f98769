package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Origin is where a request comes from and who makes it. One is made for each
// request, before anything else runs; audit events and log lines read it.
type Origin struct {
	RequestID string
	Addr      netip.Addr // of the client, behind trusted proxies
	UserAgent string     // at most 512 bytes, valid UTF-8 without control characters
	Route     string     // the pattern that matched
	Method    string     // of a request to the app behind
	Asked     string     // the path, of a request to the app behind; "" for one to us
	Start     time.Time
	Bearer    bool // it carries a bearer token, which alone says who asks
	Foreign   bool // another site's page sent it to the app behind: nobody is known by a cookie
	Identity  Identity
	Org       Org             // the org it works in, on the routes that belong to one
	Once      *Claim          // its Idempotency-Key, which the change takes; nil without one
	Stop      <-chan struct{} // closed when the process is about to stop
	Streams   bool            // the answer goes on until one side ends it: its time says nothing
	Quiet     bool            // it is a live page's asking again: not worth a line at info
	Trace     string          // id of the trace it belongs to, 32 hexadecimal digits
	Parent    string          // id of the span that made the request, 16; "" for none
	Watched   any             // what telemetry gathers about it, for its own use
	Found     any             // what the guard found while the session cookie was read, for its own use

	seats chan struct{} // of pages that listen to changes; nil: there is no bound
}

// Identity is who is asking: a person with a session, or a program with an API
// key. The zero value is nobody.
type Identity struct {
	User, Email, Name string
	Verified          bool // the e-mail address
	Session           string
	Key               string // id of the API key; then there is no user, and Name is the key's
	Org               string
	Impersonator      string    // who acts as this person; "" for the person
	ImpersonatorName  string    // as people know the impersonator
	Until             time.Time // when the impersonation ends at the latest; zero without one
	Level             int       // of assurance: 1 for one factor, 2 for two; 0 for a key
	Proven            time.Time // when the person last showed who he is; zero for a key
	Permissions       []string
}

// Known reports whether somebody is asking: a person or a key.
func (i Identity) Known() bool { return i.User != "" || i.Key != "" }

// Person reports whether it is a person, with a session.
func (i Identity) Person() bool { return i.User != "" }

// Actor is who asks, as "user:usr_…" or "key:key_…"; "" for nobody.
func (i Identity) Actor() string {
	switch {
	case i.Key != "":
		return "key:" + i.Key
	case i.User != "":
		return "user:" + i.User
	}
	return ""
}

// Can reports whether the identity's roles or key give a permission "area:act".
func (i Identity) Can(permission string) bool {
	area, _, _ := strings.Cut(permission, ":")
	return slices.ContainsFunc(i.Permissions, func(p string) bool {
		return p == "*" || p == permission || p == area+":*"
	})
}

type originKey struct{}

// OriginOf is the origin of the request ctx belongs to. Outside a request it is
// a zero Origin.
func OriginOf(ctx context.Context) *Origin {
	if o, ok := ctx.Value(originKey{}).(*Origin); ok {
		return o
	}
	return &Origin{}
}

// WithOrigin puts an origin into a context, for requests and for tests.
func WithOrigin(ctx context.Context, o *Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// IdentityOf is who makes the request ctx belongs to.
func IdentityOf(ctx context.Context) Identity { return OriginOf(ctx).Identity }

// clientAddr is the address of the client: the peer's, or, when the peer is a
// trusted proxy, the last X-Forwarded-For hop that is not one. Whatever a client
// itself writes into the header stands to the left of that and is not believed.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	return addr
}

// parseHop takes an address, also with the port that some proxies add.
func parseHop(s string) (netip.Addr, error) {
	if hop, err := netip.ParseAddrPort(s); err == nil {
		return hop.Addr(), nil
	}
	return netip.ParseAddr(s)
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// CleanText makes foreign text safe to store and show: valid UTF-8, no control
// or invisible characters, at most n bytes.
func CleanText(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if unprintable(c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, ""))
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
