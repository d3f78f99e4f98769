package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check collects what is wrong with an input, field by field.
type Check struct{ fields []Field }

// Fault records a fault of a field unless ok.
func (c *Check) Fault(ok bool, field, code, message string) {
	if !ok {
		c.fields = append(c.fields, Field{Field: field, Code: code, Message: message})
	}
}

// Text demands printable text of min to max characters, and returns it trimmed.
func (c *Check) Text(field, value string, min, max int) string {
	value = strings.TrimSpace(value)
	n := utf8.RuneCountInString(value)
	switch {
	case n == 0 && min > 0:
		c.Fault(false, field, "required", "Fill this in.")
	case n < min:
		c.Fault(false, field, "too_short", fmt.Sprintf("At least %d characters.", min))
	case n > max:
		c.Fault(false, field, "too_long", fmt.Sprintf("At most %d characters.", max))
	case strings.ContainsFunc(value, unprintable) || !utf8.ValidString(value):
		c.Fault(false, field, "characters", "This has characters that cannot be shown.")
	}
	return value
}

// unprintable are control characters, line separators and invisible formatting
// characters, but for the two joiners that some scripts and emoji need.
func unprintable(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != nonJoiner && r != joiner
}

// Err is the 422 that names every faulty field, or nil.
func (c *Check) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return Invalid(c.fields...)
}
