package eml

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// Frame is how HTML is to be shown in a frame of its own.
type Frame struct {
	Scheme string                 // "light" or "dark": what the reader's system prefers
	Part   func(id string) string // address of the part with a content id; "" if there is none
}

// dropped are the elements that a mail has no use for, and that reach beyond the
// frame before any policy of ours is asked: a base changes where links lead, a link
// may look a host up, a meta may send the reader elsewhere.
var dropped = map[string]bool{"base": true, "link": true, "script": true, "iframe": true, "frame": true, "frameset": true, "object": true, "embed": true, "applet": true, "portal": true}

// Show rewrites a mail's HTML: its rules for dark and for light apply as Scheme says,
// whatever the browser prefers, images that are parts of the message are found, and
// what is in dropped is left out. It does not make HTML safe: the frame that shows it
// must be sandboxed, without scripts.
func (f Frame) Show(source string) string {
	declared := false // the mail says that it knows dark and light
	var body strings.Builder
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := string(z.Raw())
		switch kind {
		case html.DoctypeToken, html.CommentToken: // conditional comments are for another program
			continue
		case html.TextToken:
			body.WriteString(raw)
			continue
		}
		token := z.Token()
		switch {
		case dropped[token.Data]:
			skipRaw(z, token, kind)
			continue
		case token.Data == "meta":
			name := strings.ToLower(attribute(token, "name"))
			declared = declared || name == "color-scheme" || name == "supported-color-schemes"
			continue
		case token.Data == "style" && kind == html.StartTagToken:
			body.WriteString(raw)
			if z.Next() == html.TextToken {
				body.WriteString(f.css(string(z.Raw()), &declared))
				continue
			}
			body.Write(z.Raw())
			continue
		}
		if kind == html.EndTagToken || !f.attributes(&token, &declared) {
			body.WriteString(raw)
			continue
		}
		body.WriteString(token.String())
	}
	scheme := "light" // such a mail stays light wherever it is read
	if declared {
		scheme = f.scheme()
	}
	return `<!doctype html><base target="_top"><meta name="color-scheme" content="` + scheme + `">` + body.String()
}

func (f Frame) scheme() string {
	if f.Scheme == "dark" {
		return "dark"
	}
	return "light"
}

// skipRaw passes over what stands in an element whose content is no markup.
func skipRaw(z *html.Tokenizer, token html.Token, kind html.TokenType) {
	if kind == html.StartTagToken && (token.Data == "script" || token.Data == "iframe") {
		if z.Next() == html.TextToken {
			return
		}
	}
}

// attributes rewrites those that name parts of the message or have rules; changed is
// false if nothing was.
func (f Frame) attributes(token *html.Token, declared *bool) (changed bool) {
	for i := range token.Attr {
		a := &token.Attr[i]
		before := a.Val
		switch {
		case a.Key == "style" || a.Key == "media":
			a.Val = f.css(a.Val, declared)
		case len(a.Val) > 4 && strings.EqualFold(a.Val[:4], "cid:"):
			a.Val = f.part(a.Val[4:])
		}
		changed = changed || a.Val != before
	}
	return changed
}

func (f Frame) part(id string) string {
	if f.Part == nil {
		return ""
	}
	return f.Part(id)
}

var (
	prefers  = regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*:\s*(dark|light|no-preference)\s*\)`)
	schemes  = regexp.MustCompile(`(?i)(^|[^-\w])((?:supported-)?color-schemes?\s*:\s*)([^;}"]*)`)
	cidInCSS = regexp.MustCompile(`(?i)url\(\s*(['"]?)cid:([^'")\s]+)\s*['"]?\s*\)`)
)

// css rewrites rules. A query that is answered is replaced by one that every window
// answers in the same way, so that "not" and "and" around it keep their meaning.
func (f Frame) css(text string, declared *bool) string {
	text = prefers.ReplaceAllStringFunc(text, func(m string) string {
		*declared = true
		if strings.EqualFold(prefers.FindStringSubmatch(m)[1], f.scheme()) {
			return "(min-width: 0px)"
		}
		return "(max-width: 0px)"
	})
	text = schemes.ReplaceAllStringFunc(text, func(m string) string {
		*declared = true
		parts := schemes.FindStringSubmatch(m)
		if !strings.Contains(strings.ToLower(parts[3]), f.scheme()) {
			return m // it stays as it is in the other
		}
		return parts[1] + parts[2] + f.scheme()
	})
	return cidInCSS.ReplaceAllStringFunc(text, func(m string) string {
		return `url(` + f.part(cidInCSS.FindStringSubmatch(m)[2]) + `)`
	})
}

func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
