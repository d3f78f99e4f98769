package compose

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// everyBlock uses one variable everywhere a value can go.
const everyBlock = `subject: S {{.V}} s
preheader: P {{.V}} p
class: account
---
# H {{.V}} h

T **{{.V}}** t

- I {{.V}} i
- J {{.V}} j

> N {{.V}} n

code: C {{.V}} c

[[B {{.V}} b]]({{.URL}})

## S {{.V}} s

L [l {{.V}} l]({{.URL}}) l

info: A {{.V}} a
warn: A {{.V}} a
danger: A {{.V}} a

---

fact: K {{.V}} k | W {{.V}} w
each Rows: fact: K {{.Rows.V}} k | W {{.Rows.V}} w

image: {{.URL}} | M {{.V}} m | 200

table: D {{.V}} d | E {{.V}} e >
each Rows: row: R {{.Rows.V}} r | [q {{.Rows.V}} q]({{.Rows.URL}})
if Rows: total: O {{.V}} o | U {{.V}} u
end

section:
X {{.V}} x
columns:
- C {{.V}} c
next
each Rows:
> C {{.Rows.V}} c
end
end
end
`

// shown is how often the value is in the body of everyBlock, where each row is there twice.
const shown = 7 + 2 + 3 + 2 + 2*2 + 1 + 2 + 2*2 + 2 + 1 + 1 + 2

var hostile = []struct{ name, value, shown string }{
	{"script", `<script>alert(1)</script>`, `<script>alert(1)</script>`},
	{"quotes", `" onmouseover="x" '`, `" onmouseover="x" '`},
	{"comment", `--><b>x</b><!--`, `--><b>x</b><!--`},
	{"conditional comment", `<![endif]--><b>`, `<![endif]--><b>`},
	{"entity", `&lt;b&gt;`, `&lt;b&gt;`},
	{"header", "x\r\nBcc: eve@evil.example", "x  Bcc: eve@evil.example"},
	{"block", "x\n\n# Big\n\n- item", "x  # Big  - item"},
	{"bold", "a ** b **", "a ** b **"},
	{"button", "[[x]](http://evil.example)", "[[x]](http://evil.example)"},
	{"variable", "{{.URL}} {{.Brand}}", "{{.URL}} {{.Brand}}"},
	{"line separators", "a\u2028b\u2029c\u0085d", "a b cd"},
	{"nul and controls", "a\x00b\x01c\x1bd\x7fe\u009bf", "abcdef"},
	{"invalid UTF-8", "a\xff\xc3b\xed\xa0\x80", "ab"},
	{"direction", "a\u202eb\u2066c\ufeff", "abc"},
	{"surrounding space", " \t zz \n", "zz"},
	{"joined emoji", "👩\u200d💻", "👩\u200d💻"},
}

// Fault 28: <script>, javascript: and quotes in values are shown, never meant.
func TestFault28ValuesAddNothing(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, everyBlock)
	plain := render(t, tpl, acme, "value")
	for _, c := range hostile {
		m := render(t, tpl, acme, c.value)
		if want := "S " + c.shown + " s"; m.Subject != want {
			t.Errorf("%s: subject %q, want %q", c.name, m.Subject, want)
		}
		if got, want := outline(t, m.HTML), outline(t, plain.HTML); !slices.Equal(got, want) {
			t.Errorf("%s changes the HTML:\n got %v\nwant %v", c.name, got, want)
		}
		words := strings.Join(strings.Fields(c.shown), " ")
		if html := visible(t, m.HTML); strings.Count(html, words) != shown {
			t.Errorf("%s: the HTML does not show %q:\n%s", c.name, words, html)
		}
		if got, want := textShape(m.Text), textShape(plain.Text); got != want {
			t.Errorf("%s changes the text to %s, want %s:\n%s", c.name, got, want, m.Text)
		}
		if got := strings.Count(strings.Join(strings.Fields(m.Text), " "), words); got != shown {
			t.Errorf("%s: the text shows %q %d times:\n%s", c.name, words, got, m.Text)
		}
	}
}

