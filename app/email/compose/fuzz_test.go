package compose

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	for _, s := range samples(f) {
		f.Add("subject: " + s.Name + "\npreheader: b\nclass: account\n---\nx")
	}
	for _, text := range []string{everyBlock, "", "---", "\n---\n", testHead + "columns:\na\nnext\nb\nend", testHead + "each A: if A.B: [{{.A.C}}]({{.A.D}})", testHead + "table: a | b>\nrow: x | y\nend", testHead + "[[a]](b)", testHead + "**a**{{.B}}", testHead + "{{{.A}}}", testHead + "- \n# \n> "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := Parse("fuzz", text)
		if err != nil {
			return
		}
		vars := Vars{}
		for _, name := range tpl.Vars {
			vars[name] = Value{Text: "https://x.example"}
			if fields, list := tpl.Lists[name]; list {
				row := Row{}
				for _, f := range fields {
					row[f] = "https://x.example"
				}
				vars[name] = List(row, row)
			}
		}
		m, err := tpl.RenderVars(acme, vars)
		if err != nil {
			return // a button of the template itself leads nowhere
		}
		if len(m.Text) == 0 || strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("subject %q, text %q", m.Subject, m.Text)
		}
		if len(elements(parseHTML(t, m.HTML), "strong"))*2 != strings.Count(m.HTML, "strong>") {
			t.Errorf("bold is not closed:\n%s", m.HTML)
		}
	})
}

// FuzzRender holds any value to the shape the template gives the mail.
func FuzzRender(f *testing.F) {
	tpl := mustParse(f, everyBlock)
	plain, err := tpl.RenderVars(acme, every("value", "https://x.example/?token=1"))
	if err != nil {
		f.Fatal(err)
	}
	want, shape := outline(f, plain.HTML), textShape(plain.Text)
	for _, c := range hostile {
		f.Add(c.value, "https://x.example/?token=1&b="+c.value)
	}
	f.Add("javascript:x", "javascript:x")
	f.Fuzz(func(t *testing.T, value, url string) {
		m, err := tpl.RenderVars(acme, every(value, "https://x.example/?token=1"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(m.Subject, unicode.IsControl) || !utf8.ValidString(m.Subject+m.HTML+m.Text) {
			t.Errorf("subject %q", m.Subject)
		}
		if got := outline(t, m.HTML); !slices.Equal(got, want) {
			t.Errorf("%q changes the HTML to %v", value, got)
		}
		if got := textShape(m.Text); got != shape {
			t.Errorf("%q changes the text to %s, want %s", value, got, shape)
		}
		if strings.ContainsAny(value, "<>\"'") && strings.Count(m.HTML, value) > strings.Count(plain.HTML, value) {
			t.Errorf("%q is not escaped", value)
		}
		if m, err = tpl.RenderVars(acme, every("value", url)); err != nil {
			return
		}
		if got := outline(t, m.HTML); !slices.Equal(got, want) {
			t.Errorf("the address %q changes the HTML to %v", url, got)
		}
		for _, a := range elements(parseHTML(t, m.HTML), "a") {
			scheme, _, _ := strings.Cut(strings.ToLower(attr(a, "href")), ":")
			if scheme != "http" && scheme != "https" && scheme != "mailto" {
				t.Errorf("a link leads to %q", attr(a, "href"))
			}
		}
	})
}
