// Package guess tells passwords that are easy to guess from others: those that
// many people have, those that are a pattern, and those made of what is known of
// their owner. It counts no kinds of characters (NIST SP 800-63B section 3.1.1.2).
package guess

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths of a password, in characters. The upper bound keeps a request from
// buying unbounded work.
const (
	Shortest = 12
	Longest  = 256
)

// Reason is why a password is refused, as programs read it; "" for none.
type Reason string

// The reasons, the first that holds is given.
const (
	Empty    Reason = "required"
	TooShort Reason = "too_short"
	TooLong  Reason = "too_long"
	Repeated Reason = "too_simple"
	Pattern  Reason = "pattern"
	AboutYou Reason = "about_you"
	Common   Reason = "common"
	Breached Reason = "breached"
)

// words are what people are told.
var words = map[Reason]string{
	Empty:    "Fill this in.",
	TooShort: "At least 12 characters; a few words do well.",
	TooLong:  "At most 256 characters.",
	Repeated: "This repeats itself, which is easy to guess. A few words do well.",
	Pattern:  "This follows the alphabet, the digits or the keyboard, which is easy to guess. A few words do well.",
	AboutYou: "This is made of your name, your address or the name of this site, which others know too.",
	Common:   "Many people have used this password, so it is among the first that are tried. A few words do well.",
	Breached: "This password stands in lists of stolen ones, so it is among the first that are tried. Choose another.",
}

// Words say why in plain words.
func (r Reason) Words() string { return words[r] }

// Fits reports whether a text can be a password at all; no stored one is longer.
func Fits(password string) bool {
	return len(password) <= 4*Longest && utf8.RuneCountInString(password) <= Longest
}

// Check is the policy for a new password, but for lists that are asked over the
// network. about are the names and addresses that are known of its owner and of
// the site. The password is taken as it is: no space is cut off, no letter changed.
func Check(password string, about ...string) Reason {
	n := utf8.RuneCountInString(password)
	switch {
	case n == 0:
		return Empty
	case !Fits(password):
		return TooLong
	case n < Shortest:
		return TooShort
	}
	folded := []rune(strings.ToLower(password))
	switch {
	case repeats(folded):
		return Repeated
	case madeOf(folded, about):
		return AboutYou
	case effort(folded) < enough:
		return Pattern
	case isCommon(folded):
		return Common
	}
	return ""
}

// madeOf reports whether little is left of a password once what is known of its
// owner is taken out of it.
func madeOf(folded []rune, about []string) bool {
	const short, left = 3, 6 // characters: of a word worth looking for, and that make a rest worth guessing
	rest := string(folded)
	plain := skeleton(nil, folded)
	for _, known := range about {
		if len(known) > 4*Longest { // no name or address is; whoever asks refuses it, and need not wait for us
			continue
		}
		known = strings.ToLower(strings.TrimSpace(known))
		whole := strings.FieldsFunc(known, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, word := range append(whole, strings.Join(whole, ""), known) {
			if utf8.RuneCountInString(word) < short {
				continue
			}
			rest = strings.ReplaceAll(rest, word, " ")
			plain = []rune(strings.ReplaceAll(string(plain), string(skeleton(nil, []rune(word))), " "))
		}
	}
	return solid(rest) < left || solid(string(plain)) < left
}

// solid counts characters that are neither spaces nor what words are joined with.
func solid(s string) (n int) {
	for _, r := range s {
		if !unicode.IsSpace(r) && !strings.ContainsRune("-._@", r) {
			n++
		}
	}
	return n
}
