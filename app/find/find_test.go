package find

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzQuery holds that what is searched for keeps its length, that only letters of ASCII change, and that all
// that begins with it lies before its end.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"Ada@Example.com", "ÄÖÜ", "usr_06H074", "🙂", "", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("what is typed is made valid before")
		}
		q := NewQuery(s, 5)
		if q.Text != s || len(q.Lower) != len(s) || !strings.EqualFold(q.Lower, s) || strings.ContainsAny(q.Lower, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Errorf("%q became %q", s, q.Lower)
		}
		if end := End(s); s >= end || s+"zzz" >= end || s+"🙂" >= end {
			t.Errorf("%q does not lie before its end %q", s, end)
		}
	})
}
