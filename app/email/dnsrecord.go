package email

import "strings"

// spfPolicy is what matters of a record of RFC 7208.
type spfPolicy struct {
	lookups  int      // that it makes receivers do itself
	includes []string // names whose policies are looked up, too
	redirect string
	all      byte // qualifier of all: + - ~ ?; 0 for none
}

// longestRecord is how much of a record is read, in bytes.
const longestRecord = 4 << 10

// parseSPF reads a record that begins with v=spf1. What it does not know it leaves out.
func parseSPF(text string) (p spfPolicy) {
	terms := strings.Fields(strings.ToLower(text[:min(len(text), longestRecord)]))
	for _, term := range terms[min(1, len(terms)):] {
		if name, ok := strings.CutPrefix(term, "redirect="); ok {
			p.lookups++
			p.redirect = name
			p.includes = append(p.includes, name)
			continue
		}
		qualifier := byte('+')
		if strings.ContainsRune("+-~?", rune(term[0])) {
			qualifier, term = term[0], term[1:]
		}
		mechanism, rest, _ := strings.Cut(term, ":")
		mechanism, _, _ = strings.Cut(mechanism, "/")
		switch mechanism {
		case "all":
			p.all = qualifier
			return p // what follows is never looked at
		case "include":
			p.lookups++
			if rest != "" && !strings.Contains(rest, "%") { // a macro is another name for each message
				p.includes = append(p.includes, rest)
			}
		case "a", "mx", "ptr", "exists":
			p.lookups++
		}
	}
	return p
}

// parseTags reads a tag list of RFC 6376 section 3.2, as DKIM and DMARC have it. White
// space within values is left out, as for keys that were folded.
func parseTags(text string) map[string]string {
	tags := map[string]string{}
	for part := range strings.SplitSeq(text[:min(len(text), longestRecord)], ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" {
			continue
		}
		if _, twice := tags[name]; !twice {
			tags[name] = strings.Join(strings.Fields(value), "")
		}
	}
	return tags
}
