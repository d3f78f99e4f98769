package audit

import (
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// orgRoutes are an org's own view of its log.
func (s *System) orgRoutes() []web.Route {
	const base = "/-/org/{slug}/audit"
	may := web.InOrg(permOrg)
	return []web.Route{
		{Method: "GET", Pattern: base, Access: may, Handler: s.orgList},
		{Method: "GET", Pattern: base + "/events/{id}", Access: may, Handler: s.orgEvent},
		{Method: "GET", Pattern: base + "/events/{id}/proof", Access: may, Handler: s.orgProof},
		{Method: "POST", Pattern: base + "/exports", Access: may, Narrow: true, Handler: s.orgExport, Audit: []string{string(actExportAsked)}},
		{Method: "GET", Pattern: base + "/exports/{id}", Access: may, Handler: s.orgFile},
		{Method: "POST", Pattern: base + "/retention", Access: web.InOrg("org:settings"), Handler: s.orgRetention, Audit: []string{string(actRetentionSet)}},
	}
}

func orgBase(o web.Org) string { return "/-/org/" + o.Slug + "/audit" }

func (s *System) orgList(w http.ResponseWriter, r *http.Request) error {
	org := web.OriginOf(r.Context()).Org
	return s.list(w, r, "audit/org", orgBase(org), org)
}

func (s *System) orgEvent(w http.ResponseWriter, r *http.Request) error {
	org := web.OriginOf(r.Context()).Org
	return s.event(w, r, "audit/orgevent", orgBase(org), org)
}

func (s *System) orgProof(w http.ResponseWriter, r *http.Request) error {
	return s.proofFile(w, r, web.OriginOf(r.Context()).Org)
}

func (s *System) orgExport(w http.ResponseWriter, r *http.Request) error {
	org := web.OriginOf(r.Context()).Org
	return s.exportForm(w, r, org.ID, orgBase(org))
}

func (s *System) orgFile(w http.ResponseWriter, r *http.Request) error {
	return s.filePage(w, r, web.OriginOf(r.Context()).Org.ID)
}

func (s *System) orgRetention(w http.ResponseWriter, r *http.Request) error {
	org := web.OriginOf(r.Context()).Org
	return s.retentionForm(w, r, org.ID, orgBase(org))
}

// exportForm asks for an export with the filters of the list it stands on.
func (s *System) exportForm(w http.ResponseWriter, r *http.Request, org, back string) error {
	in, err := web.Decode[exportInput](r)
	if err != nil {
		return err
	}
	f, err := in.filter(org)
	if err != nil {
		return err
	}
	if _, err := s.request(r.Context(), in.Format, f); err != nil {
		return err
	}
	return web.SeeOther(w, r, back+"#exports")
}

// filePage hands out a finished export of an org, "" for one of everything.
func (s *System) filePage(w http.ResponseWriter, r *http.Request, org string) error {
	e, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Export, error) { return exportByID(tx, r.PathValue("id")) })
	if err != nil {
		return err
	}
	if e.Org != org {
		return web.ErrNotFound
	}
	return s.sendFile(w, r, e)
}

type retentionInput struct {
	KeepDays int `json:"keep_days"`
}

func (s *System) retentionForm(w http.ResponseWriter, r *http.Request, org, back string) error {
	in, err := web.Decode[retentionInput](r)
	if err != nil {
		return err
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.SetRetention(tx, org, in.KeepDays) }); err != nil {
		return err
	}
	return web.SeeOther(w, r, back+"#retention")
}
