package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// LocalPath returns p if it is a path on this site, and otherwise instead. A
// redirect that a client can choose goes only where this allows. The path is
// looked at decoded too, and without "." and "..", since what stands between
// may normalise it: none of its forms may begin with two slashes.
func LocalPath(p, instead string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.Contains(p, `\`) {
		return instead
	}
	u, err := url.Parse(p) // which refuses control characters
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") || strings.ContainsFunc(u.Path, notInPath) {
		return instead
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return instead
		}
	}
	return p
}

// notInPath are characters that browsers drop or take for a slash.
func notInPath(r rune) bool { return r == '\\' || unicode.IsControl(r) }

// SeeOther redirects after a form to a path on this site.
func SeeOther(w http.ResponseWriter, r *http.Request, path string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, LocalPath(path, "/"), http.StatusSeeOther)
	return nil
}

func queryEscape(s string) string { return url.QueryEscape(s) }

// WithNext is a path of ours that leads on to next.
func WithNext(path, next string) string { return path + "?next=" + queryEscape(next) }
