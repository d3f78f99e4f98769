package web

import "net/http"

// InConsole is a page of the console, for which the permission of its route is not
// enough: whoever may see mail by a key need not see the console.
func InConsole(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		const need = "console:read"
		if !IdentityOf(r.Context()).Can(need) {
			return Forbidden(need)
		}
		return h(w, r)
	}
}
