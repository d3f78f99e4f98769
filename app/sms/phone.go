package sms

import "strings"

// Phone is a number in the form of E.164: "+" and 8 to 15 digits, none of which
// begins with 0. No country's shorter numbers are taken, since no text costs as
// much as one to a special number.
type Phone string

// ParsePhone reads a number as people write it: with spaces, hyphens, dots,
// brackets and slashes between the digits. The country's code is a must.
func ParsePhone(text string) (Phone, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 40 || !strings.HasPrefix(text, "+") {
		return "", false
	}
	var b strings.Builder
	b.WriteByte('+')
	for _, r := range text[1:] {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune(" -.()/\u00a0", r):
		default:
			return "", false
		}
	}
	p := b.String()
	if len(p) < 9 || len(p) > 16 || p[1] == '0' {
		return "", false
	}
	return Phone(p), true
}

// Masked shows enough of a number to be recognised by its owner.
func (p Phone) Masked() string { return "•••• " + string(p[len(p)-3:]) }
