package eml

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Seen is what stands in a mail's HTML and text, for whoever checks it.
type Seen struct {
	Links  []string // http and https addresses, each once: those of the text first
	Remote int      // images of other hosts
	NoAlt  int      // images without a description
}

// maxLinks bounds how many addresses are listed.
const maxLinks = 500

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// Scan looks through a mail.
func Scan(text, source string) Seen {
	s := Seen{Links: []string{}}
	for _, l := range address.FindAllString(text, maxLinks) {
		s.link(l)
	}
	for z := html.NewTokenizer(strings.NewReader(source)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		switch token.Data {
		case "a", "area":
			s.link(strings.TrimSpace(attribute(token, "href")))
		case "img":
			s.image(token)
		}
	}
	return s
}

func (s *Seen) link(to string) {
	lower := strings.ToLower(to)
	if !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") || len(to) > 8<<10 || len(s.Links) >= maxLinks {
		return
	}
	if !slices.Contains(s.Links, to) {
		s.Links = append(s.Links, to)
	}
}

func (s *Seen) image(token html.Token) {
	src := strings.ToLower(attribute(token, "src"))
	if strings.HasPrefix(src, "http:") || strings.HasPrefix(src, "https:") || strings.HasPrefix(src, "//") {
		s.Remote++
	}
	if !slices.ContainsFunc(token.Attr, func(a html.Attribute) bool { return a.Key == "alt" }) {
		s.NoAlt++
	}
}

// OnlyHere reports whether an address leads to this machine or a private network,
// where nobody else can follow it.
func OnlyHere(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal") || private(host)
}
