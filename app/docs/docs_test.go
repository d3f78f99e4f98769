package docs

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// An excerpt is a part of its text, bounded, with all that was asked for marked.
func TestExcerptMarksWords(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("before ", 40) + "the Replica is in step, and a replica is not a copy. " + strings.Repeat("after ", 60)
	shown, marked := "", 0
	for _, m := range excerpt([]string{"replica", "copy"}, text) {
		if shown += m.Text; m.On {
			marked++
		}
	}
	if marked != 3 || len(shown) > excerptSize+40 || !strings.Contains(shown, "the Replica is in step") || !strings.HasPrefix(shown, "… ") || !strings.HasSuffix(shown, " …") {
		t.Errorf("%d marks in %q", marked, shown)
	}
}

// A place needs all words; a title says more than a text, a whole word more than a part.
func TestWeigh(t *testing.T) {
	t.Parallel()
	title := weigh([]string{"replica"}, "The replica", "")
	part := weigh([]string{"repli"}, "The replica", "")
	text := weigh([]string{"replica"}, "Backups", "a replica")
	if !(title > part && part > text && text > 0) || weigh([]string{"replica", "key"}, "The replica", "") != 0 {
		t.Error(title, part, text)
	}
}

// A page that is wrong is refused, not shown in part.
func TestPagesAreChecked(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an unknown place-holder": "<p>[[host]]</p>",
		"an id twice":             `<h2 id="a">A</h2><h2 id="a">B</h2>`,
	} {
		if _, err := newPage(entry{Name: "x"}, text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	p, err := newPage(entry{Name: "x"}, `<p>One &amp; two</p><h2 id="a">A <code>b</code></h2><p>Three</p><pre><code>x &lt; y</code></pre>`)
	if err != nil || len(p.headings) != 1 || p.headings[0].Title != "A b" || len(p.parts) != 2 || p.parts[0].text != "One & two" || p.parts[1].text != "Three x < y" ||
		!strings.Contains(string(p.Body), `<a href="#a">`) || !strings.Contains(string(p.Body), "data-copy-code") {
		t.Errorf("%v %+v", err, p)
	}
}

// Whatever is searched for, the excerpt is the text and nothing else, and the search ends.
func FuzzExcerpt(f *testing.F) {
	f.Add("stripe key", "Set the Stripe key, then the webhook’s secret.")
	f.Add("ı İ", "İstanbul ıssız")
	f.Add("a a a", "aaaa")
	f.Fuzz(func(t *testing.T, query, text string) {
		words := strings.Fields(strings.ToLower(query))
		words = words[:min(len(words), maxWords)]
		weigh(words, text, query)
		shown := ""
		for _, m := range excerpt(words, text) {
			shown += m.Text
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(shown, "… "), " …")
		if !strings.Contains(text, inner) && !strings.Contains(text, strings.TrimPrefix(shown, "… ")) && !strings.Contains(text, strings.TrimSuffix(shown, " …")) {
			t.Errorf("%q is not of %q", shown, text)
		}
		if utf8.ValidString(text) && utf8.ValidString(query) && !utf8.ValidString(shown) {
			t.Errorf("%q breaks a letter", shown)
		}
	})
}
