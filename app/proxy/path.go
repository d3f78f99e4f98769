package proxy

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"seaworthy/app/web"
)

var errPath = web.BadRequest("ambiguous_path", "This address can be read in more than one way, and is refused.")

// passable refuses what no app gets, whatever the rules say. A target such as http:http://x/admin
// has no path that rules could be held against, and would be handed on as the address that it
// has inside. CONNECT asks for a tunnel, and TRACE would have the app repeat to the client what
// it is told of him (RFC 9110 sections 9.3.6 and 9.3.8).
func passable(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Opaque != "" {
		return errPath
	}
	if strings.EqualFold(r.Method, http.MethodConnect) || strings.EqualFold(r.Method, http.MethodTrace) {
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Public: "No address of the app takes " + strings.ToUpper(r.Method) + "."}
	}
	return nil
}

// plainPath is the path that rules are held against. An address that our rules and the
// app's router could read differently is refused: with dots that lead elsewhere, parts that
// are empty, also once a server of Java's has taken off their parameters, backslashes, line
// breaks (before which a pattern of Django's may end), or characters that are encoded so that
// they part nothing here and something there, or that are encoded twice.
func plainPath(u *url.URL) (string, error) {
	path := u.Path
	if path == "" || path == "*" {
		path = "/"
	}
	if u.Opaque != "" || !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.ContainsFunc(path, unreadable) {
		return "", errPath
	}
	raw := strings.ToLower(u.EscapedPath())
	for _, hidden := range []string{"%2f", "%5c", "%2e"} {
		if strings.Contains(raw, hidden) {
			return "", errPath
		}
	}
	if twice.MatchString(path) {
		return "", errPath
	}
	for part := range strings.SplitSeq(path, "/") {
		name, _, has := strings.Cut(part, ";")
		if name == "." || name == ".." || name == "" && has {
			return "", errPath
		}
	}
	return path, nil
}

// twice finds what is still encoded in a path that was decoded.
var twice = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unreadable are backslashes and control characters.
func unreadable(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }

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
