package web

import (
	"net/http"
	"net/url"
	"strings"
)

// LocalPath returns p if it is a path on this site, and otherwise instead. A
// redirect that a client can choose goes only where this allows.
func LocalPath(p, instead string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t\x00") {
		return instead
	}
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") {
		return instead
	}
	return p
}

// SeeOther redirects after a form to a path on this site.
func SeeOther(w http.ResponseWriter, r *http.Request, path string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, LocalPath(path, "/"), http.StatusSeeOther)
	return nil
}

func queryEscape(s string) string { return url.QueryEscape(s) }