func TestBrandAddsNothing(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, testHead+"{{.Brand}}, {{.SiteURL}}\n")
	want := outline(t, render(t, tpl, acme, "").HTML)
	for _, c := range hostile {
		m := render(t, tpl, Brand{Name: c.value, URL: acme.URL, Accent: c.value}, "")
		if got := outline(t, m.HTML); !slices.Equal(got, want) {
			t.Errorf("%s as the brand's name changes the HTML:\n got %v\nwant %v", c.name, got, want)
		}
		if strings.ContainsAny(m.HTML+m.Text, "\x00\x01\r\u2028") {
			t.Errorf("%s as the brand's name is kept", c.name)
		}
	}
	m, err := tpl.Render(Brand{Name: "Acme", URL: "javascript:alert(1)"}, map[string]string{"Brand": "Evil", "SiteURL": "https://evil.example"})
	if err != nil || strings.Contains(m.HTML, `href="javascript`) || strings.Contains(m.HTML+m.Text, "vil") {
		t.Errorf("a value replaces the brand, or the brand's address is taken unseen: %v\n%s", err, m.Text)
	}
}

func TestFault28ButtonAddress(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, testHead+"[[Go]]({{.URL}})\n")
	for _, url := range []string{"https://x.example", "http://localhost:8080/a?b=c&d=%22#e", "mailto:a@x.example", "HTTPS://X.example/"} {
		m, err := tpl.Render(acme, map[string]string{"URL": url})
		if err != nil || !strings.Contains(m.Text, "Go:\n"+url+"\n") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "\x01javascript:x",
		"data:text/html,x", "vbscript:x", "file:///etc/passwd", "//evil.example", "/path", "https:", "https://", "https:///x", "https:evil.example",
		"https://good.example@evil.example", "https://x.example/a b", "https://x.example/\u00a0b", "https://x.example:port/", "https://x.example/\n[[x]](http://y)",
		"mailto:", "ftp://x.example", "https://x.example/%zz"} {
		if m, err := tpl.Render(acme, map[string]string{"URL": url}); err == nil || m != (Mail{}) {
			t.Errorf("a button leads to %q", url)
		}
	}
	_, err := tpl.Render(acme, map[string]string{"URL": "app://x.example/reset?token=s3cret"})
	if err == nil || !strings.Contains(err.Error(), "URL must be an address") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error should name the variable and no secret: %v", err)
	}
	_, err = mustParse(t, testHead+"[[Go]]({{.URL}}?x=1)\n").Render(acme, map[string]string{"URL": "app://x.example/reset?token=s3cret"})
	if err == nil || !strings.Contains(err.Error(), `"app"`) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error should name the scheme and no secret: %v", err)
	}
}

// Fault 27: a missing variable is named, and nothing partial comes out.
func TestFault27MissingVariables(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, "subject: {{.A}}\npreheader: {{.B}}\nclass: account\n---\n{{.Name}} {{.SiteURL}}\n\n[[Go]]({{.URL}})\n")
	m, err := tpl.Render(acme, map[string]string{"Name": "Ada", "B": "", "Brand": "x"})
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Template != "test" || !slices.Equal(missing.Names, []string{"A", "URL"}) || m != (Mail{}) {
		t.Errorf("%v, %v", m, err)
	}
	every := mustParse(t, everyBlock)
	for name, want := range map[string]string{"V": "no value for V", "Rows": "no value for Rows", "URL": "no value for URL"} {
		vars := Vars{"V": {}, "URL": {Text: acme.URL}, "Rows": List()}
		delete(vars, name)
		if m, err := every.RenderVars(acme, vars); err == nil || !strings.Contains(err.Error(), want) || m != (Mail{}) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for want, vars := range map[string]Vars{
		"no value for Rows.V":           {"V": {}, "URL": {Text: acme.URL}, "Rows": List(Row{"V": "", "URL": ""}, Row{"URL": ""})},
		"Rows must be a list":           {"V": {}, "URL": {Text: acme.URL}, "Rows": {Text: "x"}},
		"V must be text":                {"V": List(), "URL": {Text: acme.URL}, "Rows": List()},
		"Rows must be at most 500 rows": {"V": {}, "URL": {Text: acme.URL}, "Rows": List(make([]Row, 501)...)},
	} {
		if m, err := every.RenderVars(acme, vars); err == nil || !strings.Contains(err.Error(), want) || m != (Mail{}) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if want := "mail test: no value for A, URL"; err == nil || err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if err := tpl.Check(map[string]string{"A": "", "B": "", "Name": "", "URL": "https://x.example"}); err != nil {
		t.Errorf("an empty value counts as none: %v", err)
	}
}

func render(t testing.TB, tpl *Template, brand Brand, value string) Mail {
	t.Helper()
	m, err := tpl.RenderVars(brand, every(value, "https://x.example/?token=1"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
