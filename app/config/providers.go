package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Provider is an identity provider of the configuration: Google or GitHub when
// Issuer is empty, else an OIDC issuer.
type Provider struct {
	Name, Issuer, ClientID, Secret string
	Domains                        []string // whose addresses it is trusted to know the owners of
	Loopback                       bool     // it runs on this machine, over plain HTTP
}

var providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// takenNames mean something in paths already.
var takenNames = []string{"google", "github", "standin", "mfa", "code", "link", "email", "passkey"}

// Providers are the identity providers that are configured, in order. Faults are
// told to fault.
func (c Config) Providers(fault func(format string, args ...any)) []Provider {
	var all []Provider
	for _, known := range []struct{ name, variable, id, secret string }{
		{"google", "SEAWORTHY_GOOGLE_CLIENT", c.GoogleClientID, c.GoogleClientSecret},
		{"github", "SEAWORTHY_GITHUB_CLIENT", c.GitHubClientID, c.GitHubClientSecret},
	} {
		if (known.id == "") != (known.secret == "") {
			fault("%s_ID and %s_SECRET must be set both or not at all", known.variable, known.variable)
		} else if known.id != "" {
			all = append(all, Provider{Name: known.name, ClientID: known.id, Secret: known.secret})
		}
	}
	return append(all, c.issuers(fault)...)
}

// issuers are the OIDC issuers, whose options are lists of name=value.
func (c Config) issuers(fault func(format string, args ...any)) []Provider {
	var all []Provider
	for _, pair := range pairs("SEAWORTHY_OIDC", c.OIDC, fault) {
		p := Provider{Name: pair.name, Issuer: pair.value}
		switch {
		case !providerName.MatchString(p.Name) || slices.Contains(takenNames, p.Name):
			fault("SEAWORTHY_OIDC: %q cannot be a provider's name: use lower case letters, digits and dashes, and none of %s", p.Name, strings.Join(takenNames, ", "))
			continue
		case slices.ContainsFunc(all, func(q Provider) bool { return q.Name == p.Name || q.Issuer == p.Issuer }):
			fault("SEAWORTHY_OIDC: %s is given twice", pair.name)
			continue
		}
		var ok bool
		if p.Loopback, ok = c.checkIssuer(p, fault); ok {
			all = append(all, p)
		}
	}
	find := func(variable, name string) *Provider {
		for i := range all {
			if all[i].Name == name {
				return &all[i]
			}
		}
		fault("%s speaks of %q, which SEAWORTHY_OIDC does not name", variable, name)
		return nil
	}
	for _, pair := range pairs("SEAWORTHY_OIDC_CLIENT_IDS", c.OIDCClientIDs, fault) {
		if p := find("SEAWORTHY_OIDC_CLIENT_IDS", pair.name); p != nil {
			p.ClientID = pair.value
		}
	}
	for _, pair := range pairs("SEAWORTHY_OIDC_CLIENT_SECRETS", c.OIDCClientSecrets, fault) {
		if p := find("SEAWORTHY_OIDC_CLIENT_SECRETS", pair.name); p != nil {
			p.Secret = pair.value
		}
	}
	for _, pair := range pairs("SEAWORTHY_OIDC_TRUSTED_DOMAINS", c.OIDCTrustedDomains, fault) {
		p := find("SEAWORTHY_OIDC_TRUSTED_DOMAINS", pair.name)
		domain, err := idna.Lookup.ToASCII(strings.ToLower(pair.value))
		switch {
		case p == nil:
		case err != nil || !strings.Contains(domain, "."):
			fault("SEAWORTHY_OIDC_TRUSTED_DOMAINS: %q is no domain", pair.value)
		default:
			p.Domains = append(p.Domains, domain)
		}
	}
	for _, p := range all {
		if p.ClientID == "" {
			fault("SEAWORTHY_OIDC_CLIENT_IDS must have the client id of %s, as %s=...", p.Name, p.Name)
		}
	}
	return all
}

// checkIssuer reports whether an issuer can be one, and whether it is on this machine.
func (c Config) checkIssuer(p Provider, fault func(format string, args ...any)) (loopback, ok bool) {
	u, err := url.Parse(p.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		fault("SEAWORTHY_OIDC: the issuer of %s must look like https://login.example.com, not %q", p.Name, p.Issuer)
		return false, false
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
	for segment := range strings.SplitSeq(u.Path, "/") {
		if u.Hostname() == "login.microsoftonline.com" && slices.Contains([]string{"common", "organizations", "consumers"}, segment) {
			fault("SEAWORTHY_OIDC: the issuer of %s must name one tenant, as https://login.microsoftonline.com/TENANT-ID/v2.0: %q lets in any", p.Name, segment)
			return false, false
		}
	}
	switch {
	case u.Scheme == "https", here && !c.Production():
		return here, true
	case here:
		fault("SEAWORTHY_OIDC: the issuer of %s must be https in production", p.Name)
	default:
		fault("SEAWORTHY_OIDC: the issuer of %s must be https; only one on this machine, as http://localhost:5556, may be without while you develop", p.Name)
	}
	return false, false
}

type pair struct{ name, value string }

// pairs reads name=value, separated by blanks.
func pairs(variable, text string, fault func(format string, args ...any)) []pair {
	var all []pair
	for n, field := range strings.Fields(text) {
		name, value, ok := strings.Cut(field, "=")
		if !ok || name == "" || value == "" {
			fault("%s must be a list of name=value, separated by blanks; its part %s is not", variable, fmt.Sprint(n+1)) // its text may be a secret
			continue
		}
		all = append(all, pair{name, value})
	}
	return all
}

// HasStandIn reports whether there is a provider of made-up people.
func (c Config) HasStandIn() bool {
	return !c.Production() && (c.StandIn == "on" || c.StandIn != "off" && len(c.Providers(func(string, ...any) {})) == 0)
}
