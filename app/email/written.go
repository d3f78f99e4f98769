package email

import (
	"html"
	"regexp"
	"strings"

	"seaworthy/app/email/compose"
)

// What a message without a template may say, each replaced for its recipient.
const (
	unsubscribeMark = "{{unsubscribe_url}}"
	addressMark     = "{{postal_address}}"
)

var bodyEnd = regexp.MustCompile(`(?i)</body\s*>`)

// written is the mail of a message without a template. One that can be unsubscribed
// from says how: where its author put the link, or else at its foot, and marketing
// says who sends it.
func (s *System) written(m messageRow, c content) compose.Mail {
	made := compose.Mail{Subject: c.Subject, HTML: c.HTML, Text: c.Text}
	url, from := s.unsubscribeURL(m), s.brand.Load().address
	if url != "" {
		made.HTML, made.Text = withFoot(made.HTML, m), withTextFoot(made.Text, m)
	}
	lines := strings.ReplaceAll(html.EscapeString(from), "\n", "<br>")
	made.HTML = strings.NewReplacer(unsubscribeMark, html.EscapeString(url), addressMark, lines).Replace(made.HTML)
	made.Text = strings.NewReplacer(unsubscribeMark, url, addressMark, from).Replace(made.Text)
	return made
}

// withFoot puts what HTML lacks at its end; a mail without HTML stays without.
func withFoot(page string, m messageRow) string {
	said := strings.Contains(page, unsubscribeMark)
	addressed := m.class != "marketing" || strings.Contains(page, addressMark)
	if foot := htmlFoot(said, addressed, m.norm); foot != "" && page != "" {
		return beforeEnd(page, foot)
	}
	return page
}

// withTextFoot does so for the text part.
func withTextFoot(text string, m messageRow) string {
	text = strings.TrimRight(text, "\n") + "\n"
	if !strings.Contains(text, unsubscribeMark) {
		text += "\n-- \nUnsubscribe: " + unsubscribeMark + "\n"
	}
	if m.class == "marketing" && !strings.Contains(text, addressMark) {
		text += addressMark + "\n"
	}
	return text
}

// htmlFoot is what is missing at the end of the HTML; "" for nothing.
func htmlFoot(said, addressed bool, to string) string {
	if said && addressed {
		return ""
	}
	foot := `<div style="margin:32px auto 16px;max-width:600px;padding:0 16px;font:13px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#5b6472;text-align:center">`
	if !said {
		foot += `This mail went to ` + html.EscapeString(to) + `. <a href="` + unsubscribeMark + `" style="color:#5b6472">Unsubscribe</a>`
	}
	if !addressed {
		foot += `<br>` + addressMark
	}
	return foot + `</div>`
}

// beforeEnd puts something at the end of a page's body.
func beforeEnd(page, what string) string {
	if at := bodyEnd.FindAllStringIndex(page, -1); len(at) > 0 {
		end := at[len(at)-1][0]
		return page[:end] + what + page[end:]
	}
	return page + what
}
