package apply

import (
	"net/http"

	"seaworthy/app/manifest"
	"seaworthy/app/web"
)

const (
	apiApply  = "/-/api/v1/apply"
	apiExport = "/-/api/v1/export"
)

// Routes are the API. Which permissions are needed follows from the sections of the file.
func (s *System) Routes() []web.Route {
	return []web.Route{
		{Method: "POST", Pattern: apiApply, Access: web.SignedIn, Fresh: true, Handler: s.applyAPI, Body: manifest.MaxFile, Audit: []string{"*"},
			Doc: web.Doc{Summary: "Make the installation what a file says, as seaworthy.yml, all of it or nothing; the body is YAML or JSON; query: dry_run=true to change nothing. Each section needs the permission to manage what is in it", Out: Result{}}},
		{Method: "GET", Pattern: apiApply, Access: web.SignedIn, Handler: s.stateAPI,
			Doc: web.Doc{Summary: "What files have the say over, of what you may see", Out: stateJSON{}}},
		{Method: "GET", Pattern: apiExport, Access: web.SignedIn, Handler: s.exportAPI,
			Doc: web.Doc{Summary: "The present state as such a file, in YAML; query: section, once for each; all that you may see without one"}},
	}
}

func (s *System) applyAPI(w http.ResponseWriter, r *http.Request) error {
	raw, _, err := web.ReadBody(r, "application/yaml", "text/yaml", "application/x-yaml", "application/json")
	if err != nil {
		return err
	}
	trial := false
	switch r.URL.Query().Get("dry_run") {
	case "", "false":
	case "true":
		trial = true
	default:
		return web.Invalid(web.Field{Field: "dry_run", Code: "choice", Message: "true or false."})
	}
	out, err := s.Apply(r.Context(), raw, Options{Trial: trial})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) stateAPI(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	return web.JSON(w, http.StatusOK, s.state(func(p manifest.Part) bool { return id.Can(p.Read) || id.Can(p.Manage) }))
}

// exportAPI answers YAML (RFC 9512).
func (s *System) exportAPI(w http.ResponseWriter, r *http.Request) error {
	raw, err := s.Export(r.Context(), r.URL.Query()["section"])
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(raw)
	return err
}
