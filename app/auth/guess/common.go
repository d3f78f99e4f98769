package guess

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"sort"
	"unicode"
	"unicode/utf8"
)

// common.bin holds the first 40 bits of the SHA-256 of each entry, sorted, 5
// bytes an entry: nothing in it can be read back, and a password that is not in
// it is taken for one that is once in ten million. LICENSES.md says where it
// comes from, common_test.go makes it.
//
//go:embed common.bin
var table []byte

const width = 5

// Two kinds of entries, told apart by the first byte that is hashed: passwords of
// Shortest characters and more, and the words that shorter ones are built around.
const (
	whole = 'w'
	core  = 'c'
)

// isCommon reports whether a password is one of those that many have, or one of
// their words with something known or short around it.
func isCommon(folded []rune) bool {
	var space [2 * Longest]rune
	if contains(whole, skeleton(space[:0], folded)) {
		return true
	}
	from, to := letters(folded)
	middle := folded[from:to]
	if len(middle) < shortestCore || effort(folded[:from])+effort(folded[to:]) > 6 && !digits(folded, len(middle)) {
		return false
	}
	for n := len(middle); n >= shortestCore; n /= 2 { // also a word twice, or four times
		if contains(core, skeleton(space[:0], middle[:n])) {
			return true
		}
		if n%2 != 0 || string(middle[:n/2]) != string(middle[n/2:n]) {
			return false
		}
	}
	return false
}

// shortestCore is the length of the shortest word that is looked for in a password.
const shortestCore = 5

// letters are where a password is without what is no letter at its ends.
func letters(folded []rune) (from, to int) {
	to = len(folded)
	for from < to && !unicode.IsLetter(folded[from]) {
		from++
	}
	for to > from && !unicode.IsLetter(folded[to-1]) {
		to--
	}
	return from, to
}

// digits reports whether what stands around a middle is ten characters at most,
// digits all but one, as dates and phone numbers are.
func digits(folded []rune, middle int) bool {
	n := 0
	for _, r := range folded {
		if unicode.IsDigit(r) {
			n++
		}
	}
	around := len(folded) - middle
	return around <= 10 && n >= around-1
}

// skeleton undoes the usual replacements of letters, so that "P4$$w0rd" is
// "password". It appends to space.
func skeleton(space, folded []rune) []rune {
	for _, r := range folded {
		switch r {
		case '4', '@':
			r = 'a'
		case '3', '€':
			r = 'e'
		case '1', '!', '|', 'l':
			r = 'i'
		case '0':
			r = 'o'
		case '5', '$':
			r = 's'
		case '7', '+':
			r = 't'
		case '8':
			r = 'b'
		case '9':
			r = 'g'
		case '2':
			r = 'z'
		}
		space = append(space, r)
	}
	return space
}

func contains(kind byte, skeleton []rune) bool {
	want := digest(kind, skeleton)
	n := len(table) / width
	i := sort.Search(n, func(i int) bool { return bytes.Compare(table[i*width:(i+1)*width], want[:]) >= 0 })
	return i < n && bytes.Equal(table[i*width:(i+1)*width], want[:])
}

func digest(kind byte, skeleton []rune) (d [width]byte) {
	var space [1 + 4*Longest]byte
	text := append(space[:0], kind)
	for _, r := range skeleton {
		text = utf8.AppendRune(text, r)
	}
	sum := sha256.Sum256(text)
	copy(d[:], sum[:])
	return d
}
