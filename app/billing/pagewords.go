package billing

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"seaworthy/app/web"
)

func subPill(s subRow) web.Pill {
	switch {
	case !s.state.lives():
		return statePill(s.state)
	case s.status == "trialing":
		return web.Pill{Kind: "info", Word: "trial"}
	case s.status == "paused":
		return web.Pill{Kind: "warn", Word: "trial over, no card"}
	case s.pauseFrom > 0 && !s.paused:
		return web.Pill{Kind: "warn", Word: "pauses"}
	case s.pause != "":
		return web.Pill{Kind: "warn", Word: "paused"}
	case s.state == Active && (s.cancelAtEnd || s.cancelAt > 0):
		return web.Pill{Kind: "warn", Word: "ends"}
	}
	return statePill(s.state)
}

func statePill(s State) web.Pill {
	switch s {
	case Active:
		return web.Pill{Kind: "ok", Word: "active"}
	case Grace:
		return web.Pill{Kind: "warn", Word: "overdue"}
	case Restricted:
		return web.Pill{Kind: "danger", Word: "restricted"}
	case Canceled:
		return web.Pill{Kind: "quiet", Word: "ended"}
	}
	return web.Pill{Kind: "quiet", Word: string(s)}
}

func invoicePill(i invoiceRow) web.Pill {
	switch i.status {
	case "paid":
		return web.Pill{Kind: "ok", Word: "paid"}
	case "open":
		if i.attempts > 0 {
			return web.Pill{Kind: "danger", Word: "unpaid"}
		}
		return web.Pill{Kind: "info", Word: "open"}
	case "uncollectible":
		return web.Pill{Kind: "warn", Word: "written off"}
	}
	return web.Pill{Kind: "quiet", Word: i.status}
}

// planLines are what a plan gives, in words: limits, then features.
func planLines(p Plan) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		l, what := p.Limits[name], p.title(name)
		switch {
		case l.Unlimited:
			lines = append(lines, "Any number of "+what)
		case l.PerUnit:
			lines = append(lines, counted(l.Value, what)+" for each that you pay for")
		default:
			lines = append(lines, counted(l.Value, what))
		}
	}
	for _, f := range p.Features {
		lines = append(lines, capital(p.title(f)))
	}
	return lines
}

// capital is a text that begins with a capital letter.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// counted is a number of things: "5 seats", "1 seat".
func counted(n int64, what string) string {
	if n == 1 && strings.HasSuffix(what, "s") && !strings.HasSuffix(what, "ss") {
		what = what[:len(what)-1]
	}
	return itoa(n) + " " + what
}

// title is what a feature or a limit is called on pages.
func (p Plan) title(key string) string {
	if title := p.Titles[key]; title != "" {
		return title
	}
	return plainName(key)
}

// plainName is a key as words: "api_calls" is "API calls".
func plainName(key string) string {
	words := strings.FieldsFunc(key, func(r rune) bool { return strings.ContainsRune("_-.", r) })
	for i, w := range words {
		if upper, ok := initials[w]; ok {
			words[i] = upper
		}
	}
	return strings.Join(words, " ")
}

// initials are words that are written as such.
var initials = map[string]string{"api": "API", "apis": "APIs", "sso": "SSO", "saml": "SAML", "scim": "SCIM", "sla": "SLA", "csv": "CSV", "pdf": "PDF", "sms": "SMS", "ip": "IP", "sdk": "SDK",
	"ai": "AI", "mfa": "MFA", "url": "URL", "gb": "GB", "mb": "MB", "crm": "CRM", "cdn": "CDN", "vat": "VAT", "oauth": "OAuth", "oidc": "OIDC"}
