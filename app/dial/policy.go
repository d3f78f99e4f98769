// Package dial connects outward and nowhere else. An address that somebody else
// names (an endpoint, an identity provider) may lead into the own network, where a
// request from here is trusted more than one from outside (server-side request
// forgery). Addresses are judged when they are dialled, after the name was resolved,
// so that neither a name nor a second answer of its name server leads inward.
package dial

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrInside says that an address is not of the public network.
var ErrInside = errors.New("not an address of the public network")

// inside4 are the networks of the IANA registry of special addresses (RFC 6890, as
// of 2025) that nobody serves the public from.
var inside4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32") // where Azure answers its machines

// Of IPv6 only what is given out to be routed is outside, but for protocols,
// documentation, and networks that embed an IPv4 address: Teredo in 2001::/23, 6to4.
// Loopback, unique local, link-local, multicast, mapped and NAT64 are not in it.
var (
	outside6 = netip.MustParsePrefix("2000::/3")
	inside6  = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

// never are the addresses that no list of exceptions opens by a network: where clouds
// give out credentials, and what is no host.
var never = prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "fe80::/10", "ff00::/8", "::/128", "fd00:ec2::/32",
	"100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32")

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, p := range all {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

func in(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Public reports whether an address is of the public network.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return !in(a, inside4)
	}
	return outside6.Contains(a) && !in(a, inside6)
}

// Allowed are the places of the own network that may be reached beside the public
// one, because whoever runs this configured them. The zero value has none.
type Allowed struct {
	hosts map[string]bool // host:port as it is dialled, a name or an address
	nets  []netip.Prefix
}

// Allow reads places: "127.0.0.1:3000", "app.internal:3000", "10.0.0.0/8".
func Allow(places ...string) (Allowed, error) {
	a := Allowed{hosts: map[string]bool{}}
	for _, p := range places {
		if network, err := netip.ParsePrefix(p); err == nil {
			a.nets = append(a.nets, network.Masked())
			continue
		}
		host, port, err := net.SplitHostPort(p)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || n == 0 || host == "" {
			return Allowed{}, fmt.Errorf("%q is neither host:port nor a network as 10.0.0.0/8", p)
		}
		a.hosts[key(host, port)] = true
	}
	return a, nil
}

// key is how a host and port are compared: "LOCALHOST." is "localhost", and
// "::ffff:127.0.0.1" is "127.0.0.1".
func key(host, port string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().WithZone("").String()
	}
	return net.JoinHostPort(host, port)
}

// Named reports whether a host and port were allowed as they are written.
func (a Allowed) Named(host, port string) bool { return a.hosts[key(host, port)] }

// judge decides about a resolved address. named says that the name it was resolved
// from is allowed.
func (a Allowed) judge(address string, named bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", ErrInside, address)
	}
	ip := ap.Addr().Unmap().WithZone("")
	switch {
	case Public(ip), a.hosts[netip.AddrPortFrom(ip, ap.Port()).String()]:
		return nil
	case in(ip, never):
	case named, in(ip, a.nets):
		return nil
	}
	return fmt.Errorf("%s is %w", ip, ErrInside)
}

// Judge is the verdict over an address and port as they are written in a URL, before
// anything is resolved: a name passes, it is judged when it is dialled.
func (a Allowed) Judge(host, port string) error {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return nil
	}
	return a.judge(net.JoinHostPort(ip.WithZone("").String(), port), false)
}
