package email

import (
	"slices"
	"strings"
	"testing"
)

func TestParseSPF(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]spfPolicy{
		"v=spf1": {},
		"v=spf1 include:_spf.example ip4:1.2.3.4 ~all":        {lookups: 1, includes: []string{"_spf.example"}, all: '~'},
		"v=spf1 a mx/24 a:b.example/24 ptr exists:%{i}.x all": {lookups: 5, all: '+'},
		"v=spf1 -all include:never.example":                   {all: '-'},
		"V=SPF1 ?ALL":                                         {all: '?'},
		"v=spf1 redirect=other.example":                       {lookups: 1, includes: []string{"other.example"}, redirect: "other.example"},
		"v=spf1 include:%{d}.example -all":                    {lookups: 1, all: '-'},
	} {
		got := parseSPF(text)
		if got.lookups != want.lookups || got.all != want.all || got.redirect != want.redirect || !slices.Equal(got.includes, want.includes) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestParseTags(t *testing.T) {
	t.Parallel()
	got := parseTags("v=DKIM1; k=rsa ; p=AB CD\tEF=; p=later; ; =x; t")
	if len(got) != 3 || got["p"] != "ABCDEF=" || got["k"] != "rsa" || got["v"] != "DKIM1" {
		t.Errorf("%v", got)
	}
}

// FuzzDNSRecord has anybody's records read: those of a stranger's domain that ours includes.
func FuzzDNSRecord(f *testing.F) {
	for _, text := range []string{"v=spf1 include:a.example -all", "v=spf1 + -", "v=DMARC1; p=none", "v=spf1 a:/ redirect=", ";=;", "\xff v=spf1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := parseSPF(text)
		if len(p.includes) > p.lookups || p.lookups > longestRecord || !strings.ContainsRune("\x00+-~?", rune(p.all)) {
			t.Errorf("%q: %+v", text, p)
		}
		for name, value := range parseTags(text) {
			if name == "" || name != strings.ToLower(name) || strings.ContainsAny(value, "; \t\n") {
				t.Errorf("%q: %q=%q", text, name, value)
			}
		}
	})
}
