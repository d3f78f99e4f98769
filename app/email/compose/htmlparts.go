package compose

// What the HTML is put together from. Each constant says in its first line what
// its verbs stand for.

// subject, preheader, filler, fonts, header, lang, direction, start side
const htmlHead = `<!DOCTYPE html>
<html lang="%[6]s" dir="%[7]s" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
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
  .column { max-width: 100%% !important; }
}
@media (prefers-color-scheme: dark) {
  .ground { background-color: #14181d !important; }
  .card { background-color: #1d232a !important; border-color: #323a44 !important; }
  .ink { color: #e8edf2 !important; }
  .soft { color: #a9b4bf !important; }
  .box { background-color: #2a333d !important; }
  .rule { border-color: #3c4650 !important; }
  .info { background-color: #12303f !important; }
  .warn { background-color: #3a2d0c !important; }
  .danger { background-color: #44201f !important; }
  .logo { background-color: #ffffff !important; border-radius: 6px !important; padding: 6px !important; }
}
[data-ogsb] .ground { background-color: #14181d !important; }
[data-ogsb] .card { background-color: #1d232a !important; }
[data-ogsb] .box { background-color: #2a333d !important; }
[data-ogsb] .info { background-color: #12303f !important; }
[data-ogsb] .warn { background-color: #3a2d0c !important; }
[data-ogsb] .danger { background-color: #44201f !important; }
[data-ogsc] .ink { color: #e8edf2 !important; }
[data-ogsc] .soft { color: #a9b4bf !important; }
</style>
</head>
<body class="ground" style="margin:0;padding:0;background-color:#f3f5f8;">
<div style="display:none;mso-hide:all;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;">%[2]s%[3]s</div>
<table role="presentation" lang="%[6]s" dir="%[7]s" width="100%%" cellpadding="0" cellspacing="0" border="0" class="ground" style="background-color:#f3f5f8;"><tbody>
<tr><td align="center" style="padding:32px 12px;">
<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;"><tbody>
<tr><td class="ink" align="%[8]s" style="padding:0 4px 16px;font-family:%[4]s;font-size:16px;line-height:24px;font-weight:bold;color:#1b2430;">%[5]s</td></tr>
<tr><td class="card" align="%[8]s" style="padding:32px 32px 16px;background-color:#ffffff;border:1px solid #dde3ea;border-radius:10px;">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0"><tbody>
`

// fonts, footer, start side
const htmlFoot = `</tbody></table>
</td></tr>
<tr><td class="soft" align="%[3]s" style="padding:16px 4px 0;font-family:%[1]s;font-size:13px;line-height:20px;color:#5a6775;">%[2]s</td></tr>
</tbody></table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</tbody></table>
</body>
</html>
`

