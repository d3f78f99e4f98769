package auth

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"seaworthy/app/web"
	"seaworthy/store"
)

// A slug is how an org is named in addresses: small ASCII letters, digits and
// single hyphens. Nothing in it can look like another's slug, or like an id,
// which has an underscore.
const minSlug, maxSlug = 2, 40

// slugsHeld is how many earlier slugs go on leading to an org, at most; an org
// cannot take them all.
const slugsHeld = 5

// reservedSlugs are words that an address could be mistaken by.
var reservedSlugs = []string{"account", "accounts", "admin", "administrator", "all", "api", "app", "assets", "audit", "auth", "billing", "blog", "console",
	"create", "dashboard", "default", "delete", "dev", "docs", "edit", "email", "everyone", "guest", "health", "help", "home", "instance", "internal", "invite",
	"login", "logout", "mail", "me", "members", "mine", "new", "none", "null", "oauth", "official", "operator", "org", "organization", "organizations", "orgs",
	"owner", "personal", "pricing", "privacy", "profile", "public", "root", "seaworthy", "security", "self", "settings", "setup", "signin", "signout", "signup",
	"static", "staff", "status", "support", "switch", "system", "team", "terms", "undefined", "user", "users", "webmaster", "www"}

// personalPrefix begins the slug of a personal org, until its owner chooses another.
const personalPrefix = "p-"

// checkSlug records what is wrong with a slug that somebody chose.
func checkSlug(c *web.Check, slug string) string {
	slug = strings.TrimSpace(slug)
	switch {
	case len(slug) < minSlug || len(slug) > maxSlug:
		c.Fault(false, "slug", "length", "From 2 to 40 characters.")
	case !slugForm(slug):
		c.Fault(false, "slug", "form", "Small letters from a to z, digits and single hyphens between them.")
	case slices.Contains(reservedSlugs, slug) || strings.HasPrefix(slug, personalPrefix):
		c.Fault(false, "slug", "reserved", "This one is reserved. Choose another.")
	}
	return slug
}

func slugForm(slug string) bool {
	for i, r := range slug {
		hyphen := r == '-'
		if !hyphen && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
		if hyphen && (i == 0 || i == len(slug)-1 || slug[i-1] == '-') {
			return false
		}
	}
	return slug != ""
}

// slugFrom makes a slug from a name: letters lose their accents, whatever else
// is no letter or digit becomes a hyphen. A name in another script makes "org".
func slugFrom(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’':
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 30 {
			break
		}
	}
	slug := strings.Trim(b.String(), "-")
	if len(slug) < minSlug || slices.Contains(reservedSlugs, slug) || strings.HasPrefix(slug, personalPrefix) {
		slug = strings.Trim("org-"+strings.TrimPrefix(slug, personalPrefix), "-")
	}
	return slug
}

// freeSlug is a slug from a name that nobody has: the end of the org's id makes
// one its own where the name alone does not.
func freeSlug(tx *store.Tx, name, id string) (string, error) {
	slug := slugFrom(name)
	taken, err := slugTaken(tx, slug, id)
	if taken || slug == "org" { // what is left of a name in another script
		slug += "-" + id[len(id)-6:]
	}
	return slug, err
}

// slugTaken reports whether another org has a slug, or had it.
func slugTaken(tx *store.Tx, slug, but string) (bool, error) {
	holder, err := slugHolder(tx, slug)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil && holder != but, err
}
