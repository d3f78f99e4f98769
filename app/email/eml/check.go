package eml

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Finding is what one check of a mail says.
type Finding struct {
	Level string `json:"level"` // ok, info, warn, danger
	What  string `json:"what"`
	Why   string `json:"why"`
}

// clipped is the size of HTML beyond which Gmail shows only its beginning.
const clipped = 102 << 10

// Check holds a mail to what mail programs and their users expect.
func (l Letter) Check(seen Seen) []Finding {
	var all []Finding
	say := func(level, what, why string) { all = append(all, Finding{level, what, why}) }
	switch {
	case !l.HasText && !l.HasHTML:
		say("danger", "The message has no text", "Neither a text nor an HTML part can be shown.")
	case !l.HasText:
		say("warn", "The text part is missing", "Spam filters count it, and watches and text readers show nothing. Send a multipart/alternative with both.")
	case !l.HasHTML:
		say("info", "Text only", "There is no HTML part. That is fine for plain mail.")
	default:
		say("ok", "Text and HTML", "Every mail program can show one of them.")
	}
	switch size := len(l.HTML); {
	case size > clipped:
		say("danger", "Gmail clips this message", fmt.Sprintf("The HTML has %d KB. Gmail shows 102 KB, and hides the rest with its unsubscribe link.", size>>10))
	case size > clipped*9/10:
		say("warn", "Near the size that Gmail clips", fmt.Sprintf("The HTML has %d of 102 KB, and links grow when a provider counts clicks.", size>>10))
	case l.HasHTML:
		say("ok", "Size", fmt.Sprintf("The HTML has %d of the 102 KB that Gmail shows.", (size+1023)>>10))
	}
	if l.Subject == "" {
		say("warn", "The subject is missing", "Lists of mail show nothing for this one.")
	} else if n := len([]rune(l.Subject)); n > 78 {
		say("info", "A long subject", fmt.Sprintf("It has %d characters. Phones show about 40.", n))
	}
	all = append(all, l.unsubscribe()...)
	all = append(all, checkLinks(seen)...)
	if seen.Remote > 0 {
		say("info", fmt.Sprintf("Images of other hosts: %d", seen.Remote), "Many readers see them only after they ask for them.")
	}
	if seen.NoAlt > 0 {
		say("warn", fmt.Sprintf("Images without a description: %d", seen.NoAlt), `Whoever does not see them gets nothing. Give each an alt text, or alt="" where it is decoration.`)
	}
	for _, f := range l.Faults {
		say("warn", "The message is not well formed", f)
	}
	return all
}

// unsubscribe checks RFC 2369 and RFC 8058.
func (l Letter) unsubscribe() []Finding {
	list, post := l.header("List-Unsubscribe"), l.header("List-Unsubscribe-Post")
	if list == "" && post == "" {
		return []Finding{{"info", "No List-Unsubscribe", "Fine for mail that answers what somebody did. Newsletters and the like need it: Gmail and Yahoo demand it of bulk senders."}}
	}
	var https, mailto bool
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		inside := strings.TrimSuffix(strings.TrimPrefix(part, "<"), ">")
		if part != "<"+inside+">" {
			return []Finding{{"danger", "List-Unsubscribe cannot be read", "Each address stands in angle brackets, with commas between them (RFC 2369)."}}
		}
		u, err := url.Parse(inside)
		https = https || err == nil && u.Scheme == "https" && u.Host != ""
		mailto = mailto || err == nil && u.Scheme == "mailto"
	}
	switch {
	case !https && mailto:
		return []Finding{{"warn", "Unsubscribing only by mail", "One-click unsubscribing needs an https address beside it (RFC 8058)."}}
	case !https:
		return []Finding{{"danger", "List-Unsubscribe has no https address", "Mail programs do not offer any other (RFC 8058). On this machine the address of the app is http, so this is expected in development."}}
	case !strings.EqualFold(strings.ReplaceAll(post, " ", ""), "List-Unsubscribe=One-Click"):
		return []Finding{{"danger", "List-Unsubscribe-Post is missing or wrong", "It has to be List-Unsubscribe=One-Click (RFC 8058)."}}
	}
	return []Finding{{"ok", "One-click unsubscribe", "List-Unsubscribe and List-Unsubscribe-Post are there. Both must be covered by the DKIM signature."}}
}

func checkLinks(seen Seen) (all []Finding) {
	var plain, here []string
	for _, l := range seen.Links {
		switch {
		case OnlyHere(l):
			here = append(here, l)
		case strings.HasPrefix(strings.ToLower(l), "http:"):
			plain = append(plain, l)
		}
	}
	if len(plain) > 0 {
		all = append(all, Finding{"warn", fmt.Sprintf("Links without TLS: %d", len(plain)), "Such as " + short(plain[0], 200)})
	}
	if len(here) > 0 {
		all = append(all, Finding{"info", fmt.Sprintf("Links to this machine or its network: %d", len(here)), "They work in development. Elsewhere nobody can follow them: " + short(here[0], 200)})
	}
	if len(all) == 0 && len(seen.Links) > 0 {
		all = append(all, Finding{"ok", "Links", "All of them are https and lead to a public host."})
	}
	return all
}

func (l Letter) header(name string) string {
	for _, h := range l.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func private(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}