const (
	fonts     = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
	monospace = "Consolas,Menlo,Monaco,'Courier New',monospace"
	softLink  = `<a href="%[1]s" class="soft" style="color:#5a6775;text-decoration:underline;">%[2]s</a>`

	// fonts, words
	rowHeading    = `<tr><td style="padding:0 0 16px;"><h1 class="ink" style="margin:0;font-family:%s;font-size:22px;line-height:28px;font-weight:bold;color:#1b2430;">%s</h1></td></tr>` + "\n"
	rowSubheading = `<tr><td style="padding:8px 0 8px;"><h2 class="ink" style="margin:0;font-family:%s;font-size:17px;line-height:24px;font-weight:bold;color:#1b2430;">%s</h2></td></tr>` + "\n"
	rowText       = `<tr><td class="ink" style="padding:0 0 16px;font-family:%s;font-size:16px;line-height:24px;color:#1b2430;">%s</td></tr>` + "\n"
	rowNote       = `<tr><td class="soft" style="padding:0 0 16px;font-family:%s;font-size:14px;line-height:21px;color:#5a6775;">%s</td></tr>` + "\n"
	rowCode       = `<tr><td style="padding:0 0 16px;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="box ink" style="padding:12px 20px;background-color:#eef2f6;border-radius:6px;font-family:%s;font-size:24px;line-height:32px;letter-spacing:4px;color:#1b2430;">%s</td></tr></tbody></table></td></tr>` + "\n"

	// space below in pixels, fonts, words
	rowItem = `<tr><td style="padding:0 0 %dpx;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="soft" valign="top" width="20" style="font-family:%[2]s;font-size:16px;line-height:24px;color:#5a6775;">&bull;</td><td class="ink" style="font-family:%[2]s;font-size:16px;line-height:24px;color:#1b2430;">%[3]s</td></tr></tbody></table></td></tr>` + "\n"

	// address, label, ground, fonts, ink, width in pixels for VML
	rowButton = `<tr><td style="padding:8px 0 16px;">
<!--[if mso]><v:roundrect href="%[1]s" style="height:44px;v-text-anchor:middle;width:%[6]dpx;" arcsize="14%%" stroke="f" fillcolor="%[3]s"><w:anchorlock xmlns:w="urn:schemas-microsoft-com:office:word"/><center style="color:%[5]s;font-family:Arial,sans-serif;font-size:16px;font-weight:bold;">%[2]s</center></v:roundrect><![endif]-->
<!--[if !mso]><!--><a href="%[1]s" style="display:inline-block;padding:10px 24px;background-color:%[3]s;border-radius:6px;font-family:%[4]s;font-size:16px;line-height:24px;font-weight:bold;text-align:center;color:%[5]s;text-decoration:none;">%[2]s</a><!--<![endif]-->
</td></tr>
<tr><td class="soft" style="padding:0 0 24px;font-family:%[4]s;font-size:13px;line-height:20px;color:#5a6775;">Or open this address:<br><a href="%[1]s" class="soft" style="color:#5a6775;text-decoration:underline;word-break:break-all;">%[1]s</a></td></tr>
`

	// tone, ground, line, start side, fonts, its name, words
	rowCallout = `<tr><td style="padding:0 0 16px;"><table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="%[1]s ink" style="padding:12px 16px;background-color:%[2]s;border-%[4]s:4px solid %[3]s;font-family:%[5]s;font-size:15px;line-height:22px;color:#1b2430;"><strong>%[6]s:</strong> %[7]s</td></tr></tbody></table></td></tr>` + "\n"

	rowDivider = `<tr><td style="padding:8px 0 24px;"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="rule" height="1" style="border-top:1px solid #dde3ea;font-size:0;line-height:0;">&nbsp;</td></tr></tbody></table></td></tr>` + "\n"

	// address, alternative, width
	rowImage = `<tr><td style="padding:0 0 16px;"><img src="%[1]s" alt="%[2]s" width="%[3]d" style="width:100%%;max-width:%[3]dpx;height:auto;border:0;"></td></tr>` + "\n"

	factsHead = `<tr><td style="padding:0 0 16px;"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tbody>` + "\n"
	// fonts, name, value, end side
	rowFact   = `<tr><td class="soft" valign="top" style="padding:0 0 4px;padding-%[4]s:16px;font-family:%[1]s;font-size:15px;color:#5a6775;">%[2]s</td><td class="ink" valign="top" style="padding:0 0 4px;font-family:%[1]s;font-size:15px;color:#1b2430;">%[3]s</td></tr>` + "\n"
	factsFoot = `</tbody></table></td></tr>` + "\n"

	tableHeadHTML = `<tr><td style="padding:0 0 16px;"><table width="100%" cellpadding="0" cellspacing="0" border="0"><tbody>` + "\n"
	// side, start padding side, fonts, words
	cellHead  = `<th scope="col" class="soft rule" align="%[1]s" valign="bottom" style="padding:0 0 6px;padding-%[2]s:%[5]dpx;border-bottom:1px solid #dde3ea;font-family:%[3]s;font-size:13px;font-weight:normal;color:#5a6775;">%[4]s</th>`
	cellRow   = `<td class="ink rule" align="%[1]s" valign="top" style="padding:8px 0 8px;padding-%[2]s:%[5]dpx;border-bottom:1px solid #dde3ea;font-family:%[3]s;font-size:15px;color:#1b2430;">%[4]s</td>`
	cellTotal = `<td class="ink" align="%[1]s" valign="top" style="padding:8px 0 0;padding-%[2]s:%[5]dpx;font-family:%[3]s;font-size:15px;font-weight:bold;color:#1b2430;">%[4]s</td>`
	tableFoot = `</tbody></table></td></tr>` + "\n"

	sectionHead = `<tr><td style="padding:0 0 16px;"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td class="box" style="padding:16px 20px 4px;background-color:#eef2f6;border-radius:8px;"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tbody>` + "\n"
	sectionFoot = `</tbody></table></td></tr></tbody></table></td></tr>` + "\n"

	// Columns stand side by side where there is room and below each other on a
	// phone, without a media query; Outlook gets cells of a table.
	columnsHead = `<tr><td style="padding:0;font-size:0;line-height:0;"><!--[if mso]><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><![endif]-->`
	// width, end side, gap to the next
	columnHead  = `<!--[if mso]><td width="%[1]d" valign="top"><![endif]--><div class="column" style="display:inline-block;width:100%%;max-width:%[1]dpx;vertical-align:top;"><table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0"><tbody><tr><td style="padding:0;padding-%[2]s:%[3]dpx;"><table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0"><tbody>` + "\n"
	columnFoot  = `</tbody></table></td></tr></tbody></table></div><!--[if mso]></td><![endif]-->`
	columnsFoot = `<!--[if mso]></tr></table><![endif]--></td></tr>` + "\n"
)

// tones are how callouts look and what they are called, so that their colour does
// not carry the meaning alone.
var tones = map[string]struct{ ground, line, name string }{
	"info":   {"#e6f1f8", "#0f5c8c", "Note"},
	"warn":   {"#fdf3d8", "#9a6700", "Please note"},
	"danger": {"#fdeaea", "#b3261e", "Important"},
}
