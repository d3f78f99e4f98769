package compose

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const testHead = "subject: Hello\npreheader: More\nclass: account\n---\n"

func mustParse(t testing.TB, text string) *Template {
	t.Helper()
	tpl, err := Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, "subject: Re: {{.Topic}} at {{.Brand}}\r\nclass: billing\r\npreheader: For {{.Name}}\r\nttl: 90m\r\n---\r\nSee {{.SiteURL}}\r\n")
	if tpl.Class != "billing" || tpl.TTL != 90*time.Minute || !slices.Equal(tpl.Vars, []string{"Name", "Topic"}) {
		t.Errorf("class %q, ttl %v, vars %v", tpl.Class, tpl.TTL, tpl.Vars)
	}
	m, err := tpl.Render(acme, map[string]string{"Topic": "bills", "Name": "Ada"})
	if err != nil || m.Subject != "Re: bills at Acme" {
		t.Errorf("subject %q, %v", m.Subject, err)
	}
}

func TestParseBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line string
		html, text string // what the mail then has
	}{
		{"heading", "# Hi {{.Name}}", `color:#1b2430;">Hi Ada &amp; Co</h1>`, "Hi Ada & Co\n===========\n\n"},
		{"paragraph", "Hi {{.Name}}.", `color:#1b2430;">Hi Ada &amp; Co.</td>`, "Hi Ada & Co.\n\n"},
		{"literal markup", "a < b & c", "a &lt; b &amp; c</td>", "a < b & c\n\n"},
		{"bold", "so **very** much", "so <strong>very</strong> much", "so very much\n\n"},
		{"bold across variables", "**{{.Name}}, {{.Name}}** x", "<strong>Ada &amp; Co, Ada &amp; Co</strong> x", "Ada & Co, Ada & Co x\n\n"},
		{"item", "- one", `&bull;</td><td class="ink" style="`, "* one\n\n"},
		{"note", "> quiet", `color:#5a6775;">quiet</td>`, "quiet\n\n"},
		{"code", "code: 123 456", `letter-spacing:4px;color:#1b2430;">123 456</td>`, "    123 456\n\n"},
		{"button", "[[Go, {{.Name}}]](https://x.example/?a=1&b={{.Name2}})", `href="https://x.example/?a=1&amp;b=2"`, "Go, Ada & Co:\nhttps://x.example/?a=1&b=2\n\n"},
		{"mailto button", "[[Write]](mailto:help@x.example)", `href="mailto:help@x.example"`, "Write:\nmailto:help@x.example\n\n"},
		{"not a heading", "#1 of {{.Name}}", "#1 of Ada", "#1 of Ada & Co\n\n"},
		{"single braces", "a {b} c", "a {b} c", "a {b} c\n\n"},
	} {
		if c.name == "button" {
			c.line = strings.ReplaceAll(c.line, "{{.Name2}}", "2")
		}
		m, err := mustParse(t, testHead+c.line+"\n").Render(acme, map[string]string{"Name": "Ada & Co"})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if strings.Count(m.HTML, c.html) == 0 {
			t.Errorf("%s: the HTML lacks %s", c.name, c.html)
		}
		if want := c.text + "-- \nAcme\nhttps://app.example.com\n"; m.Text != want {
			t.Errorf("%s: text %q, want %q", c.name, m.Text, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "no ---"},
		{"no line", "subject: a\npreheader: b\nclass: account\n\nHello\n", "no ---"},
		{"no body", testHead + "\n  \n", "body is empty"},
		{"unknown field", "subjekt: a\n" + testHead + "x", `unknown head field "subjekt"`},
		{"no colon", "hello\n" + testHead + "x", `"hello" is not name: value`},
		{"empty subject", "subject:\npreheader: b\nclass: account\n---\nx", `"subject" is empty`},
		{"subject twice", "subject: x\n" + testHead + "x", "given twice"},
		{"no subject", "preheader: b\nclass: account\n---\nx", "needs subject"},
		{"no preheader", "subject: a\nclass: account\n---\nx", "needs subject, preheader"},
		{"no class", "subject: a\npreheader: b\n---\nx", "and class"},
		{"unknown class", "subject: a\npreheader: b\nclass: spam\n---\nx", `class "spam"`},
		{"bold subject", "subject: **a**\npreheader: b\nclass: account\n---\nx", "bold"},
		{"ttl", "ttl: soon\n" + testHead + "x", `ttl "soon"`},
		{"negative ttl", "ttl: -5m\n" + testHead + "x", `ttl "-5m"`},
		{"template action", testHead + "{{if .A}}x{{end}}", "variable's name only"},
		{"lower case", testHead + "{{.name}}", "variable's name only"},
		{"space", testHead + "{{ .Name }}", "variable's name only"},
		{"half open", testHead + "{{.Name}", "variable's name only"},
		{"half closed", testHead + "{.Name}}", "variable's name only"},
		{"in the head", "subject: {{x}}\npreheader: b\nclass: account\n---\nx", "variable's name only"},
		{"half a button", testHead + "[[Go]] (https://x.example)", "not a button"},
		{"button in a sentence", testHead + "[[Go]](https://x.example) now", "not a button"},
		{"bold button", testHead + "[[**Go**]](https://x.example)", "cannot be bold"},
		{"bold code", testHead + "code: **1**", "cannot be bold"},
		{"half bold", testHead + "a **b", "without its partner"},
		{"control character", testHead + "a\x01b", "control characters"},
	} {
		if _, err := Parse("test", c.text); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "mail test: ") {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestParseLongLine(t *testing.T) {
	t.Parallel()
	m, err := mustParse(t, testHead+strings.Repeat("word ", 20_000)+"end\n").Render(acme, nil)
	if err != nil || !strings.Contains(m.Text, " end\n") || !strings.Contains(m.HTML, " end</td>") {
		t.Errorf("a long line is cut: %v", err)
	}
}
