package observe

import "strings"

// Paths of the app behind are folded, so that a resource counts as one whatever its id.
const (
	mostParts = 8  // of a path; what is deeper becomes "*"
	mostPart  = 24 // bytes; what is longer is an id
)

// FoldPath is a path with ":id" in place of each part that looks like an id: one with
// a digit or an at sign, a long one, or one of bytes that names do not have. Tokens in paths are
// hidden by it too.
func FoldPath(path string) string {
	var b strings.Builder
	for n := 0; len(path) > 1; n++ {
		part, rest := strings.TrimPrefix(path, "/"), ""
		if i := strings.IndexByte(part, '/'); i >= 0 {
			part, rest = part[:i], part[i:]
		}
		b.WriteByte('/')
		if n == mostParts {
			b.WriteByte('*')
			return b.String()
		}
		if isID(part) {
			part = ":id"
		}
		b.WriteString(part)
		path = rest
	}
	if b.Len() == 0 {
		b.WriteByte('/')
	}
	return b.String()
}

func isID(part string) bool {
	if version(part) {
		return false
	}
	for i := range len(part) {
		c := part[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.') {
			return true
		}
	}
	return len(part) > mostPart
}

// version reports whether a part is a version as APIs have them: v1 to v99.
func version(part string) bool {
	if len(part) < 2 || len(part) > 3 || part[0] != 'v' {
		return false
	}
	for _, c := range part[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// foldMethod is a method of HTTP as it is, and "OTHER" for what a client made up.
func foldMethod(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "OTHER"
}
