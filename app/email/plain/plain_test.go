package plain

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, html, want string }{
		{"paragraphs", `<h1>Hello  Ada</h1><p>One
			two <b>three</b>.</p><p>Four</p>`, "Hello Ada\n\nOne two three.\n\nFour\n"},
		{"a link says where it leads", `<a href="https://example.com/a">Open it</a>`, "Open it (https://example.com/a)\n"},
		{"a link that says it itself", `<a href="https://example.com/">https://example.com</a> <a href="mailto:a@example.com?subject=x">a@example.com</a>`, "https://example.com a@example.com\n"},
		{"links nobody follows", `<a href="#top">Up</a> <a href="javascript:alert(1)">Run</a> <a href="">Empty</a>`, "Up Run Empty\n"},
		{"an image that is a link", `<a href="https://example.com"><img alt="Our logo" src="x"></a><a href="https://example.com/x"><img src="y"></a>`, "Our logo (https://example.com)https://example.com/x\n"},
		{"lists", `<ul><li>One<li>Two<ul><li>Inner</ul></ul><ol><li>First<li>Second</ol>`, "- One\n- Two\n\n  - Inner\n\n1. First\n2. Second\n"},
		{"a long list", `<ol>` + strings.Repeat(`<li>x</li>`, 12) + `</ol><p>after</p>`, "1. x\n2. x\n3. x\n4. x\n5. x\n6. x\n7. x\n8. x\n9. x\n10. x\n11. x\n12. x\n\nafter\n"},
		{"cells", `<table><tr><td>Plan</td><td>Team</td></tr><tr><td>Total</td><td>$10</td></tr></table>`, "Plan Team\nTotal $10\n"},
		{"breaks", `One<br>Two<br><br><br><br>Three`, "One\nTwo\n\nThree\n"},
		{"quotation", `<p>He said</p><blockquote><p>Yes</p><p>No</p></blockquote>after`, "He said\n\n> Yes\n\n> No\n\nafter\n"},
		{"what nobody sees", `<head><title>T</title><style>p{}</style></head><script>x()</script><div style="display: none">Preheader &#847;&zwnj;&nbsp;</div><p hidden>no</p><p>Yes&shy;&#8203;</p>`, "Yes\n"},
		{"preformatted", "<pre>a\n  b</pre>", "a\n  b\n"},
		{"rule", `a<hr>b`, "a\n\n--------\n\nb\n"},
		{"entities", `&lt;script&gt; &amp; &eacute;`, "<script> & é\n"},
		{"nothing", `<img src="x">`, ""},
		{"not HTML", `just text`, "just text\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Text(c.html); got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
		})
	}
}

// Neither depth nor size makes it slow or long.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		strings.Repeat("<div>", 100_000) + "x", strings.Repeat("<blockquote>x", 10_000), strings.Repeat("<ul><li>", 5_000) + "x", strings.Repeat("x ", 2<<20),
	} {
		if got := Text(s); len(got) > maxText+maxText/2 {
			t.Errorf("%d bytes", len(got))
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(`<p>a <a href="http://x">b</a></p><ul><li>c</ul><table><td>d<td>e</table><pre> f</pre>`)
	f.Add("<!--[if mso]><table><![endif]-->\xff<br>")
	f.Fuzz(func(t *testing.T, source string) {
		got := Text(source)
		if utf8.ValidString(source) && !utf8.ValidString(got) {
			t.Errorf("%q is not text", got)
		}
		if strings.Contains(got, "\n\n\n\n") || strings.ContainsAny(got, "\r\x00") || got != "" && !strings.HasSuffix(got, "\n") {
			t.Errorf("%q", got)
		}
	})
}
