package observe

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// grouping is the version of the rules below. An issue keeps the version that made
// it; new rules get a new number, so that an upgrade neither splits nor merges what people
// already look at.
const grouping = 1

// hashOf says which issue an event belongs to: the same type of failure at the same
// calls of ours, whatever the lines and values; without calls, the same place with the
// same words.
func hashOf(e *Event) string {
	if e.group != "" {
		return e.group
	}
	parts := []string{e.Kind, e.Type}
	last := ""
	for _, f := range e.Frames {
		name := f.Package + "|" + f.Function
		if f.Own && !e.wasReturned && name != last { // recursion counts once
			parts, last = append(parts, name), name
		}
	}
	if last == "" {
		parts = append(parts, e.Culprit, template(e.Message))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

// What differs between two messages that say the same.
var (
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	named   = regexp.MustCompile(`\b[a-z]{2,5}_[0-9a-z]{26}\b`)
	hexes   = regexp.MustCompile(`\b(?:0x)?[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b`)
	numbers = regexp.MustCompile(`\d+(?:\.\d+)?`)
)

// template is a message without its values.
func template(message string) string {
	message = quoted.ReplaceAllString(message, "<text>")
	message = named.ReplaceAllString(message, "<id>")
	message = hexes.ReplaceAllString(message, "<hex>")
	return numbers.ReplaceAllString(message, "<n>")
}

// title is what an issue is called.
func (e *Event) title() string {
	first, _, _ := strings.Cut(e.Message, "\n")
	if e.App != nil && e.Type != "" {
		first = strings.TrimSuffix(e.Type+": "+first, ": ")
	}
	if e.Kind == KindPanic {
		first = "panic: " + first
	}
	return clip(first, 300)
}
