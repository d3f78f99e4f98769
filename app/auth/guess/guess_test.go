package guess

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	about := []string{"Ada Lovelace", "ada.lovelace@example.com", "Acme Notes"}
	for password, want := range map[string]Reason{
		"":                               Empty,
		"elevenchars":                    TooShort,
		"äöüäöüäöüä":                     TooShort, // characters, not bytes
		strings.Repeat("xq7 ", 64):       Repeated,
		strings.Repeat("xq7 ", 64) + "y": TooLong,
		strings.Repeat("ü", 257):         TooLong,
		"            ":                   Repeated,
		"aaaaaaaaaaaaaaa":                Repeated,
		"abababababababa":                Repeated,
		"passwordpassword":               Repeated,
		"123456789012":                   Pattern,
		"abcdefghijklm":                  Pattern,
		"zyxwvutsrqpon":                  Pattern,
		"qwertyuiop[]":                   Pattern,
		"QWERTYUIOP12":                   Pattern,
		"1qaz2wsx3edc":                   Pattern,
		"!QAZ@WSX#EDC":                   Pattern,
		"aaaabbbbcccc":                   Pattern,
		"motherfucker":                   Common,
		"MotherFucker":                   Common,
		"m0th3rfuck3r":                   Common,
		"Unbelievable":                   Common,
		"unbelievable1!":                 Common,
		"P@ssw0rd2024!":                  Common,
		"Password1234":                   Common,
		"Summer20242025":                 Common,
		"!!!!welcome!!!!":                Common,
		"dragondragon12":                 Common,
		"AdaLovelace12":                  AboutYou,
		"ada.lovelace@example.com":       AboutYou,
		"ADA LOVELACE":                   AboutYou,
		"4d4l0v3l4c3!":                   AboutYou,
		"acmenotes2024":                  AboutYou,
		"xx-acmenotes-xx":                AboutYou,
		"correct horse battery staple":   "",
		"a brand new password":           "",
		"once more with it":              "",
		"Tr4vel light, sleep late":       "",
		"kV7#mq2LxP9z":                   "",
		"пароль из многих слов":             "",
		"ada's seven blue umbrellas":        "",
		"fern-plinth-oboe":                  "",
		strings.Repeat("né ", 33) + "zebra": "",
	} {
		if got := Check(password, about...); got != want {
			t.Errorf("%.40q (%d): %q, want %q", password, utf8.RuneCountInString(password), got, want)
		}
		if want != "" && want.Words() == "" {
			t.Errorf("%s has no words", want)
		}
	}
}

// Random passwords and passphrases are not refused by chance.
func TestHonestPasswordsPass(t *testing.T) {
	t.Parallel()
	words := strings.Fields("fern plinth oboe quartz tunnel maple sofa rivet cobalt ginger lantern mosaic nickel orchid pebble saddle thimble velvet walnut yonder")
	n := 0
	for _, a := range words {
		for _, b := range words {
			for _, c := range words {
				if a == b || b == c || a == c {
					continue
				}
				n++
				if r := Check(a + " " + b + " " + c); r != "" {
					t.Errorf("%s %s %s: %s", a, b, c, r)
				}
			}
		}
	}
	if n < 6000 {
		t.Fatalf("only %d tried", n)
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "P@ssw0rd2024!", "qwertyuiop[]", "\xff\xfe", strings.Repeat("ab", 200)} {
		f.Add(seed, "Ada")
	}
	f.Fuzz(func(t *testing.T, password, about string) {
		r := Check(password, about)
		n := utf8.RuneCountInString(password)
		if r == "" && (n < Shortest || n > Longest) {
			t.Errorf("%q passes", password)
		}
		if r != "" && r.Words() == "" {
			t.Errorf("%q: %s without words", password, r)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Check("correct horse battery staple", "Ada Lovelace", "ada@example.com", "Acme")
	}
}

// A name as long as a request may be buys no work.
func TestWhatIsKnownIsBounded(t *testing.T) {
	words := strings.Repeat("ada lovelace ", 5000)
	if n := testing.AllocsPerRun(10, func() { Check("fern-plinth-oboe", words) }); n > 100 {
		t.Errorf("%.0f allocations", n)
	}
}
