package compose

import (
	"regexp"
	"strings"
	"testing"

	"seaworthy/app/accent"
)

// TestHTMLStructure holds every mail to what the programs that show it need.
func TestHTMLStructure(t *testing.T) {
	t.Parallel()
	for _, s := range append(samples(t), sampled{Template: mustParse(t, everyBlock), vars: every("value", "https://x.example/")}) {
		m, err := s.RenderVars(acme, s.vars)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.HTML) > 102<<10 {
			t.Errorf("%s: %d bytes; Gmail cuts at 102 KB", s.Name, len(m.HTML))
		}
		checkLayout(t, s.Name, m)
		checkOutlook(t, s.Name, m.HTML)
		for _, want := range []string{`<meta name="color-scheme" content="light dark">`, `<meta name="supported-color-schemes" content="light dark">`,
			"@media (prefers-color-scheme: dark) {", "[data-ogsc] .ink"} {
			if !strings.Contains(m.HTML, want) {
				t.Errorf("%s: lacks %s", s.Name, want)
			}
		}
		if bad := regexp.MustCompile(`(?i)@import|@font-face|url\(|<(script|link|iframe|form|object|svg|base)\b|\son[a-z]+=`).FindString(m.HTML); bad != "" {
			t.Errorf("%s: has %s", s.Name, bad)
		}
	}
}

func checkLayout(t *testing.T, name string, m Mail) {
	t.Helper()
	root := parseHTML(t, m.HTML)
	if lang := attr(elements(root, "html")[0], "lang"); lang != "en" {
		t.Errorf("%s: lang %q", name, lang)
	}
	if title := elements(root, "title")[0].FirstChild.Data; title != m.Subject {
		t.Errorf("%s: title %q, subject %q", name, title, m.Subject)
	}
	for _, table := range elements(root, "table") {
		if data := len(elements(table, "th")) > 0 && len(elements(table, "table")) == 0; (attr(table, "role") != "presentation") != data {
			t.Errorf("%s: a table for layout has no role=presentation, or one of data has", name)
		}
	}
	if n := len(elements(root, "h1")); n != 1 {
		t.Errorf("%s: %d headings of the first rank", name, n)
	}
	hidden := elements(root, "div")[0]
	preheader, _, _ := strings.Cut(hidden.FirstChild.Data, "\u034f")
	if !strings.HasPrefix(attr(hidden, "style"), "display:none") || strings.TrimSpace(preheader) == "" || hidden.PrevSibling.PrevSibling != nil {
		t.Errorf("%s: the body does not begin with a hidden preheader: %q", name, preheader)
	}
	for _, a := range elements(root, "a") {
		if !safeURL(attr(a, "href")) {
			t.Errorf("%s: a link leads to %q", name, attr(a, "href"))
		}
	}
}

// checkOutlook looks for the table of fixed width around what has a max-width,
// and for the VML button beside each link that looks like one.
func checkOutlook(t *testing.T, name, html string) {
	t.Helper()
	ghost := regexp.MustCompile(`(?s)<!--\[if mso\]><table role="presentation" width="560"[^>]*><tr><td><!\[endif\]-->\s*<table[^>]*max-width:560px;.*</table>\s*<!--\[if mso\]></td></tr></table><!\[endif\]-->`)
	if !ghost.MatchString(html) || strings.Count(html, "max-width:560px") != 1 {
		t.Errorf("%s: no table for Outlook around the one with a max-width", name)
	}
	vml := regexp.MustCompile(`(?s)<!--\[if mso\]><v:roundrect href="([^"]*)" style="height:44px;v-text-anchor:middle;width:\d+px;".*?>([^<>]+)</center></v:roundrect><!\[endif\]-->\s*<!--\[if !mso\]><!--><a href="([^"]*)"[^>]*>([^<>]+)</a><!--<!\[endif\]-->`)
	found := vml.FindAllStringSubmatch(html, -1)
	if len(found) != strings.Count(html, "display:inline-block;padding:") || len(found) == 0 {
		t.Errorf("%s: %d buttons with VML of %d", name, len(found), strings.Count(html, "display:inline-block;padding:"))
	}
	for _, b := range found {
		if b[1] != b[3] || b[2] != b[4] {
			t.Errorf("%s: Outlook's button says %q %s, the other %q %s", name, b[2], b[1], b[4], b[3])
		}
	}
	if strings.Count(html, "<!--[if") != strings.Count(html, "<![endif]-->") {
		t.Errorf("%s: conditional comments do not match", name)
	}
}

// TestTextSaysTheSame compares the words of both parts.
func TestTextSaysTheSame(t *testing.T) {
	t.Parallel()
	for _, s := range append(samples(t), sampled{Template: mustParse(t, everyBlock), vars: every("value", "https://x.example/")}) {
		m, err := s.RenderVars(acme, s.vars)
		if err != nil {
			t.Fatal(err)
		}
		html := strings.NewReplacer("Or open this address: ", "", "• ", "", " ·", "").Replace(visible(t, m.HTML))
		html = strings.TrimPrefix(html, acme.Name+" ")
		marks := regexp.MustCompile(`(?m)^(=+|-{3,}|-- |\* )$|^\* `)
		text := marks.ReplaceAllString(m.Text, " ")
		colons := regexp.MustCompile(`:(\s|$)`) // after a button's label, in the text part alone
		html, text = colons.ReplaceAllString(html, " "), colons.ReplaceAllString(text, " ")
		html, text = strings.Join(strings.Fields(html), " "), strings.Join(strings.Fields(text), " ")
		if html != text {
			t.Errorf("%s:\nHTML %s\ntext %s", s.Name, html, text)
		}
	}
}

func TestTextIsWrapped(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("sieben ", 40)
	m, err := mustParse(t, testHead+words+"\n\n- "+words+"\n\n> "+words+"\n").Render(acme, nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(m.Text, "\n") {
		if len(line) > textWidth {
			t.Errorf("%d characters: %s", len(line), line)
		}
	}
	if !strings.Contains(m.Text, "\n* sieben") || !strings.Contains(m.Text, "\n  sieben") {
		t.Errorf("items do not hang:\n%s", m.Text)
	}
}

func TestButtonColors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ accent, ground, ink string }{
		{"", "#0f5c8c", "#ffffff"},
		{"red", "#0f5c8c", "#ffffff"},
		{"#ffffff;x:y", "#0f5c8c", "#ffffff"},
		{"#000000", "#000000", "#ffffff"},
		{"#FFEE00", "#FFEE00", "#1b2430"},
		{"#ffffff", "#ffffff", "#1b2430"},
		{"#2f6fdd", "#2f6fdd", "#ffffff"},
		{"#8ecae6", "#8ecae6", "#1b2430"},
		{"#808080", "#808080", "#000000"}, // neither white nor near-black can be read on it
	} {
		ground, ink := buttonColors(c.accent)
		if ground != c.ground || ink != c.ink {
			t.Errorf("%q: %s on %s, want %s on %s", c.accent, ink, ground, c.ink, c.ground)
		}
		if ratio := accent.Contrast(ground, ink); ratio < 4.5 {
			t.Errorf("%q: contrast %.1f", c.accent, ratio)
		}
		m, err := mustParse(t, testHead+"[[Go]](https://x.example)").Render(Brand{Accent: c.accent}, nil)
		if err != nil || !strings.Contains(m.HTML, "background-color:"+c.ground+";") || !strings.Contains(m.HTML, "text-align:center;color:"+c.ink+";text-decoration:none") {
			t.Errorf("%q is not used: %v", c.accent, err)
		}
	}
}
