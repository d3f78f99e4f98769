package compose

import (
	"encoding/json"
	"strings"
	"testing"
)

// Each block in HTML and text, from one tree.
func TestBlocks(t *testing.T) {
	t.Parallel()
	vars := Vars{"A": {Text: "x & y"}, "None": {}, "L": List(Row{"N": "one", "V": "1.00 EUR"}, Row{"N": "two", "V": ""}), "Empty": List(),
		"URL": {Text: "https://x.example/?a=1&b=2"}}
	for _, c := range []struct{ name, body, html, text string }{
		{"subheading", "## Sub {{.A}}", ">Sub x &amp; y</h2>", "Sub x & y\n---------\n\n"},
		{"link", "See [it {{.A}}]({{.URL}}).", `<a href="https://x.example/?a=1&amp;b=2" class="ink" style="color:#1b2430;text-decoration:underline;">it x &amp; y</a>.`, "See it x & y (https://x.example/?a=1&b=2).\n\n"},
		{"bold link", "**[it]({{.URL}})**", "<strong><a href=", "it (https://x.example/?a=1&b=2)\n\n"},
		{"callout", "warn: Mind {{.A}}", `<strong>Please note:</strong> Mind x &amp; y</td>`, "Please note: Mind x & y\n\n"},
		{"divider", "a\n\n---\n\nb", "border-top:1px solid #dde3ea", "a\n\n------------------------------------\n\nb\n\n"},
		{"facts", "fact: Plan | {{.A}}\nfact: Long name | b", "padding-right:16px;", "Plan       x & y\nLong name  b\n\n"},
		{"image", "image: {{.URL}} | A {{.A}} | 120", `alt="A x &amp; y" width="120"`, "[A x & y]\n\n"},
		{"table", "table: N | V >\neach L: row: {{.L.N}} | {{.L.V}}\ntotal: T | 9\nend", `<th scope="col" class="soft rule" align="right"`, "N           V\n-------------\none  1.00 EUR\ntwo\nT           9\n\n"},
		{"amount on one line", "table: N | V >\neach L: row: {{.L.N}} | {{.L.V}}\nend", "1.00\u00a0EUR</td>", "1.00 EUR"},
		{"each group", "each L:\n## {{.L.N}}\nif L.V: {{.L.V}}\nend", ">two</h2>", "one\n---\n\n1.00 EUR\n\ntwo\n---\n\n"},
		{"if", "if A: yes {{.A}}\nif None: no {{.None}}\nif L: list\neach L: {{.L.N}}\nif Empty: none\neach Empty: {{.Empty.X}}\nend it", "yes x &amp; y", "yes x & y\n\nlist\n\none\n\ntwo\n\nend it\n\n"},
		{"columns", "columns:\nleft\nnext\nright\nend", `<!--[if mso]><td width="247" valign="top"><![endif]--><div class="column"`, "left\n\nright\n\n"},
		{"section", "section:\nin {{.A}}\nend", `<td class="box"`, "in x & y\n\n"},
	} {
		tpl := mustParse(t, testHead+c.body+"\n")
		m, err := tpl.RenderVars(acme, vars)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !strings.Contains(m.HTML, c.html) {
			t.Errorf("%s: the HTML lacks %s:\n%s", c.name, c.html, m.HTML[strings.Index(m.HTML, `class="card"`):])
		}
		if !strings.Contains(m.Text, c.text) {
			t.Errorf("%s: text %q, want %q", c.name, m.Text, c.text)
		}
	}
}

func TestBlocksRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{"section:\nx", "has no end"}, {"x\nend", "outside of any group"}, {"x\nnext", "outside of any group"}, {"section:\nend", "nothing in it"},
		{"section:\na\nnext\nb\nend", "at most 1 parts"}, {"columns:\na\nnext\nb\nnext\nc\nnext\nd\nend", "at most 3 parts"},
		{"columns:\nsection:\ncolumns:\nx\nend\nend\nend", "columns cannot stand in columns"}, {"row: a | b", "belong in a table"},
		{"table: a | b\ntext\nend", "belong in a table"}, {"table: a | b\nrow: x\nend", "has 1 parts, its table 2"}, {"table: a |\nrow: x | y\nend", "no name"},
		{"table: a | b | c | d | e\nrow: x\nend", "more than 4"}, {"fact: a", "not fact: name | value"}, {"image: x", "not image"},
		{"image: https://x | words | 9999", "from 1 to 494"}, {"image: https://x |  | 10", "words for those"}, {"each L.X: y", "takes the name of a list"},
		{"each L: each L: {{.L.X}}", "stands in itself"}, {"{{.L.X}}", "outside of each L"}, {"each L: {{.L.X}}\n{{.L}}", "as a list and as text"},
		{"[**a**](https://x.example)", "cannot be bold inside"}, {strings.Repeat("x\n", 501), "more than 500 blocks"},
		{strings.Repeat("section:\n", 6) + "x\n" + strings.Repeat("end\n", 6), "groups deep"},
	} {
		if _, err := Parse("test", testHead+c.body+"\n"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.body, err, c.want)
		}
	}
	for _, head := range []string{"lang: klingon!\n", "optional: Nobody\n"} {
		if _, err := Parse("test", head+testHead+"x\n"); err == nil {
			t.Errorf("%q is taken", head)
		}
	}
}

