package compose

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// The HTML is what mail programs agree on: tables for layout, styles on each
// element, a fixed-width table for Outlook's Word engine in conditional comments
// (its max-width is not understood there), a VML button for the same reason, a
// hidden preheader, and a style block for programs that know dark mode
// (spec/email.md sections 0 and 3).

const htmlHead = `<!DOCTYPE html>
<html lang="en" dir="ltr" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<title>%s</title>
<style>
@media (prefers-color-scheme: dark) {
  .ground { background-color: #14181d !important; }
  .card { background-color: #1d232a !important; border-color: #323a44 !important; }
  .ink { color: #e8edf2 !important; }
  .soft { color: #a9b4bf !important; }
  .box { background-color: #262e37 !important; color: #e8edf2 !important; }
}
</style>
</head>
<body class="ground" style="margin:0;padding:0;background-color:#f3f5f8;">
<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;">%s</div>
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0" class="ground" style="background-color:#f3f5f8;">
<tr><td align="center" style="padding:32px 12px;">
<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;">
<tr><td class="ink" style="padding:0 4px 16px;font-family:%s;font-size:16px;line-height:24px;font-weight:bold;color:#1b2430;">%s</td></tr>
<tr><td class="card" style="padding:32px;background-color:#ffffff;border:1px solid #dde3ea;border-radius:10px;">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0">
`

const htmlFoot = `</table>
</td></tr>
<tr><td class="soft" style="padding:16px 4px 0;font-family:%s;font-size:13px;line-height:20px;color:#5a6775;">%s &middot; <a href="%s" class="soft" style="color:#5a6775;text-decoration:underline;">%s</a></td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
`

const (
	fonts      = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
	monospace  = "Consolas,Menlo,Monaco,'Courier New',monospace"
	rowHeading = `<tr><td class="ink" style="padding:0 0 16px;font-family:%s;font-size:22px;line-height:28px;font-weight:bold;color:#1b2430;">%s</td></tr>` + "\n"
	rowText    = `<tr><td class="ink" style="padding:0 0 16px;font-family:%s;font-size:16px;line-height:24px;color:#1b2430;">%s</td></tr>` + "\n"
	rowItem    = `<tr><td class="ink" style="padding:0 0 8px 16px;font-family:%s;font-size:16px;line-height:24px;color:#1b2430;">&bull; %s</td></tr>` + "\n"
	rowNote    = `<tr><td class="soft" style="padding:8px 0 8px;font-family:%s;font-size:14px;line-height:21px;color:#5a6775;">%s</td></tr>` + "\n"
	rowCode    = `<tr><td style="padding:0 0 16px;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="box" style="padding:12px 20px;background-color:#eef2f6;border-radius:6px;font-family:%s;font-size:24px;line-height:32px;letter-spacing:4px;color:#1b2430;">%s</td></tr></table></td></tr>` + "\n"
	rowButton  = `<tr><td style="padding:8px 0 24px;">
<!--[if mso]><v:roundrect href="%[1]s" style="height:44px;v-text-anchor:middle;width:260px;" arcsize="14%%" stroke="f" fillcolor="%[3]s"><w:anchorlock xmlns:w="urn:schemas-microsoft-com:office:word"/><center style="color:#ffffff;font-family:Arial,sans-serif;font-size:16px;font-weight:bold;">%[2]s</center></v:roundrect><![endif]-->
<!--[if !mso]><!--><a href="%[1]s" style="display:inline-block;padding:10px 24px;background-color:%[3]s;border-radius:6px;font-family:%[4]s;font-size:16px;line-height:24px;font-weight:bold;color:#ffffff;text-decoration:none;">%[2]s</a><!--<![endif]-->
</td></tr>
<tr><td class="soft" style="padding:0 0 16px;font-family:%[4]s;font-size:13px;line-height:20px;color:#5a6775;">Or open this address: <a href="%[1]s" class="soft" style="color:#5a6775;text-decoration:underline;word-break:break-all;">%[1]s</a></td></tr>
`
)

var accent = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// boldMark stands for ** while values are filled in; no value can contain it.
const boldMark = "\x01"

// rich fills a leaf for HTML: everything is escaped, then ** pairs become bold.
func (l leaf) rich(vars map[string]string) string {
	literal := func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "**", boldMark) }
	s := l.fill(vars, literal, html.EscapeString)
	for strings.Count(s, boldMark) > 1 {
		s = strings.Replace(s, boldMark, "<strong>", 1)
		s = strings.Replace(s, boldMark, "</strong>", 1)
	}
	return strings.ReplaceAll(s, boldMark, "")
}

func (t *Template) html(brand Brand, vars map[string]string) string {
	color := "#0f5c8c"
	if accent.MatchString(brand.Accent) {
		color = brand.Accent
	}
	fill := func(l leaf) string { return l.rich(vars) }
	var b strings.Builder
	fmt.Fprintf(&b, htmlHead, fill(t.subject), fill(t.preheader), fonts, html.EscapeString(brand.Name))
	for _, bl := range t.blocks {
		switch bl.kind {
		case heading:
			fmt.Fprintf(&b, rowHeading, fonts, fill(bl.text))
		case paragraph:
			fmt.Fprintf(&b, rowText, fonts, fill(bl.text))
		case item:
			fmt.Fprintf(&b, rowItem, fonts, fill(bl.text))
		case note:
			fmt.Fprintf(&b, rowNote, fonts, fill(bl.text))
		case code:
			fmt.Fprintf(&b, rowCode, monospace, fill(bl.text))
		case button:
			fmt.Fprintf(&b, rowButton, fill(bl.url), fill(bl.text), color, fonts)
		}
	}
	url := html.EscapeString(brand.URL)
	fmt.Fprintf(&b, htmlFoot, fonts, html.EscapeString(brand.Name), url, url)
	return b.String()
}
