package auth

import (
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"seaworthy/app/web"
)

// address is an e-mail address as typed and as what identifies it: Unicode NFC,
// lower case, the domain in its ASCII form. Two addresses with the same norm are
// one person's.
type address struct{ typed, norm string }

// checkAddress reads a plain address, or records what is wrong with it.
func checkAddress(c *web.Check, field, text string) address {
	a, ok := newAddress(text)
	switch {
	case strings.TrimSpace(text) == "":
		c.Fault(false, field, "required", "Fill this in.")
	case !ok:
		c.Fault(false, field, "email", "This does not look like an email address.")
	}
	return a
}

// newAddress refuses display names, comments, quoting, addresses over 254 bytes
// (RFC 5321 section 4.5.3.1) and characters that cannot be seen.
func newAddress(text string) (address, bool) {
	typed := strings.TrimSpace(text)
	if len(typed) > 254 || strings.ContainsFunc(typed, invisible) || strings.ContainsAny(typed, "\"(),:;<>[\\]") {
		return address{}, false
	}
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Name != "" || parsed.Address != typed {
		return address{}, false
	}
	at := strings.LastIndexByte(typed, '@')
	local, domain := norm.NFC.String(typed[:at]), typed[at+1:]
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || !strings.Contains(ascii, ".") && ascii != "localhost" || len(local) > 64 {
		return address{}, false
	}
	return address{typed: typed, norm: strings.ToLower(local) + "@" + strings.ToLower(ascii)}, true
}

// invisible are characters that two different addresses could hide behind one
// look: spaces, controls, formatting, private use, and the @ look-alikes.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Zs) ||
		r == '＠' || r == '﹫' || r == unicode.ReplacementChar
}

// masked shows enough of an address to be recognised by its owner.
func (a address) masked() string {
	local, domain, _ := strings.Cut(a.typed, "@")
	for i := range local {
		if i > 0 {
			return local[:i] + "…@" + domain
		}
	}
	return local + "…@" + domain
}