func TestRightToLeft(t *testing.T) {
	t.Parallel()
	m, err := mustParse(t, "lang: ar\n"+testHead+"# x\n\nfact: a | b\ninfo: c\n").RenderVars(acme, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="ar" dir="rtl"`, `lang="ar" dir="rtl" width="100%"`, `class="card" align="right"`, "padding-left:16px", "border-right:4px solid"} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(m.HTML, `align="left"`) {
		t.Error("something stands at the left")
	}
}

func TestLinksInBlocksAreHeldToo(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"[x]({{.L.U}})", "- [x]({{.L.U}})", "fact: a | [x]({{.L.U}})", "[[x]]({{.L.U}})", "image: {{.L.U}} | x | 10", "warn: [x]({{.L.U}})"} {
		tpl := mustParse(t, testHead+"each L: "+body+"\n")
		for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "", "//evil.example", "https://a@evil.example"} {
			if m, err := tpl.RenderVars(acme, Vars{"L": List(Row{"U": bad})}); err == nil || m != (Mail{}) {
				t.Errorf("%s leads to %q", body, bad)
			}
		}
	}
}

func TestOptional(t *testing.T) {
	t.Parallel()
	tpl := mustParse(t, "optional: Note, L\n"+testHead+"x\nif Note: n {{.Note}}\neach L: l {{.L.X}}\n")
	m, err := tpl.RenderVars(acme, nil)
	if err != nil || strings.Contains(m.Text, "n ") {
		t.Errorf("%q, %v", m.Text, err)
	}
	tpl.MayLack("Note", "so\nit")
	for _, vars := range []Vars{nil, {"Note": {}}} {
		if m, err = tpl.RenderVars(acme, vars); err != nil || !strings.Contains(m.Text, "n so it\n") {
			t.Errorf("%q, %v", m.Text, err)
		}
	}
}

func TestVarsAsJSON(t *testing.T) {
	t.Parallel()
	in := Vars{"T": {Text: "a\"b"}, "L": List(Row{"X": "1"}), "E": List()}
	raw, err := json.Marshal(in)
	if want := `{"E":[],"L":[{"X":"1"}],"T":"a\"b"}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
	var out Vars
	if err := json.Unmarshal(raw, &out); err != nil || !out["E"].List || len(out["L"].Rows) != 1 || out["T"].Text != "a\"b" {
		t.Errorf("%+v, %v", out, err)
	}
	for _, bad := range []string{`{"A":1}`, `{"A":null}`, `{"A":{}}`, `{"A":["x"]}`, `{"A":[{"X":1}]}`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestFoot(t *testing.T) {
	t.Parallel()
	brand := Brand{Name: "A<b>", URL: "https://a.example", Logo: "https://a.example/l.png", LogoW: 80, LogoH: 40, Address: "1 <Quay>\r\n\r\nPort", Support: "h@a.example",
		Unsubscribe: "https://a.example/u?x=1&y=2"}
	m, err := mustParse(t, testHead+"x\n").Render(brand, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<img src="https://a.example/l.png" alt="A&lt;b&gt;" width="80" height="40"`, "1 &lt;Quay&gt;<br>Port", `href="mailto:h@a.example"`, `href="https://a.example/u?x=1&amp;y=2"`} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("the HTML lacks %s", want)
		}
	}
	if !strings.HasSuffix(m.Text, "-- \nA<b>\nhttps://a.example\nh@a.example\n1 <Quay>\nPort\nUnsubscribe or choose what you get:\nhttps://a.example/u?x=1&y=2\n") {
		t.Errorf("text %q", m.Text)
	}
	brand.Logo, brand.Support, brand.Unsubscribe = "javascript:x", "x y", "javascript:x"
	if m, err = mustParse(t, testHead+"x\n").Render(brand, nil); err != nil || strings.Contains(m.HTML, "javascript") || strings.Contains(m.HTML, "x y") {
		t.Errorf("%v", err)
	}
}
