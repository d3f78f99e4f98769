package guess

// enough is how many characters must be left when every run that follows a
// pattern counts as two.
const enough = 8

// repeats reports whether a text is a short piece over and over, also with an
// incomplete last one: "abcabcabcabca", "passwordpassword".
func repeats(s []rune) bool {
	const longest = 8 // a longer piece is hard enough to guess itself, or a common password
	for n := 1; n <= longest && 2*n <= len(s); n++ {
		same := true
		for i := n; i < len(s) && same; i++ {
			same = s[i] == s[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// effort counts the characters of a text, each run of three or more that repeat
// or follow the alphabet, or of four or more that neighbour on the keyboard, as two.
func effort(s []rune) (n int) {
	for i := 0; i < len(s); {
		length := max(sequence(s[i:]), walk(s[i:]))
		n += min(length, 2)
		i += length
	}
	return n
}

// sequence is how many characters from the start go up, go down or stay, or 1.
func sequence(s []rune) int {
	if len(s) < 3 {
		return 1
	}
	step := s[1] - s[0]
	if step < -1 || step > 1 {
		return 1
	}
	n := 2
	for n < len(s) && s[n]-s[n-1] == step {
		n++
	}
	if n < 3 {
		return 1
	}
	return n
}

// walk is how many characters from the start lie each beside the one before on a
// keyboard, or 1.
func walk(s []rune) int {
	n := 1
	for n < len(s) && beside(s[n-1], s[n]) {
		n++
	}
	if n < 4 {
		return 1
	}
	return n
}

// rows of the US keyboard, and what Shift makes of the first.
const shifted = "!@#$%^&*()_+"

var rows = []string{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"}

// key is where a character lies; each row stands half a key to the right of the
// one above, so the column is in halves.
type key struct{ row, half int }

var keyboard = func() map[rune]key {
	m := map[rune]key{}
	for row, chars := range rows {
		for i, r := range chars {
			m[r] = key{row, 2*i + row}
		}
	}
	for i, r := range shifted {
		m[r] = key{0, 2 * i}
	}
	return m
}()

func beside(a, b rune) bool {
	at, aOK := keyboard[a]
	to, bOK := keyboard[b]
	row, half := to.row-at.row, to.half-at.half
	switch {
	case !aOK || !bOK:
		return false
	case row == 0:
		return half >= -2 && half <= 2
	}
	return row*row == 1 && half*half == 1
}
