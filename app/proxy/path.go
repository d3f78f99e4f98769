package proxy

import (
	"net/url"
	"strings"

	"seaworthy/app/web"
)

var errPath = web.BadRequest("ambiguous_path", "This address can be read in more than one way, and is refused.")

// plainPath is the path that rules are held against. An address that our rules and the
// app's router could read differently is refused: with dots that lead elsewhere, empty
// parts, backslashes, or characters that are encoded so that they part nothing here and
// something there.
func plainPath(u *url.URL) (string, error) {
	path := u.Path
	if path == "" || path == "*" {
		path = "/"
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\\x00") || strings.Contains(path, "//") {
		return "", errPath
	}
	raw := strings.ToLower(u.EscapedPath())
	for _, hidden := range []string{"%2f", "%5c", "%00", "%2e", "%252f", "%252e", "%255c"} {
		if strings.Contains(raw, hidden) {
			return "", errPath
		}
	}
	for part := range strings.SplitSeq(path, "/") {
		name, _, _ := strings.Cut(part, ";") // parameters of a part, as Java's servers take them off
		if name == "." || name == ".." {
			return "", errPath
		}
	}
	return path, nil
}

// pattern is a path of a rule: "*" is one part of it, "**" at its end is all that
// follows, and nothing.
type pattern []string

// parsePattern reads what checkPattern allows.
func parsePattern(text string) pattern {
	return strings.Split(strings.TrimPrefix(strings.ToLower(text), "/"), "/")
}

// matches holds a path against it, in any case, with or without a slash at its end:
// routers differ in both, and a rule must not be passed by writing /Admin/.
func (p pattern) matches(path string) bool {
	parts := strings.Split(strings.Trim(strings.ToLower(path), "/"), "/")
	for i, want := range p {
		if want == "**" {
			return true
		}
		if i >= len(parts) {
			return false
		}
		part, _, _ := strings.Cut(parts[i], ";")
		if want != "*" && want != part || want == "*" && part == "" {
			return false
		}
	}
	return len(parts) == len(p)
}

// checkPattern says what is wrong with a path; "" for nothing.
func checkPattern(text string) string {
	switch {
	case !strings.HasPrefix(text, "/"):
		return "A path begins with a slash, such as /admin/**."
	case len(text) > 300:
		return "At most 300 characters."
	case strings.HasPrefix(text, "/-/") || text == "/-":
		return "What lies under /-/ is Seaworthy's own and has its own rules."
	case strings.ContainsAny(text, "\\?#;% \"<>") || strings.Contains(text, "//"):
		return "Letters, digits and - . _ ~ alone, with one slash between parts; * for one part, ** at the end for all that follows."
	}
	parts := strings.Split(text[1:], "/")
	for i, part := range parts {
		switch {
		case part == "**" && i < len(parts)-1:
			return "** can only stand at the end."
		case strings.Contains(part, "*") && part != "*" && part != "**":
			return "* stands for a whole part, between slashes."
		case part == "." || part == ".." || part == "" && len(parts) > 1:
			return "Parts cannot be empty, or dots."
		}
	}
	return ""
}
