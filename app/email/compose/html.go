package compose

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// The HTML is what mail programs agree on: tables for layout, styles on each
// element, a fixed-width table for Outlook's Word engine in conditional comments
// (its max-width is not understood there), a VML button for the same reason, a
// hidden preheader, and a style block for programs that know dark mode; Outlook
// on the web marks that with data-ogsc and data-ogsb (spec/email.md sections 0 and 3).

const htmlHead = `<!DOCTYPE html>
<html lang="en" dir="ltr" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<title>%[1]s</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (max-width: 480px) {
  .card { padding: 24px 20px 12px !important; }
}
@media (prefers-color-scheme: dark) {
  .ground { background-color: #14181d !important; }
  .card { background-color: #1d232a !important; border-color: #323a44 !important; }
  .ink { color: #e8edf2 !important; }
  .soft { color: #a9b4bf !important; }
  .box { background-color: #2a333d !important; }
}
[data-ogsb] .ground { background-color: #14181d !important; }
[data-ogsb] .card { background-color: #1d232a !important; }
[data-ogsb] .box { background-color: #2a333d !important; }
[data-ogsc] .ink { color: #e8edf2 !important; }
[data-ogsc] .soft { color: #a9b4bf !important; }
</style>
</head>
<body class="ground" style="margin:0;padding:0;background-color:#f3f5f8;">
<div style="display:none;mso-hide:all;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;">%[2]s%[3]s</div>
<table role="presentation" lang="en" dir="ltr" width="100%%" cellpadding="0" cellspacing="0" border="0" class="ground" style="background-color:#f3f5f8;"><tbody>
<tr><td align="center" style="padding:32px 12px;">
<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;"><tbody>
<tr><td class="ink" align="left" style="padding:0 4px 16px;font-family:%[4]s;font-size:16px;line-height:24px;font-weight:bold;color:#1b2430;">%[5]s</td></tr>
<tr><td class="card" align="left" style="padding:32px 32px 16px;background-color:#ffffff;border:1px solid #dde3ea;border-radius:10px;">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0"><tbody>
`

const htmlFoot = `</tbody></table>
</td></tr>
<tr><td class="soft" align="left" style="padding:16px 4px 0;font-family:%s;font-size:13px;line-height:20px;color:#5a6775;">%s</td></tr>
</tbody></table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</tbody></table>
</body>
</html>
`

const (
	fonts      = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
	monospace  = "Consolas,Menlo,Monaco,'Courier New',monospace"
	rowHeading = `<tr><td style="padding:0 0 16px;"><h1 class="ink" style="margin:0;font-family:%s;font-size:22px;line-height:28px;font-weight:bold;color:#1b2430;">%s</h1></td></tr>` + "\n"
	rowText    = `<tr><td class="ink" style="padding:0 0 16px;font-family:%s;font-size:16px;line-height:24px;color:#1b2430;">%s</td></tr>` + "\n"
	rowItem    = `<tr><td style="padding:0 0 %dpx;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="soft" valign="top" width="20" style="font-family:%[2]s;font-size:16px;line-height:24px;color:#5a6775;">&bull;</td><td class="ink" style="font-family:%[2]s;font-size:16px;line-height:24px;color:#1b2430;">%[3]s</td></tr></tbody></table></td></tr>` + "\n"
	rowNote    = `<tr><td class="soft" style="padding:0 0 16px;font-family:%s;font-size:14px;line-height:21px;color:#5a6775;">%s</td></tr>` + "\n"
	rowCode    = `<tr><td style="padding:0 0 16px;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="box ink" style="padding:12px 20px;background-color:#eef2f6;border-radius:6px;font-family:%s;font-size:24px;line-height:32px;letter-spacing:4px;color:#1b2430;">%s</td></tr></tbody></table></td></tr>` + "\n"
	rowButton  = `<tr><td style="padding:8px 0 16px;">
<!--[if mso]><v:roundrect href="%[1]s" style="height:44px;v-text-anchor:middle;width:%[6]dpx;" arcsize="14%%" stroke="f" fillcolor="%[3]s"><w:anchorlock xmlns:w="urn:schemas-microsoft-com:office:word"/><center style="color:%[5]s;font-family:Arial,sans-serif;font-size:16px;font-weight:bold;">%[2]s</center></v:roundrect><![endif]-->
<!--[if !mso]><!--><a href="%[1]s" style="display:inline-block;padding:10px 24px;background-color:%[3]s;border-radius:6px;font-family:%[4]s;font-size:16px;line-height:24px;font-weight:bold;text-align:center;color:%[5]s;text-decoration:none;">%[2]s</a><!--<![endif]-->
</td></tr>
<tr><td class="soft" style="padding:0 0 24px;font-family:%[4]s;font-size:13px;line-height:20px;color:#5a6775;">Or open this address:<br><a href="%[1]s" class="soft" style="color:#5a6775;text-decoration:underline;word-break:break-all;">%[1]s</a></td></tr>
`
)

// filler follows the preheader, so that a list of mails does not show the first
// words of the body after it.
var filler = strings.Repeat(" &#847;&zwnj;&nbsp;", 60)

// boldMark stands for ** while values are filled in; no value can contain it.
const boldMark = "\x01"

// rich fills a leaf for HTML: everything is escaped, then ** pairs become bold.
func (l leaf) rich(vars map[string]string) string {
	literal := func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "**", boldMark) }
	s := l.fill(vars, literal, html.EscapeString)
	for strings.Contains(s, boldMark) { // Parse saw to it that they are even
		s = strings.Replace(s, boldMark, "<strong>", 1)
		s = strings.Replace(s, boldMark, "</strong>", 1)
	}
	return s
}

func (t *Template) html(brand Brand, vars map[string]string) string {
	ground, ink := buttonColors(brand.Accent)
	name := html.EscapeString(brand.Name)
	var b strings.Builder
	b.Grow(12 << 10)
	fmt.Fprintf(&b, htmlHead, t.subject.rich(vars), t.preheader.rich(vars), filler, fonts, name)
	for i, bl := range t.blocks {
		words := bl.text.rich(vars)
		switch bl.kind {
		case heading:
			fmt.Fprintf(&b, rowHeading, fonts, words)
		case paragraph:
			fmt.Fprintf(&b, rowText, fonts, words)
		case item:
			fmt.Fprintf(&b, rowItem, t.afterItem(i), fonts, words)
		case note:
			fmt.Fprintf(&b, rowNote, fonts, words)
		case code:
			fmt.Fprintf(&b, rowCode, monospace, words)
		case button:
			width := 64 + 9*utf8.RuneCountInString(bl.text.fill(vars, same, same)) // VML does not fit itself to its words
			fmt.Fprintf(&b, rowButton, bl.url.rich(vars), words, ground, fonts, ink, min(width, 480))
		}
	}
	if safeURL(brand.URL) {
		url := html.EscapeString(brand.URL)
		name += fmt.Sprintf(` &middot; <a href="%s" class="soft" style="color:#5a6775;text-decoration:underline;">%s</a>`, url, url)
	}
	fmt.Fprintf(&b, htmlFoot, fonts, name)
	return b.String()
}

// afterItem is the space below an item, in pixels: less between two of a list.
func (t *Template) afterItem(i int) int {
	if i+1 < len(t.blocks) && t.blocks[i+1].kind == item {
		return 8
	}
	return 16
}
