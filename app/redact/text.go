package redact

import (
	"regexp"
	"strings"
)

// Name reports whether what stands behind a name is nobody's business.
func Name(name string) bool { return secretName.MatchString(name) }

// Hidden stands where something was hidden.
const Hidden = hidden

// What secrets look like, wherever they stand in a text.
var (
	token    = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)                                                                                                                                             // a JWT (RFC 7519)
	keyed    = regexp.MustCompile(`\b(?:(?:(?:sk|rk|pk)_(?:live|test)|whsec|xox[abp]|gh[opsu]|AKIA|SG)[_.-]?[A-Za-z0-9_./+=-]{8,}|sw_[a-z]{1,12}_[A-Za-z0-9_-]{20,})`)                                                                   // Stripe, Standard Webhooks, Slack, GitHub, AWS, SendGrid, ours
	bearer   = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}`)                                                                                                                                                       // RFC 6750, RFC 7617
	userinfo = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://)[^/\s@:"']*:[^/\s@"']*@`)                                                                                                                                                   // RFC 3986 section 3.2.1
	assigned = regexp.MustCompile(`(?i)([\w-]*(?:password|passwd|passphrase|secret|token|api_?key|credential|authorization|cookie|private_?key|signature)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|["'][^\n]*|[^\s"',;&)}\]]+)`) // with what stands in quotes, also where the end is cut off
	digits   = regexp.MustCompile(`\b\d(?:[ -]?\d){12,18}\b`)
)

// Text hides in a text what looks like a secret: JSON web tokens, keys of known
// providers, credentials of HTTP and of URLs, what is assigned to a telling name, and
// numbers of payment cards.
func Text(s string) string {
	// The patterns are slow, and most texts have no sign of theirs.
	sign := signsOf(s)
	if sign.has('.') && strings.Contains(s, "eyJ") {
		s = token.ReplaceAllString(s, hidden)
	}
	if sign.has('_') && contains(s, "_live", "_test", "whsec", "sw_", "gho_", "ghp_", "ghs_", "ghu_") || sign.has('-') && strings.Contains(s, "xox") || sign.has('A') && strings.Contains(s, "AKIA") || sign.has('G') && strings.Contains(s, "SG.") {
		s = keyed.ReplaceAllString(s, hidden)
	}
	if sign.has('@') && strings.Contains(s, "://") {
		s = userinfo.ReplaceAllString(s, "${1}"+hidden+"@")
	}
	assigns := sign.has(':') || sign.has('=')
	if (assigns || sign.has(' ') || sign.has('\t')) && (sign.word(scheme) || assigns && sign.word(telling)) {
		low := strings.ToLower(s)
		if contains(low, "bearer", "basic") {
			s = bearer.ReplaceAllString(s, "${1} "+hidden)
		}
		if assigns && contains(low, "pass", "secret", "token", "key", "credential", "authorization", "cookie", "signature") {
			s = assigned.ReplaceAllStringFunc(s, hideValue)
		}
	}
	if sign.digits >= 13 {
		s = digits.ReplaceAllStringFunc(s, hideCard)
	}
	return s
}

// signs are what a text has: a bit for each ASCII character, one for each letter in either case, and
// the longest number, blanks and hyphens in it not counted.
type signs struct {
	low, high uint64
	letters   uint32
	digits    int
}

func (s *signs) has(c byte) bool {
	if c < 64 {
		return s.low&(1<<c) != 0
	}
	return s.high&(1<<(c-64)) != 0
}

// word reports whether one of the words can be in the text: all of its letters are.
func (s *signs) word(masks []uint32) bool {
	for _, m := range masks {
		if s.letters&m == m {
			return true
		}
	}
	return false
}

// The letters of the words that are looked for.
var (
	scheme  = lettersOf("bearer", "basic")
	telling = lettersOf("pass", "secret", "token", "key", "credential", "authorization", "cookie", "signature")
)

func lettersOf(words ...string) (masks []uint32) {
	for _, w := range words {
		s := signsOf(w)
		masks = append(masks, s.letters)
	}
	return masks
}

func signsOf(s string) (out signs) {
	run := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 128: // a letter that is another's in lower case, such as the sign of Kelvin
			out.letters = 1<<26 - 1
			run = 0
			continue
		case c < 64:
			out.low |= 1 << c
		default:
			out.high |= 1 << (c - 64)
			if l := c | 0x20; l >= 'a' && l <= 'z' {
				out.letters |= 1 << (l - 'a')
			}
		}
		if c >= '0' && c <= '9' {
			run++
			out.digits = max(out.digits, run)
		} else if c != ' ' && c != '-' {
			run = 0
		}
	}
	return out
}

func contains(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// hideValue keeps the name and hides what is assigned to it.
func hideValue(match string) string {
	at := strings.IndexAny(match, ":=")
	value := strings.TrimLeft(match[at+1:], " \t\r\n")
	if strings.HasPrefix(value, hidden) || strings.EqualFold(value, "bearer") || strings.EqualFold(value, "basic") {
		return match
	}
	return match[:len(match)-len(value)] + hidden
}

// hideCard hides a number whose check digit is that of a payment card (ISO/IEC
// 7812-1, annex B).
func hideCard(match string) string {
	sum, double := 0, false
	for i := len(match) - 1; i >= 0; i-- {
		d := int(match[i] - '0')
		if d < 0 || d > 9 {
			continue
		}
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	if sum%10 != 0 {
		return match
	}
	return hidden
}
